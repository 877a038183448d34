//! What must hold for every file and every world.

use std::collections::BTreeMap;
use std::sync::Mutex;

use containai::config::{self, Config};
use containai::host::System;
use containai::model::address::Address;
use containai::reconcile::apply;
use containai::reconcile::apply::event::Event;
use containai::reconcile::graph::{Edge, Graph};
use containai::simulate::{FAULTS, Fault, LINUX, MACOS, SimulatedHost, World};
use proptest::prelude::*;
use proptest::sample::subsequence;
use proptest::test_runner::{Config as Cases, TestRunner};

use super::{TOLD, effects, failures, only_more_than_was_shown, plan};
use crate::support::trials;

/// The fault that hides the others.
const LIMA_MISSING: &str = "lima-missing";

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        plan_apply_plan_is_empty_in_every_world,
        a_file_after_another_leaves_what_it_leaves_alone,
        a_plan_never_changes_the_world,
        steps_run_only_after_what_they_require,
        independent_resources_keep_the_order_of_the_file,
    ]
}

/// Runs a property over random files and worlds.
fn holds(cases: u32, property: impl Fn(&Case) -> Result<(), TestCaseError>) {
    // A failure is written into the output, and into no file beside the tests.
    let cases = Cases { cases, failure_persistence: None, ..Cases::default() };
    TestRunner::new(cases).run(&case(), |case| property(&case)).unwrap();
}

/// A file, and a world that was built by it (or not) and then broken.
#[derive(Debug, Clone)]
struct Case {
    file: String,
    macos: bool,
    built: bool,
    faults: Vec<&'static str>,
    containers: u32,
    /// Whether Lima's connection was ended, and the forward with it.
    unconnected: bool,
}

impl Case {
    fn config(&self) -> Config {
        config::parse(&self.file).unwrap_or_else(|why| panic!("{}: {why:?}", self.file))
    }

    fn host(&self) -> Result<SimulatedHost<'static>, TestCaseError> {
        let config = self.config();
        let platform = if self.macos { MACOS } else { LINUX };
        let host = SimulatedHost::new(&System, World::new(platform));
        if self.built {
            let report = super::apply(&host, &config);
            prop_assert!(!report.failed(), "{}", failures(&report));
            self.start_containers(&host, &config);
        }
        host.change(|world| {
            for name in &self.faults {
                Fault::find(name).unwrap().strike(world, &config);
            }
            for instance in world.instances.values_mut().filter(|_| self.unconnected) {
                instance.master = None;
                if let Some(socket) = &mut instance.docker_socket {
                    socket.carried_by = None;
                }
            }
        })
        .unwrap();
        Ok(host)
    }

    /// Containers that run, as people have them.
    fn start_containers(&self, host: &SimulatedHost<'_>, config: &Config) {
        host.change(|world| {
            for number in 0..self.containers {
                let name = format!("agent-{number}");
                let context = config.context.name.as_str();
                let args = ["--context", context, "run", "-d", "--name", &name, "registry"];
                let args = args.map(str::to_owned);
                let call = containai::simulate::Call { args: &args, ..Default::default() };
                let reply = containai::simulate::run(world, "docker", &call).unwrap();
                assert_eq!(reply.code, 0, "{reply:?}");
            }
        })
        .unwrap();
    }
}

/// A certificate of this repository.
const CERTIFICATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/corp-ca.pem");
const LIMA_USER: &str = "[[users]]\nname = \"@lima\"\ngroups = [\"docker\"]\n";

