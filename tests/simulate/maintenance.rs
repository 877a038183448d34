//! Containers that stop for maintenance run again afterwards, even after an interruption.

use containai::config::{self, Config};
use containai::docker::Environment;
use containai::doctor::{Case, Code, diagnose, repair_plan};
use containai::host::System;
use containai::plan::Plan;
use containai::reconcile::graph::Graph;
use containai::reconcile::observe::observe;
use containai::simulate::{Call, Fault, File, LINUX, SimulatedHost, World, run};
use serde_json::Value;

use super::{apply, effects, failures, plan};
use crate::support::fake_world::{FakeWorld, KILL};
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        sysbox_converges_whatever_dpkg_calls_its_version,
        a_container_of_sysbox_is_started_again_by_doctor,
        a_container_that_was_left_stopped_is_named_and_started_by_doctor,
        an_upgrade_of_sysbox_starts_its_containers_again,
        a_restart_of_the_vm_starts_its_containers_again,
        a_half_configured_sysbox_does_not_keep_docker_from_starting,
        a_run_that_is_killed_in_between_is_finished_by_the_next,
    ]
}

fn converged(config: &Config) -> SimulatedHost<'static> {
    let host = SimulatedHost::new(&System, World::new(LINUX));
    let report = apply(&host, config);
    assert!(!report.failed(), "{}", failures(&report));
    host
}

fn docker_run(world: &mut World, name: &str, runtime: &str) {
    let runtime = format!("--runtime={runtime}");
    let line = ["--context", "containai-secure", "run", "-d", &runtime, "--name", name, "image"];
    let args = line.map(str::to_owned);
    let reply = run(world, "docker", &Call { args: &args, ..Call::default() });
    assert_eq!(reply.map(|reply| reply.code), Some(0), "{name}");
}

/// A machine on which `old` and then `new` run with Sysbox, and `plain` without.
fn with_containers(config: &Config) -> SimulatedHost<'static> {
    let host = converged(config);
    host.change(|world| {
        for (name, runtime) in [("old", "sysbox-runc"), ("plain", "runc"), ("new", "sysbox-runc")] {
            docker_run(world, name, runtime);
            world.clock += 60;
        }
    })
    .unwrap();
    host
}

/// The containers that run, in the order of their start, with the time.
fn running(world: &World) -> Vec<(u64, String)> {
    let guest = world.instances["containai-secure"].guest.as_ref().unwrap();
    let running = guest.containers.iter().filter(|it| it.running);
    let mut running: Vec<_> = running.map(|it| (it.started, it.name.clone())).collect();
    running.sort();
    running
}

fn names(running: &[(u64, String)]) -> Vec<&str> {
    running.iter().map(|(_, name)| name.as_str()).collect()
}

fn strike(host: &SimulatedHost<'_>, config: &Config, fault: &str) {
    host.change(|world| assert!(Fault::find(fault).unwrap().strike(world, config), "{fault}"))
        .unwrap();
}

/// Fixes all findings, and returns their codes and causes.
fn doctor_fixes(host: &SimulatedHost<'_>, config: &Config) -> Vec<(Code, String)> {
    let facts = observe(host, config).unwrap();
    let plan = Plan::new(&Graph::new(&[config]).unwrap(), std::slice::from_ref(&facts));
    let environment = &Environment::default();
    let case = Case { config, is_declared: true, facts: &facts, environment, plan: &plan };
    let findings = diagnose(&case);
    let (graph, part) = repair_plan(&case, &findings).unwrap().unwrap();
    let done = containai::reconcile::apply::apply(host, &[config], &graph, &part, &|_| {});
    assert!(!done.failed(), "{}", failures(&done));
    findings.into_iter().map(|finding| (finding.code, finding.cause)).collect()
}

fn sysbox_converges_whatever_dpkg_calls_its_version() {
    let config = config::parse("version = 1").unwrap();
    let host = with_containers(&config);
    let guest = host.world().instances["containai-secure"].guest.clone().unwrap();
    assert_eq!(guest.packages["sysbox-ce"], "0.7.1.linux");
    let plan = plan(&host, &config);
    assert!(plan.is_empty(), "{}", effects(&plan));
}

fn a_container_of_sysbox_is_started_again_by_doctor() {
    let config = config::parse("version = 1").unwrap();
    let host = with_containers(&config);
    strike(&host, &config, "sysbox-services");
    let before = running(&host.world());
    doctor_fixes(&host, &config);
    let after = running(&host.world());
    // In their order, and the one of runc was left alone.
    assert_eq!(names(&after), ["plain", "old", "new"]);
    assert_eq!(after[0], before[1]);
}

