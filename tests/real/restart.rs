//! States that only a start or a restart of the VM can mend.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::engine::{NAME, shared};
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        a_vm_that_was_stopped_is_started,
        a_vm_that_was_killed_is_started_past_its_stale_socket,
        a_vm_without_its_host_agent_is_repaired,
        a_change_of_memory_is_one_restart,
    ]
}

fn a_vm_that_was_stopped_is_started() {
    let engine = shared();
    engine.limactl(&["stop", NAME]).success();
    engine.is_broken();
    engine.plan_says(&["~ vm.containai-secure", "\"Stopped\" -> \"Running\"", "0 restarts"]);
    engine.apply_mends();
}

fn a_vm_that_was_killed_is_started_past_its_stale_socket() {
    let engine = shared();
    engine.limactl(&["stop", "-f", NAME]).success();
    assert!(engine.instance("sock/docker.sock").exists(), "Lima left no stale socket");
    engine.is_broken();
    engine.plan_says(&["~ vm.containai-secure", "\"Stopped\" -> \"Running\""]);
    engine.apply_mends();
}

fn a_vm_without_its_host_agent_is_repaired() {
    let engine = shared();
    let container = engine.container("keeper");
    let pid: i32 =
        std::fs::read_to_string(engine.instance("ha.pid")).unwrap().trim().parse().unwrap();
    kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    engine.plan_says(&["\"Broken\" -> \"Running\"", "VM restart", "stops 1 container: keeper"]);
    engine.apply_mends();
    assert_eq!(engine.running(), "", "{container} was not stopped, though the plan said so");
}

fn a_change_of_memory_is_one_restart() {
    let engine = shared();
    engine.container("keeper");
    let memory = "grep -o '[0-9]*' /proc/meminfo | head -1";
    let before: u64 = engine.guest(memory).parse().unwrap();
    let boots = "journalctl --list-boots --quiet | wc -l";
    let boots_before: u32 = engine.guest(&format!("sudo {boots}")).parse().unwrap();
    engine.declare("3GiB");
    engine.plan_says(&[
        "~ vm.containai-secure  VM restart",
        "memory = \"2GiB\" -> \"3GiB\"",
        "stops 1 container: keeper",
        "1 restart.",
    ]);
    engine.apply_mends();
    let after: u64 = engine.guest(memory).parse().unwrap();
    assert!(after > before + (900 << 10), "{before} kB before, {after} kB after");
    let boots_after: u32 = engine.guest(&format!("sudo {boots}")).parse().unwrap();
    assert_eq!(boots_after, boots_before + 1, "it was restarted more than once");
    // Back again, for the scenarios that come after.
    engine.declare("2GiB");
}
