//! Each fault of the simulated host: its code, what mends it, and what that disturbs.

use containai::config::{self, Config};
use containai::docker::Environment;
use containai::doctor::{Case, Code, Finding, Severity, diagnose, is_healthy, repair_plan};
use containai::host::System;
use containai::plan::Plan;
use containai::reconcile::apply;
use containai::reconcile::graph::Graph;
use containai::reconcile::observe::observe;
use containai::simulate::{FAULTS, Fault, LINUX, SimulatedHost, World};

use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        every_fault_has_its_code_and_is_repaired,
        a_diagnosis_changes_nothing,
        a_repair_does_nothing_that_was_not_asked_for,
        a_container_that_a_restart_ends_runs_again,
        an_engine_and_its_container_are_repaired_together,
    ]
}

/// Each fault with its code, and how often the VM boots for its repair.
pub const CODES: &[(&str, Code, u64)] = &[
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
    ("egress-flushed", Code::EgressOpen, 0),
    ("egress-resolver", Code::EgressResolverDown, 0),
    ("cpus", Code::VmDrift, 1),
    ("mount", Code::VmDrift, 1),
    ("context-missing", Code::ContextMissing, 0),
    ("context-endpoint", Code::ContextEndpoint, 0),
    ("lima-missing", Code::LimaMissing, 0),
    ("docker-missing", Code::DockerCliMissing, 0),
    ("provision-failed", Code::ProvisionFailed, 0),
    ("host-socket-permission", Code::HostSocketPermission, 0),
    ("host-socket", Code::HostSocketMissing, 0),
    ("guest-socket-group", Code::GuestSocketGroup, 0),
    ("sysbox-services", Code::SysboxServicesDown, 0),
    ("sysbox-unfinished", Code::SysboxUnfinished, 0),
    ("lima-old", Code::LimaTooOld, 0),
    ("ssh-missing", Code::SshMissing, 0),
    ("client-absent", Code::ClientContainerAbsent, 0),
    ("client-restarting", Code::ClientRestarting, 0),
    ("client-socket", Code::ClientSocketMissing, 0),
    ("client-host", Code::ClientHostSocket, 0),
    ("client-gid", Code::ClientGidMismatch, 0),
    ("client-user", Code::ClientUserNotInGroup, 0),
    ("client-session", Code::ClientSessionStale, 0),
    ("client-mount", Code::ClientMountReadonly, 0),
    ("client-api", Code::ClientApiDenied, 0),
    ("client-health", Code::ClientUnhealthy, 0),
];

/// What `cai` tells of and leaves to a person: to install docker and ssh, and what is wrong with a
/// program or a daemon that is not its own.
const BY_HAND: [Code; 4] =
    [Code::DockerCliMissing, Code::SshMissing, Code::ClientApiDenied, Code::ClientUnhealthy];

/// A compose file, which has to be a real one.
struct Machine {
    config: Config,
    directory: tempfile::TempDir,
}

/// A file that says something of all that a fault can touch.
fn whole() -> Machine {
    let directory = tempfile::tempdir().unwrap();
    let compose = "services:\n  manager:\n    container_name: mcp-manager\n    volumes:\n      \
                   - sock:/var/run\nvolumes:\n  sock:\n";
    let file = directory.path().join("dind.yml");
    std::fs::write(&file, compose).unwrap();
    let client = format!(
        "[[socket_clients]]\ncontainer = \"mcp-manager\"\nvolume = \"sock\"\nmode = \"rw\"\nhealth = \"container\"\n\
         compose_file = \"{}\"\nservice = \"manager\"\n",
        file.display()
    );
    let mounts = "[[vm.mounts]]\nlocation = \"~/project\"\nwritable = true\n";
    let egress = "[egress]\nallow = [\"github.com\"]\n";
    let file = format!("version = 1\n[vm]\ncpus = 4\n{mounts}{egress}{client}");
    Machine { config: config::parse(&file).unwrap(), directory }
}

fn converged(config: &Config) -> SimulatedHost<'static> {
    let host = SimulatedHost::new(&System, World::new(LINUX));
    assert!(!applied(&host, config).failed());
    host
}

/// Another host with this world, so that it need not be applied again.
fn like(world: &World) -> SimulatedHost<'static> {
    SimulatedHost::new(&System, world.clone())
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
    if let Some((graph, plan)) = repair_plan(&case, &diagnose(&case)).unwrap() {
        let done = apply::apply(host, &[config], &graph, &plan, &|_| {});
        assert!(!done.failed(), "{}", containai::report::finished(&done, &[]));
    }
}

fn applied(host: &SimulatedHost<'_>, config: &Config) -> apply::Report {
    let graph = Graph::new(&[config]).unwrap();
    let plan = Plan::new(&graph, &[observe(host, config).unwrap()]);
    apply::apply(host, &[config], &graph, &plan, &|_| {})
}

