//! A repair without a separate doctor code.

use super::engine::shared;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![a_directory_in_the_place_of_the_guests_socket_goes]
}

/// dockerd creates a directory if a container mounts the path of the missing socket.
fn a_directory_in_the_place_of_the_guests_socket_goes() {
    let engine = shared();
    let container = engine.container("keeper");
    let boot = engine.boot();
    engine.guest("sudo rm /var/run/docker.sock && sudo mkdir /var/run/docker.sock");
    engine.is_broken();
    let shell = engine.open_shell();
    engine.plan_says(&[
        "~ provision.docker  dockerd restart",
        "the guest's Docker socket /var/run/docker.sock does not exist",
        "stops no container",
        "Stops no containers.",
    ]);
    engine.apply_mends();
    assert_eq!(engine.running(), container, "the container did not live on");
    assert_eq!(engine.boot(), boot, "the VM was restarted");
    shell.lives();
}
