//! `cai doctor` on a broken real engine: its findings, and that it repairs only those.

use std::collections::BTreeSet;

use containai::docker::client::ClientCode;
use containai::doctor::Code;
use libtest_mimic::Trial;
use serde_json::Value;

use super::declared::Declared;
use super::engine::{Engine, NAME, shared};
use super::faults::{FAULTS, Fault, saw};
use super::vm;
use crate::support::slowest::trial;
use crate::support::tally::REAL_FAULTS;
use crate::support::trials;

/// The codes that need more than a fault that `--fix` repairs, each with the group of its trial.
const OTHERS: &[(Code, &str, fn())] = &[
    (Code::VmAbsent, "restart", vm_absent),
    (Code::VmStarting, "vm", vm::starting),
    (Code::VmUnreachable, "vm", vm::unreachable),
    (Code::Drift, "doctor", drift),
    (Code::ContainerStartFailed, "doctor", container_start_failed),
];

/// The codes that the trials of other modules produce.
const ELSEWHERE: [Code; 3] = [Code::EgressOpen, Code::EgressResolverDown, Code::CertificateExpires];

/// The code that only a table tries.
const OF_A_TABLE: Code = Code::EgressNameBlocked;

/// The codes that concern only this machine, not a guest. Those of containers use a separate real
/// dockerd.
const NOT_OF_A_GUEST: &[Code] = &[
    Code::ConfigInvalid,
    Code::Unobservable,
    Code::LimaMissing,
    Code::LimaTooOld,
    Code::LimaFailed,
    Code::SshMissing,
    Code::DockerCliMissing,
    Code::SocketPathTooLong,
    Code::VmOverridden,
    Code::MountExposes,
    Code::VulnerableVersion,
    Code::ContextShadowed,
    Code::ContainaiConflict,
];

/// A trial for each code, named after the group in which it runs.
pub fn trials() -> Vec<Trial> {
    let name = |group: &str, code: Code| format!("real::{group}::{code}");
    let faults = FAULTS.iter().map(|fault| {
        let name = name(fault.group, fault.code);
        trial(name, move || REAL_FAULTS.case(|| is_named_and_mended(fault)))
    });
    let others = OTHERS
        .iter()
        .map(|(code, group, run)| trial(name(group, *code), move || REAL_FAULTS.case(run)));
    faults.chain(others).collect()
}

/// The trials that do not need a VM.
pub fn of_the_table() -> Vec<Trial> {
    trials![every_code_that_a_guest_can_produce_has_a_trial]
}

fn every_code_that_a_guest_can_produce_has_a_trial() {
    let tried = FAULTS.iter().map(|fault| fault.code).chain(OTHERS.iter().map(|(code, ..)| *code));
    let tried: BTreeSet<Code> = tried.collect();
    let clients = ClientCode::ALL.into_iter().filter_map(|code| Code::find(code.code()));
    let elsewhere =
        NOT_OF_A_GUEST.iter().copied().chain(ELSEWHERE).chain([OF_A_TABLE]).chain(clients);
    let elsewhere: BTreeSet<Code> = elsewhere.collect();
    let both: Vec<&Code> = tried.intersection(&elsewhere).collect();
    assert!(both.is_empty(), "{both:?} have trials but are listed as having none");
    let mut missing = Code::ALL.to_vec();
    missing.retain(|code| !tried.contains(code) && !elsewhere.contains(code));
    assert!(missing.is_empty(), "{missing:?} have no trial on a real guest");
}

/// The doctor's report about the engine, and the codes of its findings.
fn findings(engine: &Engine, arguments: &[&str]) -> (Value, Vec<String>) {
    let ran = engine.cai(&[&["doctor", "--json"], arguments].concat());
    let document: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran}"));
    let found = document["findings"].as_array().unwrap();
    let codes = found.iter().map(|finding| finding["code"].as_str().unwrap().to_owned());
    let codes: Vec<String> = codes.collect();
    assert_eq!(document["healthy"], codes.is_empty(), "{ran}");
    assert_eq!(ran.status.code(), Some(i32::from(!codes.is_empty())), "{ran}");
    (document, codes)
}

/// The only finding, which must have this code.
pub fn finding(engine: &Engine, arguments: &[&str], code: Code) -> Value {
    let (document, codes) = findings(engine, arguments);
    assert_eq!(codes, [code.name()], "{document:#}");
    document["findings"][0].clone()
}

pub fn is_healthy(engine: &Engine, arguments: &[&str]) {
    let (document, codes) = findings(engine, arguments);
    assert!(codes.is_empty(), "{document:#}");
}

/// Runs `doctor --fix`.
fn fix(engine: &Engine) {
    let fixed = engine.cai(&["doctor", "--fix", "--yes"]);
    assert!(fixed.success().contains("Healthy."), "{fixed}");
    engine.works();
}

fn is_named_and_mended(fault: &Fault) {
    let engine = shared();
    (fault.prepare)(&engine);
    let container = engine.container("keeper");
    let (boot, boots) = (engine.boot(), engine.boots());
    (fault.strike)(&engine);
    let is_mild = fault.restarts == 0;
    engine.plan_says(fault.plan);
    if is_mild {
        engine.plan_says_not("Restarts the VM.");
    }
    let finding = finding(&engine, &[], fault.code);
    assert!((fault.is_evident)(&finding), "no evidence: {finding:#}");
    assert_eq!(finding["fixable"], true, "{finding:#}");
    if is_mild {
        let shell = engine.open_shell();
        fix(&engine);
        assert_eq!(engine.running(), container, "the container did not live on");
        assert_eq!(engine.boot(), boot, "the VM was restarted");
        shell.lives();
    } else {
        fix(&engine);
        assert_eq!(engine.boots() - boots, fault.restarts, "restarts of the VM");
        // cai starts the containers that it stops. Those that someone else stopped stay stopped.
        let runs = if fault.code == Code::VmStopped { "" } else { &container };
        assert_eq!(engine.running(), runs, "the containers that run after the restart");
    }
}

fn vm_absent() {
    let engine = shared();
    engine.delete();
    let finding = finding(&engine, &[], Code::VmAbsent);
    assert!(saw(&finding, "directory", NAME), "{finding:#}");
    fix(&engine);
    assert_eq!(engine.boots(), 1, "starts of the VM");
}

fn drift() {
    let engine = shared();
    let (container, boot) = (engine.container("keeper"), engine.boot());
    engine.guest("sudo userdel second 2>/dev/null || true");
    let tables = "[[users]]\nname = \"@lima\"\ngroups = [\"docker\"]\n\n\
                  [[users]]\nname = \"second\"\ngroups = []\n";
    engine.declare(&Declared { tables, ..Declared::default() });
    let finding = finding(&engine, &[], Code::Drift);
    assert!(saw(&finding, "addresses", "user.second"), "{finding:#}");
    fix(&engine);
    assert_eq!(engine.running(), container, "the container did not live on");
    assert_eq!(engine.boot(), boot, "the VM was restarted");
}

fn container_start_failed() {
    let engine = shared();
    engine.container("keeper");
    is_healthy(&engine, &["--deep"]);
    engine.guest("sudo chmod a-x \"$(command -v runc || echo /usr/sbin/runc)\"");
    let finding = finding(&engine, &["--deep"], Code::ContainerStartFailed);
    engine.guest("sudo chmod a+x /usr/sbin/runc");
    assert!(finding["observed"].to_string().contains("runc"), "{finding:#}");
    is_healthy(&engine, &["--deep"]);
    let left = engine.guest("sudo docker ps -aq --filter name=cai- | wc -l");
    assert_eq!(left, "0", "a throw-away container is left");
}