/// How often the VM was booted.
fn boots(host: &SimulatedHost<'_>) -> u64 {
    host.world().instances.get("containai-secure").map_or(0, |it| it.boots.into())
}

fn every_fault_has_its_code_and_is_repaired() {
    let Machine { config: with_client, directory } = whole();
    let without = Config { socket_clients: Vec::new(), ..with_client.clone() };
    for fault in FAULTS {
        // What befalls an engine may take its containers, too; that is a story of its own.
        let config = if fault.is_of_a_client() { &with_client } else { &without };
        let (_, code, wanted) = CODES
            .iter()
            .find(|(name, ..)| *name == fault.name)
            .unwrap_or_else(|| panic!("no code is known for the fault {}", fault.name));
        let host = converged(config);
        host.change(|world| fault.strike(world, config)).unwrap();
        let before = boots(&host);
        let findings = found(&host, config);
        let codes: Vec<Code> = findings.iter().map(|finding| finding.code).collect();
        assert_eq!(codes, [*code], "{}: {findings:#?}", fault.name);
        treat(&host, config);
        let findings = found(&host, config);
        if BY_HAND.contains(code) {
            assert!(!findings[0].fixable && findings.len() == 1, "{findings:#?}");
            continue;
        }
        assert_eq!(findings, [], "{} is not repaired", fault.name);
        assert_eq!(boots(&host) - before, *wanted, "boots of the VM for {}", fault.name);
        let left: Vec<_> = std::fs::read_dir(directory.path()).unwrap().collect();
        assert_eq!(left.len(), 1, "{} wrote something real: {left:?}", fault.name);
    }
}

fn a_diagnosis_changes_nothing() {
    let Machine { config, directory: _directory } = whole();
    let world = converged(&config).world();
    for fault in FAULTS {
        let host = like(&world);
        host.change(|world| fault.strike(world, &config)).unwrap();
        let before = host.world();
        let findings = found(&host, &config);
        assert!(!is_healthy(&findings), "{}", fault.name);
        assert_eq!(host.world(), before, "{}", fault.name);
    }
}

fn a_repair_does_nothing_that_was_not_asked_for() {
    let Machine { config, directory: _directory } = whole();
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

/// A container that a restart of the VM ends is one that the file wants to run.
fn a_container_that_a_restart_ends_runs_again() {
    let Machine { config, directory: _directory } = whole();
    let host = converged(&config);
    host.change(|world| Fault::find("cpus").unwrap().strike(world, &config)).unwrap();
    let facts = observe(&host, &config).unwrap();
    let plan = Plan::new(&Graph::new(&[&config]).unwrap(), std::slice::from_ref(&facts));
    let client = plan.changes.iter().find(|it| it.address.to_string().contains("mcp-manager"));
    let reasons: Vec<String> = client.unwrap().reasons.iter().map(ToString::to_string).collect();
    assert_eq!(reasons, ["known after restart.containai-secure"]);
    // A repair of the VM starts it, too.
    treat(&host, &config);
    assert_eq!(found(&host, &config), []);
    // Also where its program would be denied: it gets its group before it is started.
    host.change(|world| Fault::find("cpus").unwrap().strike(world, &config)).unwrap();
    host.change(|world| Fault::find("client-user").unwrap().strike(world, &config)).unwrap();
    let done = applied(&host, &config);
    assert!(!done.failed(), "{}", containai::report::finished(&done, &[]));
    assert_eq!(found(&host, &config), []);
}

/// What is wrong with the container shows only when its engine answers: it is not left at that.
fn an_engine_and_its_container_are_repaired_together() {
    let Machine { config, directory: _directory } = whole();
    let code = |fault: &Fault| CODES.iter().find(|(name, ..)| *name == fault.name).unwrap().1;
    let repaired = || FAULTS.iter().filter(|fault| !BY_HAND.contains(&code(fault)));
    let of_engine = || repaired().filter(|fault| !fault.is_of_a_client());
    let mut wrong = Vec::new();
    let world = converged(&config).world();
    for client in repaired().filter(|fault| fault.is_of_a_client()) {
        for engine in of_engine() {
            let broken = || {
                let host = like(&world);
                host.change(|world| client.strike(world, &config)).unwrap();
                host.change(|world| engine.strike(world, &config)).unwrap();
                host
            };
            let host = broken();
            // Again where errors show that were hidden, as `--fix` does, and once for the rest.
            for _ in 0..3 {
                treat(&host, &config);
            }
            let left = found(&host, &config);
            if !left.is_empty() {
                wrong.push(format!("{} + {}: doctor --fix: {left:#?}", engine.name, client.name));
            }
            let host = broken();
            let mut done = applied(&host, &config);
            if done.failed() && engine.name.starts_with("lima-") {
                // What the plan could not see without Lima, it may not disturb.
                done = applied(&host, &config);
            }
            let left = found(&host, &config);
            if done.failed() || !left.is_empty() {
                wrong
                    .push(format!("{} + {}: apply: {done:#?} {left:#?}", engine.name, client.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
