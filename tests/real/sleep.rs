//! An engine whose connection is suspended or killed.

use containai::doctor::Code;
use nix::unistd::Pid;

use super::doctor::{finding, is_healthy};
use super::engine::{Engine, shared};
use super::faults::saw;
use super::process::{self, Frozen};
use crate::support::tally::ASLEEP;
use crate::support::trials;
use crate::support::watch::Watch;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        a_connection_that_sleeps_is_a_finding_and_wakes_up_well,
        a_connection_that_was_killed_is_made_again,
        watch_makes_a_killed_connection_again,
    ]
}

/// Stops a process while `look` runs. After the process continues, everything is healthy.
pub fn sleeps(process: impl FnOnce(&Engine) -> Pid, look: impl FnOnce(&Engine)) {
    let engine = shared();
    let container = engine.container("keeper");
    let (boot, shell) = (engine.boot(), engine.open_shell());
    let asleep = Frozen::new(process(&engine));
    look(&engine);
    drop(asleep);
    is_healthy(&engine, &[]);
    engine.works();
    assert_eq!(engine.running(), container, "the container did not live on");
    assert_eq!(engine.boot(), boot, "the VM was restarted");
    shell.lives();
}

pub fn is_unreachable(engine: &Engine, arguments: &[&str]) {
    let finding = finding(engine, arguments, Code::VmUnreachable);
    assert!(saw(&finding, "ssh", "did not finish"), "{finding:#}");
}

fn a_connection_that_sleeps_is_a_finding_and_wakes_up_well() {
    ASLEEP.case(|| sleeps(process::master, |engine| is_unreachable(engine, &["--timeout=5s"])));
}

fn a_connection_that_was_killed_is_made_again() {
    ASLEEP.case(|| {
        let engine = shared();
        let container = engine.container("keeper");
        let boot = engine.boot();
        process::end(process::master(&engine));
        let finding = finding(&engine, &[], Code::ForwardDead);
        assert!(saw(&finding, "ssh_master", "false"), "{finding:#}");
        engine.plan_says(&["~ socket.containai-secure", "Stops no containers."]);
        engine.apply_mends();
        assert_eq!(engine.running(), container, "the container did not live on");
        assert_eq!(engine.boot(), boot, "the VM was restarted");
    });
}

fn watch_makes_a_killed_connection_again() {
    let engine = shared();
    let container = engine.container("keeper");
    let watch = Watch::start(engine.command(&["cai", "watch", "--interval=1s"]));
    process::end(process::master(&engine));
    watch.says("; repaired");
    assert_eq!(engine.running(), container, "the container did not live on");
    engine.works();
    assert_eq!(watch.end(), [""; 0], "a healthy engine is not worth a line");
}
