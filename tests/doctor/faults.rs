//! Each fault of the simulated host: its code, what mends it, and what that disturbs.

use containai::apply;
use containai::config::{self, Config};
use containai::docker::Environment;
use containai::doctor::{Case, Code, Finding, Severity, diagnose, is_healthy, treatment};
use containai::graph::Graph;
use containai::host::System;
use containai::observe::observe;
use containai::plan::Plan;
use containai::simulate::{FAULTS, Fault, LINUX, SimulatedHost, World};

use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        every_fault_has_its_code_and_is_repaired,
        a_diagnosis_changes_nothing,
        a_repair_does_nothing_that_was_not_asked_for,
    ]
}

/// Each fault with its code, and how often the VM boots for its repair.
const CODES: &[(&str, Code, u64)] = &[
    ("vm-absent", Code::VmAbsent, 1),
    ("vm-stopped", Code::VmStopped, 1),
    ("vm-broken", Code::VmBroken, 1),
    ("group", Code::GroupMissing, 0),
    ("session", Code::SessionStale, 0),
    ("forward", Code::ForwardDead, 0),
    ("dockerd", Code::DockerdDown, 0),
    ("guest-socket", Code::GuestSocketMissing, 0),
    ("sysbox-missing", Code::SysboxMissing, 0),
    ("sysbox-default", Code::SysboxDefault, 0),
    ("daemon-json", Code::DaemonJsonDrift, 0),
    ("cpus", Code::VmDrift, 1),
    ("mount", Code::VmDrift, 1),
    ("context-missing", Code::ContextMissing, 0),
    ("context-endpoint", Code::ContextEndpoint, 0),
    ("lima-missing", Code::LimaMissing, 0),
    ("docker-missing", Code::DockerCliMissing, 0),
    ("provision-failed", Code::ProvisionFailed, 0),
    ("host-socket-permission", Code::HostSocketPermission, 0),
];

/// A file that says something of all that a fault can touch.
fn whole() -> Config {
    let mounts = "[[vm.mounts]]\nlocation = \"~\"\nwritable = true\n";
    config::parse(&format!("version = 1\n[vm]\ncpus = 4\n{mounts}")).unwrap()
}

fn converged(config: &Config) -> SimulatedHost<'static> {
    let host = SimulatedHost::new(&System, World::new(LINUX));
    let graph = Graph::new(&[config]).unwrap();
    let plan = Plan::new(&graph, &[observe(&host, config).unwrap()]);
    assert!(!apply::apply(&host, &[config], &graph, &plan, &|_| {}).failed());
    host
}

fn found(host: &SimulatedHost<'_>, config: &Config) -> Vec<Finding> {
    let facts = observe(host, config).unwrap();
    let plan = Plan::new(&Graph::new(&[config]).unwrap(), std::slice::from_ref(&facts));
    let environment = &Environment::default();
    diagnose(&Case { config, is_declared: true, facts: &facts, environment, plan: &plan })
}

/// Applies what the findings need, as `--fix` does.
fn treat(host: &SimulatedHost<'_>, config: &Config) {
    let facts = observe(host, config).unwrap();
    let plan = Plan::new(&Graph::new(&[config]).unwrap(), std::slice::from_ref(&facts));
    let environment = &Environment::default();
    let case = Case { config, is_declared: true, facts: &facts, environment, plan: &plan };
    if let Some((graph, plan)) = treatment(&case, &diagnose(&case)).unwrap() {
        let done = apply::apply(host, &[config], &graph, &plan, &|_| {});
        assert!(!done.failed(), "{}", containai::report::finished(&done, &[]));
    }
}

/// How often the VM was booted.
fn boots(host: &SimulatedHost<'_>) -> u64 {
    host.world().instances.get("containai-secure").map_or(0, |it| it.boots.into())
}

fn every_fault_has_its_code_and_is_repaired() {
    let config = whole();
    for fault in FAULTS {
        let (_, code, wanted) = CODES
            .iter()
            .find(|(name, ..)| *name == fault.name)
            .unwrap_or_else(|| panic!("no code is known for the fault {}", fault.name));
        let host = converged(&config);
        host.change(|world| fault.strike(world, &config)).unwrap();
        let before = boots(&host);
        let findings = found(&host, &config);
        let codes: Vec<Code> = findings.iter().map(|finding| finding.code).collect();
        assert_eq!(codes, [*code], "{}: {findings:#?}", fault.name);
        treat(&host, &config);
        let findings = found(&host, &config);
        if *code == Code::DockerCliMissing {
            assert!(!findings[0].fixable, "cai does not install it");
            continue;
        }
        assert_eq!(findings, [], "{} is not repaired", fault.name);
        assert_eq!(boots(&host) - before, *wanted, "boots of the VM for {}", fault.name);
    }
}

fn a_diagnosis_changes_nothing() {
    let config = whole();
    for fault in FAULTS {
        let host = converged(&config);
        host.change(|world| fault.strike(world, &config)).unwrap();
        let before = host.world();
        let findings = found(&host, &config);
        assert!(!is_healthy(&findings), "{}", fault.name);
        assert_eq!(host.world(), before, "{}", fault.name);
    }
}

fn a_repair_does_nothing_that_was_not_asked_for() {
    let config = whole();
    for name in ["group", "session", "forward", "dockerd", "guest-socket", "context-missing"] {
        let host = converged(&config);
        host.change(|world| {
            Fault::find("mount").unwrap().strike(world, &config);
            Fault::find(name).unwrap().strike(world, &config);
        })
        .unwrap();
        let before = boots(&host);
        treat(&host, &config);
        assert_eq!(boots(&host), before, "{name}: the VM was restarted for a mount");
        let findings = found(&host, &config);
        let codes: Vec<Code> = findings.iter().map(|finding| finding.code).collect();
        assert_eq!(codes, [Code::VmDrift], "{name}");
        assert_eq!(findings[0].severity, Severity::Warning);
    }
}
