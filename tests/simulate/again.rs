//! After a step, only the part of the machine that it can have changed is observed again. No change is
//! planned with facts that are too old.

use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use containai::config::{self, Config};
use containai::host::{CommandSpec, Host, Input, System};
use containai::model::address::Kind;
use containai::reconcile::apply::event::Event;
use containai::reconcile::apply::{Report, apply};
use containai::simulate::{Call, Container, Fault, LINUX, SimulatedHost, World, run};

use super::{effects, failures, plan, planned};
use crate::support::interposed::Interposed;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        dockerd_and_this_machine_are_not_observed_again_for_accounts_and_files,
        a_group_repair_asks_dockerd_once_after_its_steps,
        a_new_gid_of_the_socket_is_seen_by_its_clients,
        a_container_that_started_meanwhile_is_known_before_dockerd_restarts,
    ]
}

const FILE: &str = "version = 1\n[sysbox]\nenabled = false\n[[users]]\nname = \"@lima\"\n\
                    groups = [\"docker\"]\n";
const ACCOUNTS: &str = "[[groups]]\nname = \"agents\"\n\
                        [[users]]\nname = \"robot\"\ngroups = [\"agents\"]\n\
                        [[files]]\npath = \"/etc/motd\"\ncontent = \"hello\"\n";

fn config(lines: &str) -> Config {
    config::parse(&format!("{FILE}{lines}")).unwrap_or_else(|why| panic!("{lines}: {why:?}"))
}

fn converged(config: &Config) -> SimulatedHost<'static> {
    let host = SimulatedHost::new(&System, World::new(LINUX));
    let report = super::apply(&host, config);
    assert!(!report.failed(), "{}", failures(&report));
    host
}

/// The probes of the guest with dockerd, those without it, and the other commands that only read.
#[derive(Debug, Default, PartialEq)]
struct Looks {
    whole: usize,
    system: usize,
    others: Vec<String>,
}

impl Looks {
    fn add(&mut self, command: &CommandSpec) {
        match &command.stdin {
            Some(Input::Text(script)) if script.contains("/containers/json") => self.whole += 1,
            Some(Input::Text(script)) if script.contains("section passwd") => self.system += 1,
            _ => self.others.push(command.to_string()),
        }
    }
}

/// Plans and applies a file that converges.
fn applied(host: &SimulatedHost<'_>, config: &Config) -> Looks {
    let looks = Mutex::new(Looks::default());
    let queried = |command: &CommandSpec| looks.lock().unwrap().add(command);
    let interrupted = AtomicBool::default();
    let seen = Interposed { host, before: &|_| None, queried: &queried, interrupted: &interrupted };
    let report = super::apply(&seen, config);
    assert!(!report.failed(), "{}", failures(&report));
    let again = plan(host, config);
    assert!(again.is_empty(), "{}", effects(&again));
    let mut looks = looks.into_inner().unwrap();
    looks.others.sort();
    looks
}

fn docker_run(host: &SimulatedHost<'_>, name: &str) {
    let line = ["--context", "containai-secure", "run", "-d", "--name", name, "image"];
    let args = line.map(str::to_owned);
    let start = |world: &mut World| run(world, "docker", &Call { args: &args, ..Call::default() });
    assert_eq!(host.change(start).unwrap().map(|reply| reply.code), Some(0), "{name}");
}

fn containers(host: &SimulatedHost<'_>) -> Vec<Container> {
    host.world().instances["containai-secure"].guest.clone().unwrap().containers
}

fn dockerd_and_this_machine_are_not_observed_again_for_accounts_and_files() {
    let host = converged(&config(""));
    let unchanged = applied(&host, &config(""));
    assert_eq!(unchanged.system, 0);
    let changed = applied(&host, &config(ACCOUNTS));
    assert!(changed.system >= 3, "{changed:?}");
    assert_eq!(Looks { system: 0, ..changed }, unchanged);
}

fn a_group_repair_asks_dockerd_once_after_its_steps() {
    let config = config("");
    let host = converged(&config);
    docker_run(&host, "agent");
    let before = containers(&host);
    let unchanged = applied(&host, &config);
    host.change(|world| assert!(Fault::find("group").unwrap().strike(world, &config))).unwrap();
    let repair = applied(&host, &config);
    assert_eq!((repair.system, repair.whole), (1, unchanged.whole + 1), "{repair:?}");
    assert_eq!(containers(&host), before);
}

/// A container mounts the guest's socket, whose group gets another gid. The login user owns the socket, so
/// nothing else is observed again.
fn a_new_gid_of_the_socket_is_seen_by_its_clients() {
    let with_gid = |gid: u32| {
        config(&format!(
            "[[socket_clients]]\ncontainer = \"manager\"\nvolume = \"/var/run\"\n\
             [[groups]]\nname = \"docker\"\ngid = {gid}\n"
        ))
    };
    let (old, new) = (with_gid(2375), with_gid(4711));
    let host = SimulatedHost::new(&System, World::new(LINUX));
    super::apply(&host, &old);
    host.change(|world| {
        assert!(Fault::find("client-absent").unwrap().strike(world, &old));
        let guest = world.instances.get_mut("containai-secure").unwrap().guest.as_mut().unwrap();
        guest.socket_owner = Some(guest.user.clone());
        guest.containers[0].running = true;
    })
    .unwrap();
    let before = plan(&host, &old);
    assert!(before.is_empty(), "{}", effects(&before));
    let report = super::apply(&host, &new);
    assert!(failures(&report).contains("socket_client.manager"), "{}", failures(&report));
}

/// A restart of dockerd is pending, and another container starts while a group is created.
fn a_container_that_started_meanwhile_is_known_before_dockerd_restarts() {
    let daemon = "[docker.daemon]\nlive-restore = false\nlog-driver = \"local\"\n";
    let host = converged(&config(daemon));
    docker_run(&host, "old");
    host.change(|world| {
        let guest = world.instances.get_mut("containai-secure").unwrap().guest.as_mut().unwrap();
        let loaded = &mut guest.dockerd.as_mut().unwrap().loaded;
        loaded.insert("log-driver".into(), "json-file".into());
    })
    .unwrap();
    let config = config(&format!("{daemon}[[groups]]\nname = \"agents\"\n"));
    let (graph, plan) = planned(&host, &config);
    let report: Report = apply(&host as &dyn Host, &[&config], &graph, &plan, &|event| {
        if let Event::StepFinished(address, ..) = event
            && address.kind == Kind::GROUP
        {
            docker_run(&host, "new");
        }
    });
    let why = "changed since the plan: it now stops new, which the plan did not show";
    assert!(failures(&report).contains(why), "{}", failures(&report));
    assert!(containers(&host).iter().all(|it| it.running));
}