fn file() -> impl Strategy<Value = String> {
    let optional = |text: &'static str| prop_oneof![Just(""), Just(text)];
    let vm = (
        prop_oneof![Just(""), Just("cpus = 2\n"), Just("cpus = 4\n")],
        optional("memory = \"3GiB\"\n"),
        prop_oneof![Just(""), Just("disk = \"60GiB\"\n"), Just("data_disk = \"20GiB\"\n"),],
        optional("[[vm.mounts]]\nlocation = \"/srv\"\nwritable = true\n"),
    );
    let docker = prop_oneof![
        Just(""),
        Just("[docker]\nsource = \"distro\"\n"),
        Just("[docker]\nsource = \"docker-ce\"\nversion = \"28.5.1\"\n"),
        Just("[docker.repository]\nurl = \"https://m.example/docker/linux\"\n"),
        Just("[docker.daemon]\nlog-driver = \"local\"\n"),
    ];
    let sysbox = prop_oneof![
        Just(""),
        Just("[sysbox]\nenabled = false\n"),
        Just("[sysbox]\ndefault_runtime = true\n"),
    ];
    let groups = subsequence(
        vec![
            "[[groups]]\nname = \"docker\"\ngid = 2375\n",
            "[[groups]]\nname = \"builders\"\ngid = 3000\n",
            "[[groups]]\nname = \"anyone\"\n",
        ],
        0..=3,
    );
    let users = subsequence(
        vec![
            "[[users]]\nname = \"ci\"\nuid = 3001\nshell = \"/usr/sbin/nologin\"\ngroups = [\"docker\"]\n",
            "[[users]]\nname = \"guest\"\ngroups = []\n",
        ],
        0..=2,
    );
    let trust = format!("[[trust]]\ncertificate = {CERTIFICATE:?}\n");
    let network = subsequence(
        vec![
            "[egress]\nallow = [\"github.com\"]\n".to_owned(),
            "[proxy]\nhttps = \"http://localhost:3128\"\n".to_owned(),
            trust,
        ],
        0..=3,
    );
    (vm, docker, sysbox, groups, users, network).prop_map(|(vm, docker, sysbox, groups, users, network)| {
        let (cpus, memory, disk, mounts) = vm;
        let (groups, users) = (groups.concat(), users.concat());
        // A file that names users names Lima's too, else nobody could open the socket.
        let lima = if users.is_empty() { "" } else { LIMA_USER };
        format!(
            "version = 1\n[vm]\n{cpus}{memory}{disk}{mounts}{docker}{sysbox}{groups}{lima}{users}{}",
            network.concat(),
        )
    })
}

fn case() -> impl Strategy<Value = Case> {
    let names: Vec<&'static str> =
        FAULTS.iter().filter(|fault| !fault.is_of_a_client()).map(|fault| fault.name).collect();
    let names: Vec<_> = names.into_iter().filter(|name| !TOLD.contains(name)).collect();
    let faults = subsequence(names, 0..=5).prop_shuffle();
    (file(), any::<bool>(), any::<bool>(), faults, 0..3_u32, any::<bool>()).prop_map(
        |(file, macos, built, faults, containers, unconnected)| Case {
            file,
            macos,
            built,
            faults,
            containers,
            unconnected,
        },
    )
}

fn plan_apply_plan_is_empty_in_every_world() {
    holds(192, |case| {
        let (host, config) = (case.host()?, case.config());
        let mut report = super::apply(&host, &config);
        if case.built && case.faults.contains(&LIMA_MISSING) && report.failed() {
            // The plan could not see the VM, so it showed nothing that would disturb it. That, and
            // nothing else, is left to the plan that can.
            prop_assert!(only_more_than_was_shown(&report), "{}", failures(&report));
            report = super::apply(&host, &config);
        }
        prop_assert!(!report.failed(), "{}", failures(&report));
        let again = plan(&host, &config);
        prop_assert!(again.is_empty(), "{}", effects(&again));
        Ok(())
    });
}

