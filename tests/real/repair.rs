//! Faults that are mended while the VM, its containers and open shells go on.

use super::engine::{Engine, NAME, shared};
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        from_nothing_to_an_engine_in_one_apply,
        a_user_out_of_the_group_joins_it_again_with_effect,
        a_session_that_predates_the_group_is_renewed,
        a_stopped_daemon_is_started,
        a_socket_that_somebody_removed_in_the_guest_comes_back,
        a_cancelled_forward_is_made_again,
        a_forward_that_died_with_its_master_is_made_again,
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

/// Runs a repair that must not disturb anything: a container, the boot and an open shell.
fn undisturbed(engine: &Engine, break_it: impl Fn(), plan: &[&str]) {
    let container = engine.container("keeper");
    let boot = engine.boot();
    break_it();
    engine.is_broken();
    let shell = engine.open_shell();
    engine.plan_says(plan);
    engine.apply_mends();
    assert_eq!(engine.running(), container, "the container did not live on");
    assert_eq!(engine.boot(), boot, "the VM was restarted");
    shell.lives();
}

/// Gives everything that rides on Lima's connection the groups that are configured now.
pub(super) fn renew_master(engine: &Engine) {
    let forward = engine.forward();
    engine.ssh(&["-O", "cancel", "-L", &forward], &[]);
    engine.ssh(&["-O", "exit"], &[]).success();
    let _ = std::fs::remove_file(engine.instance("sock/docker.sock"));
    engine.guest("true");
    engine.ssh(&["-O", "forward", "-L", &forward], &[]).success();
}

fn a_user_out_of_the_group_joins_it_again_with_effect() {
    let engine = shared();
    undisturbed(
        &engine,
        || {
            engine.guest("sudo gpasswd -d \"$(id -un)\" docker");
            renew_master(&engine);
        },
        &[
            "+ group_membership.@lima.docker",
            "! restart.containai-secure  session refresh",
            "the open session will predate docker",
            "0 restarts",
        ],
    );
}

fn a_session_that_predates_the_group_is_renewed() {
    let engine = shared();
    undisturbed(
        &engine,
        || {
            // The group is configured again, and the session keeps what it began with.
            engine.guest("sudo gpasswd -d \"$(id -un)\" docker");
            renew_master(&engine);
            engine.guest("sudo usermod -aG docker \"$(id -un)\"");
        },
        &["! restart.containai-secure  session refresh", "the open session predates docker"],
    );
}

fn a_stopped_daemon_is_started() {
    let engine = shared();
    let container = engine.container("keeper");
    let boot = engine.boot();
    engine.guest("sudo systemctl stop docker.socket docker.service");
    engine.is_broken();
    // With live-restore they go on, and nobody can list them.
    let unknown = "VM Running, containers not known";
    engine.plan_says(&["~ provision.docker", "\"inactive\" -> \"active\"", unknown]);
    engine.guest("! systemctl is-active --quiet docker.service");
    engine.apply_mends();
    assert_eq!(engine.running(), container, "the container did not live on");
    assert_eq!(engine.boot(), boot, "the VM was restarted");
}

fn a_socket_that_somebody_removed_in_the_guest_comes_back() {
    let engine = shared();
    let why = "the guest's Docker socket /var/run/docker.sock is missing";
    let plan = ["~ provision.docker  dockerd restart", why, "stops no container", "0 restarts"];
    undisturbed(
        &engine,
        || {
            engine.guest("sudo rm /var/run/docker.sock");
        },
        &plan,
    );
    // What dockerd makes of the path where a container mounts it meanwhile.
    undisturbed(
        &engine,
        || {
            engine.guest("sudo rm /var/run/docker.sock && sudo mkdir /var/run/docker.sock");
        },
        &plan,
    );
}

fn a_cancelled_forward_is_made_again() {
    let engine = shared();
    undisturbed(
        &engine,
        || {
            engine.ssh(&["-O", "cancel", "-L", &engine.forward()], &[]).success();
        },
        &["~ socket.containai-secure", "stale", "dockerd answers in the guest"],
    );
}

fn a_forward_that_died_with_its_master_is_made_again() {
    let engine = shared();
    undisturbed(
        &engine,
        || {
            engine.ssh(&["-O", "exit"], &[]).success();
        },
        &["~ socket.containai-secure", "0 restarts"],
    );
    // It rides on Lima's connection again, so Lima's own commands find what they expect.
    assert!(engine.limactl(&["list", NAME]).status.success());
}
