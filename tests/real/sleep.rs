//! What a machine that sleeps does to an engine: everything of it stands still, or a part of it.

use std::process::{Output, Stdio};

use containai::doctor::Code;
use nix::unistd::Pid;

use super::doctor::{finding, is_healthy};
use super::engine::{Engine, shared};
use super::faults::saw;
use super::process::{self, Frozen};
use crate::support::tally::ASLEEP;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        a_vm_that_sleeps_is_a_finding_and_wakes_up_well,
        a_connection_that_sleeps_is_a_finding_and_wakes_up_well,
        a_connection_that_was_killed_is_made_again,
    ]
}

/// Has a process stand still, while somebody looks; all is well when it goes on.
fn sleeps(process: impl FnOnce(&Engine) -> Pid, look: impl FnOnce(&Engine)) {
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

fn is_unreachable(engine: &Engine, arguments: &[&str]) {
    let finding = finding(engine, arguments, Code::VmUnreachable);
    assert!(saw(&finding, "ssh", "did not end"), "{finding:#}");
}

fn a_vm_that_sleeps_is_a_finding_and_wakes_up_well() {
    // At the same time, for each waits for as long as it may.
    let look = |engine: &Engine| {
        let begin = |word: &str| {
            let mut command = engine.command(&["cai", word]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let looks = ["status", "plan"].map(begin);
        is_unreachable(engine, &[]);
        for (look, code) in looks.into_iter().zip([1, 0]) {
            let Output { status, stdout, stderr } = look.wait_with_output().unwrap();
            let said = [stdout, stderr].concat();
            let said = String::from_utf8_lossy(&said);
            println!("{said}-- {status}\n");
            assert_eq!(status.code(), Some(code), "{said}");
            assert!(said.contains("VM Running") && !said.contains("No changes"), "{said}");
        }
    };
    ASLEEP.case(|| sleeps(process::machine, look));
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
        engine.plan_says(&["~ socket.containai-secure", "0 restarts"]);
        engine.apply_mends();
        assert_eq!(engine.running(), container, "the container did not live on");
        assert_eq!(engine.boot(), boot, "the VM was restarted");
    });
}
