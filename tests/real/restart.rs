//! Restarts of the VM: one that the file forbids, and one after a kill.

use super::declared::Declared;
use super::engine::{NAME, shared};
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        a_restart_that_the_file_forbids_is_refused,
        a_vm_that_was_killed_is_started_past_its_stale_socket,
    ]
}

fn a_restart_that_the_file_forbids_is_refused() {
    let engine = shared();
    let container = engine.container("keeper");
    let boot = engine.boot();
    let yaml = std::fs::read(engine.instance("lima.yaml")).unwrap();
    let never = "[restart]\nstrategy = \"never\"";
    engine.declare(&Declared { tables: never, cpus: 1, ..Declared::default() });
    let plan = engine.cai(&["plan"]);
    let why = "vm.containai-secure: a VM restart is required";
    assert!(plan.fails_with(1).contains(why), "{plan}");
    assert!(plan.stdout.contains("cpus = 2 -> 1"), "{plan}");
    let apply = engine.cai(&["apply", "--yes"]);
    assert!(apply.fails_with(1).contains(why), "{apply}");
    assert_eq!(std::fs::read(engine.instance("lima.yaml")).unwrap(), yaml);
    assert_eq!(engine.boot(), boot, "the VM was restarted");
    assert_eq!(engine.running(), container, "the container did not live on");
    // Changes that need no restart are still applied.
    engine.guest("sudo systemctl stop docker.socket docker.service");
    engine.declare(&Declared { tables: never, ..Declared::default() });
    engine.apply_mends();
}

fn a_vm_that_was_killed_is_started_past_its_stale_socket() {
    let engine = shared();
    engine.limactl(&["stop", "-f", NAME]).success();
    assert!(engine.instance("sock/docker.sock").exists(), "Lima left no stale socket");
    // A guest that is a container ends a moment after its machine.
    while engine.docker(&["version"]).status.success() {}
    engine.plan_says(&["~ vm.containai-secure", "\"Stopped\" -> \"Running\""]);
    engine.apply_mends();
    // cai knows what dockerd loaded at this boot, so a key that someone adds needs no restart.
    engine.guest(
        "file=/etc/docker/daemon.json; \
         sudo sed -i '1s/{/{\\n    \"max-concurrent-uploads\": 4,/' $file && \
         sudo systemctl reload docker && grep -q uploads $file",
    );
    engine.works();
}