/// Nothing of the first file is left, apart from what `cai` does not manage: Docker's version, and
/// what a VM keeps.
fn a_file_after_another_leaves_what_it_leaves_alone() {
    let cases = Cases { cases: 96, failure_persistence: None, ..Cases::default() };
    TestRunner::new(cases)
        .run(&(file(), file()), |(first, second)| {
            let [both, alone] = [0, 1].map(|_| SimulatedHost::new(&System, World::new(LINUX)));
            let [first, second] = [first, second].map(|text| {
                // Its disk cannot shrink, an installed engine is not replaced, a running VM keeps its boot
                // script, and Docker's group stays.
                let kept = [
                    "disk = \"60GiB\"\n",
                    "[docker.repository]\nurl = \"https://m.example/docker/linux\"\n",
                    "[[groups]]\nname = \"docker\"\ngid = 2375\n",
                    "[docker]\nsource = \"distro\"\n",
                    "[docker]\nsource = \"docker-ce\"\nversion = \"28.5.1\"\n",
                ];
                let text = kept.iter().fold(text, |text, line| text.replace(line, ""));
                // Free ids depend on earlier accounts. Four processors are Lima's default, for
                // which no key is written.
                let text = text.replace("cpus = 4", "cpus = 3");
                let text = text.replace("\"anyone\"\n", "\"anyone\"\ngid = 3003\n");
                config::parse(&text.replace("\"guest\"\n", "\"guest\"\nuid = 3002\n")).unwrap()
            });
            for (host, config) in [(&both, &first), (&both, &second), (&alone, &second)] {
                let report = super::apply(host, config);
                prop_assert!(!report.failed(), "{}", failures(&report));
                let again = plan(host, config);
                prop_assert!(again.is_empty(), "{}", effects(&again));
            }
            for (one, other) in
                super::removal::snapshot(&both).iter().zip(super::removal::snapshot(&alone))
            {
                prop_assert_eq!(one, &other);
            }
            Ok(())
        })
        .unwrap();
}

fn a_plan_never_changes_the_world() {
    holds(128, |case| {
        let (host, config) = (case.host()?, case.config());
        let before = serde_json::to_string(&host.world()).unwrap();
        let first = plan(&host, &config);
        let after = serde_json::to_string(&host.world()).unwrap();
        prop_assert_eq!(before, after);
        prop_assert_eq!(first, plan(&host, &config), "the second plan is another one");
        Ok(())
    });
}

/// What a resource requires, directly.
fn requirements<'a>(graph: &'a Graph, of: &Address) -> Vec<&'a Address> {
    let own = graph.edges().filter(|(_, to, edge)| *to == of && *edge == Edge::Requires);
    own.map(|(from, ..)| from).collect()
}

fn steps_run_only_after_what_they_require() {
    holds(128, |case| {
        let (host, config) = (case.host()?, case.config());
        let graph = Graph::new(&[&config]).unwrap();
        let plan = plan(&host, &config);
        let finished: Mutex<Vec<Address>> = Mutex::default();
        let early: Mutex<Vec<String>> = Mutex::default();
        apply::apply(&host, &[&config], &graph, &plan, &|event| match event {
            Event::ResourceStarted(change) => {
                for required in requirements(&graph, &change.address) {
                    if !finished.lock().unwrap().contains(required) {
                        early.lock().unwrap().push(format!("{} before {required}", change.address));
                    }
                }
            }
            Event::ResourceFinished(result) => {
                finished.lock().unwrap().push(result.address.clone());
            }
            _ => {}
        });
        let (finished, early) = (finished.into_inner().unwrap(), early.into_inner().unwrap());
        prop_assert!(early.is_empty(), "{early:?}");
        prop_assert_eq!(finished.len(), plan.changes.len(), "not every resource was ended");
        Ok(())
    });
}

fn independent_resources_keep_the_order_of_the_file() {
    holds(128, |case| {
        let config = case.config();
        let graph = Graph::new(&[&config]).unwrap();
        let ordered: Vec<Address> = graph.ordered().map(|node| node.address.clone()).collect();
        // Groups are independent of each other, and so are accounts.
        let declared = config.groups.iter().map(|group| format!("group.{}", group.name));
        let shown = ordered.iter().map(ToString::to_string).filter(|it| it.starts_with("group."));
        prop_assert_eq!(shown.collect::<Vec<_>>(), declared.collect::<Vec<_>>());
        // And every resource comes after all that it requires.
        let positions: BTreeMap<&Address, usize> =
            ordered.iter().enumerate().map(|(position, address)| (address, position)).collect();
        for (position, address) in ordered.iter().enumerate() {
            for required in requirements(&graph, address) {
                prop_assert!(positions[required] < position, "{address} before {required}");
            }
        }
        Ok(())
    });
}
