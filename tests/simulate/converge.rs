//! From any world to one that is as the file says.

use containai::config::{self, Config};
use containai::host::System;
use containai::simulate::{Call, FAULTS, Fault, File, LINUX, MACOS, SimulatedHost, World, run};

use super::{TOLD, apply, effects, failures, only_more_than_was_shown, plan};
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        an_empty_world_converges_and_a_second_plan_is_empty,
        a_new_machine_needs_no_restart_that_strategy_never_forbids,
        a_guest_with_dockers_repository_gets_docker_from_it,
        without_lima_an_empty_world_converges_in_one_apply,
        examples_that_need_no_files_of_their_own_converge,
        every_fault_is_seen_and_repaired,
        every_two_faults_at_once_are_repaired_by_one_apply,
        what_a_boot_has_loaded_is_known_after_an_edit_by_hand,
        faults_without_a_repair_stop_the_plan_and_nothing_is_touched,
    ]
}

/// A file that says something of all that a fault can touch.
fn whole() -> Config {
    let mounts = "[[vm.mounts]]\nlocation = \"~\"\nwritable = true\n";
    let egress = "[egress]\nallow = [\"github.com\"]\n";
    config::parse(&format!("version = 1\n[vm]\ncpus = 4\n{mounts}{egress}")).unwrap()
}

/// A host whose world is as the file says.
fn converged(config: &Config) -> SimulatedHost<'static> {
    let host = SimulatedHost::new(&System, World::new(LINUX));
    let report = apply(&host, config);
    assert!(!report.failed(), "{}", failures(&report));
    host
}

fn an_empty_world_converges_and_a_second_plan_is_empty() {
    for platform in [LINUX, MACOS] {
        let config = config::parse("version = 1").unwrap();
        let host = SimulatedHost::new(&System, World::new(platform));
        let report = apply(&host, &config);
        assert!(!report.failed(), "{platform:?}: {}", failures(&report));
        let again = plan(&host, &config);
        assert!(again.is_empty(), "{}", effects(&again));
    }
}

/// With `live-restore` off, a restart of dockerd would stop containers, if there were any.
fn a_new_machine_needs_no_restart_that_strategy_never_forbids() {
    let file =
        "version = 1\n[docker.daemon]\nlive-restore = false\n[restart]\nstrategy = \"never\"\n";
    let config = config::parse(file).unwrap();
    let host = SimulatedHost::new(&System, World::new(LINUX));
    let report = apply(&host, &config);
    assert!(!report.failed(), "{}", failures(&report));
    let again = plan(&host, &config);
    assert!(again.is_empty(), "{}", effects(&again));
}

fn a_guest_with_dockers_repository_gets_docker_from_it() {
    let config = config::parse("version = 1\n[docker]\nsource = \"docker-ce\"\n").unwrap();
    let host = converged(&config);
    let text = "Types: deb\nURIs: https://download.docker.com/linux/ubuntu\nSuites: noble\n\
        Components: stable\nSigned-By: /etc/apt/keyrings/docker.gpg\n";
    host.change(|world| {
        Fault::find("provision-failed").unwrap().strike(world, &config);
        let guest = world.instances.values_mut().next().unwrap().guest.as_mut().unwrap();
        let file = File { text: text.into(), ..File::default() };
        guest.files.insert("/etc/apt/sources.list.d/docker.sources".into(), file);
    })
    .unwrap();
    let report = apply(&host, &config);
    assert!(!report.failed(), "{}", failures(&report));
    let again = plan(&host, &config);
    assert!(again.is_empty(), "{}", effects(&again));
}

fn without_lima_an_empty_world_converges_in_one_apply() {
    const OLD: &str = "1.0.7";
    let config = config::parse("version = 1").unwrap();
    for (platform, brew, old) in [
        (LINUX, false, false),
        (LINUX, false, true),
        (MACOS, true, false),
        (MACOS, true, true),
        (MACOS, false, false),
        (MACOS, false, true),
    ] {
        let mut world = World::new(platform);
        let programs = &mut world.computer.programs;
        programs.remove("limactl");
        if old {
            programs.insert("limactl".into(), OLD.into());
        }
        if !brew {
            programs.remove("brew");
        }
        let case = format!("{platform:?}, brew: {brew}, old: {old}");
        let host = SimulatedHost::new(&System, world);
        let report = apply(&host, &config);
        assert!(!report.failed(), "{case}: {}", failures(&report));
        let again = plan(&host, &config);
        assert!(again.is_empty(), "{case}: {}", effects(&again));
        // Homebrew mends its own; what it does not know stays as it was, beside the new one.
        let computer = host.world().computer;
        let on_path = computer.programs.get("limactl").map(String::as_str);
        let installed: Vec<_> = computer.installed.into_keys().collect();
        if brew {
            assert_eq!((on_path, installed.as_slice()), (Some("2.2.0"), &[][..]), "{case}");
        } else {
            let directory = computer.home.join(".local/share/cai/lima/2.2.0/bin/limactl");
            assert_eq!((on_path, installed), (old.then_some(OLD), vec![directory]), "{case}");
        }
        host.change(|world| Fault::find("lima-missing").unwrap().strike(world, &config)).unwrap();
        assert!(!plan(&host, &config).is_empty(), "{case}: Lima cannot be missed again");
    }
}

