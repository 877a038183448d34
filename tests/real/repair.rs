//! From nothing to an engine, and a repair that no code of the doctor tells from another.

use super::engine::shared;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        from_nothing_to_an_engine_in_one_apply,
        a_directory_in_the_place_of_the_guests_socket_goes,
    ]
}

fn from_nothing_to_an_engine_in_one_apply() {
    let engine = shared();
    let (plan, apply) = engine.first.as_ref().unwrap();
    assert!(plan.success().contains("no VM yet"), "{plan}");
    assert!(plan.success().contains("session refresh"), "{plan}");
    assert!(plan.success().contains("\u{1b}["), "no colours: {plan}");
    apply.success();
    engine.works();
    let again = engine.cai(&["apply", "--yes"]);
    assert!(again.success().starts_with("No changes."), "{again}");
}

/// What dockerd makes of its socket's path where a container mounts it while it is gone.
fn a_directory_in_the_place_of_the_guests_socket_goes() {
    let engine = shared();
    let container = engine.container("keeper");
    let boot = engine.boot();
    engine.guest("sudo rm /var/run/docker.sock && sudo mkdir /var/run/docker.sock");
    engine.is_broken();
    let shell = engine.open_shell();
    engine.plan_says(&[
        "~ provision.docker  dockerd restart",
        "the guest's Docker socket /var/run/docker.sock is missing",
        "stops no container",
        "0 restarts",
    ]);
    engine.apply_mends();
    assert_eq!(engine.running(), container, "the container did not live on");
    assert_eq!(engine.boot(), boot, "the VM was restarted");
    shell.lives();
}
