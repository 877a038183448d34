//! A plan shows everything that its apply may do, also where nothing can be looked at yet.

use containai::config;
use containai::host::System;
use containai::plan::Disruption;
use containai::reconcile::apply::apply;
use containai::simulate::{Fault, LINUX, SimulatedHost, World};

use super::{failures, planned};
use crate::support::fake_world::{FakeWorld, changes_something};
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        without_a_vm_everything_is_shown_before_it_is_done,
        with_a_stopped_vm_everything_is_shown_before_it_is_done,
        a_saved_plan_of_a_stopped_vm_shows_the_same,
        a_fallback_comes_only_after_the_first_attempt,
    ]
}

const SMALL: &str = "version = 1\n";
const LARGE: &str = "version = 1\n[vm]\ncpus = 3\n[vm.env]\nSTAGE = \"test\"\n\
                     [[groups]]\nname = \"builders\"\ngid = 4242\n\
                     [[users]]\nname = \"agent\"\ngroups = [\"docker\", \"builders\"]\n\
                     [[files]]\npath = \"/etc/profile.d/agent.sh\"\ncontent = \"export A=1\\n\"\n\
                     [docker.daemon]\nlog-driver = \"local\"\n";

/// What the calls of an apply name: accounts, groups, paths, keys and values.
const NAMED: [&str; 9] = [
    "agent",
    "builders",
    "4242",
    "docker",
    "/etc/profile.d/agent.sh",
    "cpus",
    "STAGE",
    "/etc/docker/daemon.json",
    "containai-secure",
];

/// Every word of [`NAMED`] that a call of the apply has was in the plan, and each is in some call.
fn shown_before_it_is_done(world: &FakeWorld, plan: &str, apply: &[&str]) {
    world.calls();
    world.cai(apply).success();
    let calls: Vec<String> = world.calls().into_iter().filter(|it| changes_something(it)).collect();
    assert!(calls.len() > 5, "{calls:?}");
    for word in NAMED {
        let is_called = calls.iter().any(|call| call.contains(word));
        assert!(!is_called || plan.contains(word), "{word} is not in the plan: {plan}");
    }
    // The files are written through the standard input of a call.
    assert!(plan.contains("\"log-driver\": \"local\"") && plan.contains("export A=1"), "{plan}");
    for group in ["docker", "builders"] {
        let address = format!("group_membership.agent.{group}");
        assert!(plan.contains(&address), "{address}: {plan}");
    }
    assert!(world.cai(&["plan"]).success().contains("No changes."));
}

fn without_a_vm_everything_is_shown_before_it_is_done() {
    let world = FakeWorld::new(LARGE);
    let plan = world.cai(&["plan"]).success().to_owned();
    assert!(!plan.contains("known after apply."), "{plan}");
    shown_before_it_is_done(&world, &plan, &["apply", "--yes"]);
}

fn stopped() -> FakeWorld {
    let world = FakeWorld::converged(SMALL);
    world.cai(&["stop"]).success();
    world.sandbox.write("home/containai.toml", LARGE);
    world
}

fn with_a_stopped_vm_everything_is_shown_before_it_is_done() {
    let world = stopped();
    let plan = world.cai(&["plan"]).success().to_owned();
    let line = plan.replace("\n  ", " ");
    assert!(line.contains("the VM is stopped") && line.contains("Containers unknown."), "{plan}");
    shown_before_it_is_done(&world, &plan, &["apply", "--yes"]);
}

fn a_saved_plan_of_a_stopped_vm_shows_the_same() {
    let world = stopped();
    world.cai(&["plan", "--out", "next.plan"]).success();
    let shown = world.cai(&["show", "next.plan"]).success().to_owned();
    shown_before_it_is_done(&world, &shown, &["apply", "next.plan"]);
}

/// The plan shows a new session, and a restart of the VM as its fallback. Then the VM needs that restart
/// for another reason.
fn a_fallback_comes_only_after_the_first_attempt() {
    let source = "version = 1\n[sysbox]\nenabled = false\n\
                  [[users]]\nname = \"@lima\"\ngroups = [\"docker\"]\n";
    let config = config::parse(source).unwrap();
    let host = SimulatedHost::new(&System, World::new(LINUX));
    assert!(!super::apply(&host, &config).failed());
    let strike = |fault: &str| {
        let fault = Fault::find(fault).unwrap();
        host.change(|world| assert!(fault.strike(world, &config))).unwrap();
    };
    strike("session");
    let (graph, plan) = planned(&host, &config);
    let restart = plan.effective().find(|it| it.fallback.is_some()).unwrap();
    let fallback = restart.fallback.as_ref().unwrap().disruption;
    assert_eq!((restart.disruption, fallback), (Disruption::SessionRefresh, Disruption::VmRestart));
    let boots = || host.world().instances["containai-secure"].boots;
    let before = boots();
    strike("cpus");
    let report = apply(&host, &[&config], &graph, &plan, &|_| {});
    let why = "it now needs a VM restart, which the plan did not show";
    assert!(failures(&report).contains(why), "{}", failures(&report));
    assert_eq!(boots(), before);
}