fn examples_that_need_no_files_of_their_own_converge() {
    for name in ["minimal", "seed", "team/base"] {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(root.join(format!("examples/{name}.toml"))).unwrap();
        let config = config::parse(&text).unwrap();
        for platform in [LINUX, MACOS] {
            let host = SimulatedHost::new(&System, World::new(platform));
            let report = apply(&host, &config);
            assert!(!report.failed(), "{name} on {platform:?}: {}", failures(&report));
            let again = plan(&host, &config);
            assert!(again.is_empty(), "{name} on {platform:?}: {}", effects(&again));
        }
    }
}

fn every_fault_is_seen_and_repaired() {
    let config = whole();
    let mut wrong = Vec::new();
    let faults = FAULTS.iter().filter(|fault| !TOLD.contains(&fault.name));
    // Those of containers are with the doctor, beside a compose file.
    for fault in faults.filter(|fault| fault.suits(&config)) {
        let host = converged(&config);
        host.change(|world| fault.strike(world, &config)).unwrap();
        if plan(&host, &config).is_empty() {
            wrong.push(format!("{}: it is not seen", fault.name));
        }
        let report = apply(&host, &config);
        let again = plan(&host, &config);
        if report.failed() || !again.is_empty() {
            let rest = effects(&again);
            wrong.push(format!("{}: {}\n{rest}", fault.name, failures(&report)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Each alone is mended elsewhere; two may share what mends them.
fn every_two_faults_at_once_are_repaired_by_one_apply() {
    let config = whole();
    let faults: Vec<&Fault> =
        FAULTS.iter().filter(|it| !TOLD.contains(&it.name) && it.suits(&config)).collect();
    let mut wrong = Vec::new();
    let world = converged(&config).world();
    let pairs = (1..)
        .zip(&faults)
        .flat_map(|(next, one)| faults.iter().skip(next).map(move |other| (one, other)));
    for (first, second) in pairs {
        let host = SimulatedHost::new(&System, world.clone());
        host.change(|world| {
            first.strike(world, &config);
            second.strike(world, &config);
        })
        .unwrap();
        let mut report = apply(&host, &config);
        // What the plan could not see without Lima, it may not disturb.
        if report.failed() && only_more_than_was_shown(&report) {
            report = apply(&host, &config);
        }
        let again = plan(&host, &config);
        if report.failed() || !again.is_empty() {
            let rest = effects(&again);
            let names = (first.name, second.name);
            wrong.push(format!("{names:?}: {}\n{rest}", failures(&report)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

fn what_a_boot_has_loaded_is_known_after_an_edit_by_hand() {
    let config = whole();
    let host = converged(&config);
    let types = |line: &str, stdin: Option<&str>| {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let stdin = stdin.map(str::as_bytes);
        let call = Call { args: &words[1..], stdin, ..Call::default() };
        let reply = host.change(|world| run(world, &words[0], &call)).unwrap().unwrap();
        assert_eq!(reply.code, 0, "{line}: {reply:?}");
        reply.stdout
    };
    types("limactl stop containai-secure", None);
    types("limactl start containai-secure", None);
    let guest = "limactl shell --workdir=/ containai-secure";
    let file = types(&format!("{guest} cat /etc/docker/daemon.json"), None);
    let by_hand = file.replacen('{', "{\n    \"debug\": true,", 1);
    types(&format!("{guest} sudo -n dd of=/etc/docker/daemon.json"), Some(&by_hand));
    types(&format!("{guest} sudo -n systemctl reload docker.service"), None);
    // The boot put everything of the file in force; what was added is none of its keys.
    let again = plan(&host, &config);
    assert!(again.is_empty(), "{}", effects(&again));
}

fn faults_without_a_repair_stop_the_plan_and_nothing_is_touched() {
    let config = whole();
    for name in TOLD {
        let host = converged(&config);
        host.change(|world| {
            Fault::find("context-missing").unwrap().strike(world, &config);
            Fault::find(name).unwrap().strike(world, &config);
        })
        .unwrap();
        let before = host.world();
        assert!(plan(&host, &config).problems().next().is_some(), "{name} is not told");
        assert_eq!(host.world(), before);
    }
}
