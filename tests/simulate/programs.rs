//! The real host with the simulated world behind fake programs: what is typed, printed and parsed.

use containai::config;
use containai::simulate::Fault;

use crate::support::fake_world::FakeWorld;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        an_engine_is_made_through_real_processes_and_sockets,
        faults_are_repaired_through_real_processes_and_sockets,
        a_converged_plan_starts_three_processes,
        what_a_fake_does_not_know_is_a_failure_of_its_own,
    ]
}

const FILE: &str = "version = 1\n[vm]\ncpus = 2\n";

/// A machine that is as the file says.
fn converged() -> FakeWorld {
    FakeWorld::converged(FILE)
}

fn an_engine_is_made_through_real_processes_and_sockets() {
    let machine = FakeWorld::new(FILE);
    let plan = machine.cai(&["plan"]);
    assert!(plan.success().contains("+ vm.containai-secure"), "{plan}");
    machine.cai(&["apply", "--yes"]).success();
    let calls = machine.calls();
    for wanted in [
        "limactl --tty=false create --name=containai-secure -",
        "limactl --tty=false start --timeout=1800s containai-secure",
        "docker context create --description",
        "-O forward -L",
    ] {
        assert!(calls.iter().any(|call| call.contains(wanted)), "{wanted}: {calls:#?}");
    }
    let again = machine.cai(&["apply", "--yes"]);
    assert_eq!(
        (again.success(), again.stderr.as_str()),
        ("", "No changes. containai-secure matches containai.toml.\n")
    );
}

fn faults_are_repaired_through_real_processes_and_sockets() {
    let config = config::parse(FILE).unwrap();
    for name in [
        "vm-stopped",
        "vm-broken",
        "group",
        "session",
        "forward",
        "dockerd",
        "sysbox-missing",
        "daemon-json",
        "context-missing",
        "context-endpoint",
        "cpus",
    ] {
        let machine = converged();
        machine.change(|world| Fault::find(name).unwrap().strike(world, &config));
        let plan = machine.cai(&["plan"]);
        assert!(!plan.success().contains("No changes."), "{name} is not seen: {plan}");
        let apply = machine.cai(&["apply", "--yes"]);
        assert!(apply.status.success(), "{name}: {apply}");
        let again = machine.cai(&["plan"]);
        assert!(again.success().contains("No changes."), "{name}: {again}");
    }
}

fn a_converged_plan_starts_three_processes() {
    let machine = converged();
    let plan = machine.cai(&["plan"]);
    assert!(plan.success().contains("No changes."), "{plan}");
    let calls = machine.calls();
    assert!(calls.len() <= 3, "{calls:#?}");
}

fn what_a_fake_does_not_know_is_a_failure_of_its_own() {
    let machine = converged();
    let directory = machine.sandbox.path("world");
    for (words, who) in [
        (
            &["limactl", "sudoers"][..],
            "the simulated limactl does not support the command `sudoers`",
        ),
        (&["docker", "swarm"], "the simulated docker does not support the command `swarm`"),
        (&["ssh", "-Z"], "the simulated ssh does not support the flag `-Z`"),
        (
            &["limactl", "shell", "--workdir=/", "containai-secure", "reboot"],
            "the simulated guest does not support the command `reboot`",
        ),
    ] {
        let mut command = machine.sandbox.command(words);
        let output =
            command.env(crate::support::fake_world::VARIABLE, &directory).output().unwrap();
        assert_eq!(output.status.code(), Some(127), "{words:?}");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(error.trim_end(), who);
    }
}
