//! The file forbids a required restart of the VM.

use super::declared::Declared;
use super::engine::shared;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![a_restart_that_the_file_forbids_is_refused]
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