/// Also together with another finding that the pending restart fixes.
fn a_container_that_was_left_stopped_is_named_and_started_by_doctor() {
    let config = config::parse("version = 1").unwrap();
    for others in [&[][..], &[("session", Code::SessionStale)]] {
        let host = with_containers(&config);
        for (fault, _) in others {
            strike(&host, &config, fault);
        }
        let file = "/var/lib/cai/stopped-containers".to_owned();
        host.change(|world| {
            let guest =
                world.instances.get_mut("containai-secure").unwrap().guest.as_mut().unwrap();
            let plain = guest.containers.iter_mut().find(|it| it.name == "plain").unwrap();
            plain.running = false;
            let text = format!("{}|plain|runc|2026-11-21T00:00:00Z|false\n", plain.id);
            let (sha256, modified) = (String::new(), 0);
            guest.files.insert(file, File { text, sha256, modified, ..File::default() });
        })
        .unwrap();
        let mut found = doctor_fixes(&host, &config);
        let (_, cause) = found.remove(others.len());
        assert_eq!(cause, "cai stopped plain and did not start it again");
        let codes: Vec<Code> = found.into_iter().map(|(code, _)| code).collect();
        assert_eq!(codes, others.iter().map(|(_, code)| *code).collect::<Vec<_>>());
        assert_eq!(names(&running(&host.world())), ["old", "new", "plain"]);
    }
}

fn an_upgrade_of_sysbox_starts_its_containers_again() {
    let config = config::parse("version = 1").unwrap();
    let host = with_containers(&config);
    host.change(|world| {
        let guest = world.instances.get_mut("containai-secure").unwrap().guest.as_mut().unwrap();
        guest.packages.insert("sysbox-ce".into(), "0.7.0.linux".into());
    })
    .unwrap();
    let daemon_json = |host: &SimulatedHost<'_>| {
        let guest = host.world().instances["containai-secure"].guest.clone().unwrap();
        guest.files["/etc/docker/daemon.json"].clone()
    };
    let before = daemon_json(&host);
    let report = apply(&host, &config);
    assert!(!report.failed(), "{}", failures(&report));
    assert_eq!(names(&running(&host.world())), ["plain", "old", "new"]);
    assert_eq!(daemon_json(&host), before, "the removed package edited it");
    let again = plan(&host, &config);
    assert!(again.is_empty(), "{}", effects(&again));
}

fn a_restart_of_the_vm_starts_its_containers_again() {
    let config = config::parse("version = 1\n[vm]\ncpus = 4\n").unwrap();
    for fault in ["cpus", "vm-broken"] {
        let host = with_containers(&config);
        strike(&host, &config, fault);
        let before = running(&host.world());
        let report = apply(&host, &config);
        assert!(!report.failed(), "{fault}: {}", failures(&report));
        let after = running(&host.world());
        assert_eq!(names(&after), ["old", "plain", "new"], "{fault}");
        assert!(after[0].0 > before[2].0, "{fault}: the VM was not restarted");
    }
}

fn a_half_configured_sysbox_does_not_keep_docker_from_starting() {
    let config = config::parse("version = 1\n[vm]\ncpus = 4\n").unwrap();
    let host = with_containers(&config);
    strike(&host, &config, "sysbox-unfinished");
    host.change(|world| {
        let guest = world.instances.get_mut("containai-secure").unwrap().guest.as_mut().unwrap();
        // It cannot be configured: it finds no network keys.
        let file = guest.files.get_mut("/etc/docker/daemon.json").unwrap();
        file.text = "{\"live-restore\": true}\n".into();
    })
    .unwrap();
    strike(&host, &config, "vm-stopped");
    let report = apply(&host, &config);
    assert!(!report.failed(), "{}", failures(&report));
    let again = plan(&host, &config);
    assert!(again.is_empty(), "{}", effects(&again));
}

/// If a run is killed before or after any of its commands, the next run starts the stopped
/// containers.
fn a_run_that_is_killed_in_between_is_finished_by_the_next() {
    let config = config::parse("version = 1").unwrap();
    let whole = FakeWorld::new("version = 1\n");
    whole.cai(&["apply", "--yes"]).success();
    let broken = |machine: &FakeWorld| {
        machine.change(|world| {
            for name in ["one", "two"] {
                docker_run(world, name, "sysbox-runc");
                world.clock += 60;
            }
            Fault::find("sysbox-services").unwrap().strike(world, &config);
        });
    };
    let mut calls = 0;
    for phase in ["before", "after"] {
        for number in 1.. {
            let machine = &whole;
            machine.change(|world| {
                let guest =
                    world.instances.get_mut("containai-secure").unwrap().guest.as_mut().unwrap();
                guest.containers.clear();
            });
            broken(machine);
            machine.calls();
            let point = format!("{phase} {number}");
            let killed = machine.cai_with(&["apply", "--yes"], &[(KILL, point.as_str())]);
            if killed.status.success() {
                break;
            }
            calls += 1;
            for _ in 0..2 {
                let plan = machine.cai(&["plan", "--json", "--detailed-exitcode"]);
                let _: Value = serde_json::from_str(&plan.stdout).unwrap();
                if plan.status.success() {
                    break;
                }
                machine.cai(&["apply", "--yes"]).success();
            }
            let plan = machine.cai(&["plan"]);
            assert!(plan.success().contains("No changes."), "{point}: {plan}");
            assert_eq!(names(&running(&machine.world())), ["one", "two"], "{point}: {killed}");
        }
    }
    assert!(calls >= 10, "{calls} kills: the repair has more commands than that");
}
