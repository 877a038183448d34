//! The command line: exit codes, documents, and what happens where nothing can be looked at.

use std::time::{Duration, Instant};

use containai::doctor::Code;
use containai::simulate::Fault;
use serde_json::{Value, json};

use crate::cli::fake;
use crate::support::fake_fault;
use crate::support::fake_world::FakeWorld;
use crate::support::sandbox::{Ran, Sandbox};
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        a_wrong_file_is_3_with_its_mistakes,
        a_file_that_cannot_be_read_is_a_finding_for_a_program,
        a_limactl_that_fails_is_a_finding,
        what_cannot_be_looked_at_is_a_finding,
        a_vm_that_hangs_is_a_finding_within_the_deadline,
        a_vm_that_starts_is_told_from_one_that_hangs,
        without_a_file_the_engine_is_looked_at_all_the_same,
        a_finding_as_json_has_all_that_a_program_needs,
        a_repair_shows_what_it_does_and_asks,
        what_failed_in_a_repair_is_not_tried_a_second_time,
        a_repair_as_json_is_one_document,
        a_repair_that_nobody_agreed_to_is_a_document_all_the_same,
        a_diagnosis_starts_three_processes,
        a_variable_that_leads_docker_elsewhere_is_no_failure,
        every_code_is_explained,
    ]
}

/// The codes that have their case here.
pub const CODES: &[Code] = &[
    Code::ConfigInvalid,
    Code::LimaFailed,
    Code::Unobservable,
    // In `deep`.
    Code::ContainerStartFailed,
];

const FILE: &str = "version = 1\n[vm]\ncpus = 2\nmounts = []\n";

/// A machine that is as its file says.
fn converged() -> FakeWorld {
    FakeWorld::converged(FILE)
}

fn strike(machine: &FakeWorld, fault: &str) {
    let config = containai::config::parse(FILE).unwrap();
    machine.change(|world| Fault::find(fault).unwrap().strike(world, &config));
}

#[track_caller]
fn document(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran}"))
}

/// The codes that a diagnosis found.
#[track_caller]
fn codes(sandbox: &Sandbox, arguments: &[&str]) -> (Option<i32>, Vec<String>) {
    let ran = sandbox.cai(&[&["doctor", "--json"], arguments].concat());
    let document = document(&ran);
    let findings = document["findings"].as_array().unwrap();
    let codes = findings.iter().map(|finding| finding["code"].as_str().unwrap().to_owned());
    (ran.status.code(), codes.collect())
}

fn found(code: Code) -> (Option<i32>, Vec<String>) {
    (Some(1), vec![code.name().to_owned()])
}

fn a_wrong_file_is_3_with_its_mistakes() {
    let sandbox = fake::engine();
    sandbox.write("home/containai.toml", "version = 1\n[vm]\ncpu = 2\n");
    let ran = sandbox.cai(&["doctor"]);
    assert!(ran.fails_with(3).contains("did you mean `cpus`?"), "{ran}");
    let ran = sandbox.cai(&["doctor", "--json"]);
    assert!(ran.fails_with(3).contains("containai.toml:3:1"), "{ran}");
    let finding = &document(&ran)["findings"][0];
    assert_eq!(finding["code"], "config_invalid");
    assert_eq!(finding["observed"]["mistakes"].as_array().unwrap().len(), 1, "{ran}");
    sandbox.cai(&["doctor", "--file", "nosuch.toml"]).fails_with(3);
    assert_eq!(fake::calls(&sandbox), Vec::<String>::new(), "nothing is looked at");
}

fn a_file_that_cannot_be_read_is_a_finding_for_a_program() {
    let sandbox = fake::engine();
    std::fs::write(sandbox.path("home/bytes.toml"), b"version = 1\n\xff").unwrap();
    sandbox.directory("home/directory.toml");
    for (file, why) in [
        ("nosuch.toml", "the file does not exist"),
        ("bytes.toml", "line 2 is not UTF-8"),
        ("directory.toml", "directory"),
    ] {
        let ran = sandbox.cai(&["-f", file, "doctor", "--json"]);
        assert!(ran.fails_with(3).contains(file), "{ran}");
        let document = document(&ran);
        assert_eq!((&document["file"], &document["healthy"]), (&json!(file), &json!(false)));
        let finding = &document["findings"][0];
        assert_eq!(finding["code"], "config_invalid");
        assert_eq!(finding["cause"], format!("{file} could not be read"));
        let mistake = finding["observed"]["mistakes"][0].as_str().unwrap();
        assert!(mistake.contains(why), "{ran}");
    }
    assert_eq!(sandbox.cai(&["-f", "nosuch.toml", "doctor"]).stdout, "");
}

fn a_limactl_that_fails_is_a_finding() {
    let sandbox = fake::engine();
    for script in ["echo 'level=fatal msg=no' >&2; exit 1", "echo banana", "kill -9 $$"] {
        sandbox.fake_program("limactl", script);
        assert_eq!(codes(&sandbox, &[]), found(Code::LimaFailed), "{script}");
    }
    sandbox.fake_program("limactl", "exec sleep 600");
    let started = Instant::now();
    assert_eq!(codes(&sandbox, &["--timeout", "1s"]), found(Code::LimaFailed));
    assert!(started.elapsed() < Duration::from_secs(15));
}

fn what_cannot_be_looked_at_is_a_finding() {
    let sandbox = fake::engine();
    let ran = sandbox.cai_with(&["doctor"], &[("LIMA_HOME", "relative")]);
    ran.fails_with(1);
    assert!(ran.stdout.contains("error unobservable"), "{ran}");
    assert!(ran.stdout.contains("LIMA_HOME is not an absolute path"), "{ran}");
    sandbox.write("lima/containai-secure/lima.yaml", "]");
    assert_eq!(codes(&sandbox, &[]), found(Code::Unobservable));
}

fn a_vm_that_hangs_is_a_finding_within_the_deadline() {
    let sandbox = fake::engine();
    sandbox.fake_program("ssh", "exec sleep 600");
    let started = Instant::now();
    let ran = sandbox.cai(&["doctor", "--timeout", "1s"]);
    assert!(started.elapsed() < Duration::from_secs(15), "{ran}");
    ran.fails_with(1);
    assert!(ran.stdout.contains("error vm_unreachable  vm.containai-secure"), "{ran}");
    assert!(ran.stdout.contains("did not finish within 1.0 s"), "{ran}");
    assert!(ran.stdout.contains("do: limactl stop -f containai-secure && limactl start"), "{ran}");
    sandbox.cai(&["doctor", "--timeout", "0s"]).fails_with(64);
}

fn a_vm_that_starts_is_told_from_one_that_hangs() {
    let sandbox = fake::engine();
    sandbox.cai(&["apply", "--yes"]).success();
    sandbox.fake_program("ssh", "echo 'Connection refused' >&2; exit 255");
    let events = "lima/containai-secure/ha.stdout.log";
    let port = "{\"time\":\"2026-11-21T07:00:00Z\",\"status\":{\"sshLocalPort\":60022}}\n";
    sandbox.write(events, port);
    assert_eq!(codes(&sandbox, &[]), found(Code::VmStarting));
    let running = port.replace("{\"ssh", "{\"running\":true,\"ssh");
    sandbox.write(events, &format!("{port}{running}"));
    assert_eq!(codes(&sandbox, &[]), found(Code::VmUnreachable));
}

fn without_a_file_the_engine_is_looked_at_all_the_same() {
    let machine = converged();
    std::fs::remove_file(machine.sandbox.path("home/containai.toml")).unwrap();
    let ran = machine.cai(&["doctor"]);
    assert!(ran.success().starts_with("Healthy."), "{ran}");
    assert_eq!(document(&machine.cai(&["doctor", "--json"]))["file"], Value::Null);
    strike(&machine, "session");
    let ran = machine.cai(&["doctor"]);
    ran.fails_with(1);
    assert!(ran.stdout.starts_with("containai-secure · no containai.toml · 1 finding"), "{ran}");
    machine.cai(&["doctor", "--fix", "--yes"]).success();
    // What would be made of nothing is a matter of a file.
    strike(&machine, "vm-absent");
    let ran = machine.cai(&["doctor", "--fix", "--yes"]);
    ran.fails_with(1);
    assert!(ran.stdout.contains("do: cai setup"), "{ran}");
}

fn a_finding_as_json_has_all_that_a_program_needs() {
    let machine = converged();
    strike(&machine, "group");
    let ran = machine.cai(&["doctor", "--json"]);
    assert_eq!(ran.fails_with(1), "");
    let document = document(&ran);
    assert_eq!(document["healthy"], false);
    let finding = document["findings"][0].as_object().unwrap();
    let keys: Vec<&str> = finding.keys().map(String::as_str).collect();
    assert_eq!(
        keys,
        ["code", "severity", "address", "observed", "cause", "remedy", "fixable", "consequences"]
    );
    assert_eq!(finding["code"], "group_missing");
    assert_eq!(finding["severity"], "error");
    assert_eq!(finding["address"], "group_membership.@lima.docker");
    assert_eq!(
        (&finding["fixable"], &finding["remedy"]),
        (&json!(true), &json!("cai doctor --fix"))
    );
    let observed = &finding["observed"];
    assert_eq!(observed["groups_configured"], json!([]));
    assert_eq!(observed["groups_of_a_fresh_session"], observed["groups_of_the_open_session"]);
    assert_eq!(observed["host_socket"], "closes connections without an answer");
}

fn a_repair_shows_what_it_does_and_asks() {
    let machine = converged();
    strike(&machine, "group");
    let refused = machine.cai(&["doctor", "--fix"]);
    let shown = refused.fails_with(4);
    for part in [
        "error group_missing",
        "+ group_membership.@lima.docker",
        "! restart.containai-secure  session refresh",
        "run `cai doctor --fix --yes`",
    ] {
        assert!(shown.contains(part), "{part:?} is missing: {refused}");
    }
    machine.calls();
    let ran = machine.cai(&["doctor", "--fix", "--yes"]);
    assert!(ran.success().starts_with("Healthy."), "{ran}");
    let calls = machine.calls();
    assert!(calls.iter().any(|call| call.contains("usermod -aG docker")), "{calls:#?}");
    assert!(!calls.iter().any(|call| call.contains("limactl --tty=false")), "{calls:#?}");
    machine.cai(&["doctor", "--yes"]).fails_with(64);
}

/// The container shows once dockerd runs again, and has its turn beside what could not be mended.
fn what_failed_in_a_repair_is_not_tried_a_second_time() {
    let client = "[[socket_clients]]\ncontainer = \"manager\"\ncompose_file = \"./dind.yml\"\n\
                  service = \"manager\"\n";
    let file = format!("{FILE}{client}");
    let machine = converged();
    machine.sandbox.write("home/containai.toml", &file);
    machine.sandbox.write("home/dind.yml", "services:\n  manager:\n    image: x\n");
    let config = containai::config::parse(&file).unwrap();
    for fault in ["client-gid", "sysbox-missing", "dockerd"] {
        machine.change(|world| Fault::find(fault).unwrap().strike(world, &config));
    }
    machine.calls();
    let fails = (fake_fault::VARIABLE, "Fails 1 sh -s -- install-sysbox");
    let ran = machine.cai_with(&["doctor", "--fix", "--yes"], &[fails]);
    ran.fails_with(1);
    assert!(ran.stdout.contains("error sysbox_missing"), "{ran}");
    let calls = machine.calls();
    let count = |words: &str| calls.iter().filter(|call| call.contains(words)).count();
    assert_eq!(count("sh -s -- install-sysbox"), 1, "{calls:#?}");
    assert_eq!(count("up -d --no-deps manager"), 1, "{calls:#?}");
}

fn a_repair_as_json_is_one_document() {
    let machine = converged();
    strike(&machine, "forward");
    let ran = machine.cai(&["doctor", "--fix", "--yes", "--json"]);
    ran.success();
    assert_eq!(document(&ran)["healthy"], true);
}

fn a_repair_that_nobody_agreed_to_is_a_document_all_the_same() {
    let machine = converged();
    strike(&machine, "forward");
    let ran = machine.cai(&["doctor", "--fix", "--json"]);
    assert!(ran.fails_with(4).contains("cai doctor --fix --yes"), "{ran}");
    let mut refused = document(&ran);
    assert_eq!(refused["healthy"], false);
    let diagnostics = refused.as_object_mut().unwrap().remove("diagnostics").unwrap();
    assert!(diagnostics[0]["hint"].as_str().unwrap().contains("cai doctor --fix --yes"), "{ran}");
    assert_eq!(refused, document(&machine.cai(&["doctor", "--json"])));
}

fn a_diagnosis_starts_three_processes() {
    let machine = converged();
    machine.cai(&["doctor"]).success();
    let calls = machine.calls();
    assert_eq!(calls.len(), 3, "{calls:#?}");
}

fn a_variable_that_leads_docker_elsewhere_is_no_failure() {
    let sandbox = fake::engine();
    sandbox.cai(&["apply", "--yes"]).success();
    let variables = [("DOCKER_HOST", "tcp://192.0.2.1:2375")];
    let ran = sandbox.cai_with(&["doctor"], &variables);
    for part in ["Healthy.", "notice context_shadowed", "do: unset DOCKER_HOST"] {
        assert!(ran.success().contains(part), "{part:?} is missing: {ran}");
    }
    let endpoint = sandbox.path("lima/containai-secure/sock/docker.sock");
    let endpoint = format!("unix://{}", endpoint.display());
    let ran = sandbox.cai_with(&["doctor"], &[("DOCKER_HOST", &endpoint)]);
    assert!(!ran.success().contains("context_shadowed"), "{ran}");
}

fn every_code_is_explained() {
    let sandbox = Sandbox::new();
    let list = sandbox.cai(&["explain"]);
    for code in Code::ALL {
        assert!(list.success().contains(code.name()), "{code}");
        let ran = sandbox.cai(&["explain", code.name()]);
        let first = ran.success().lines().next().unwrap_or_default();
        assert_eq!(first, format!("{} · {}", code.name(), code.meaning()));
        assert!(ran.stdout.lines().all(|line| line.chars().count() <= 80), "{ran}");
        let text = code.text();
        assert!(text.split(' ').count() > 15 && text.ends_with(['.', ')']), "{code}: {text}");
    }
    let document = document(&sandbox.cai(&["explain", "vm_absent", "--json"]));
    assert_eq!(document["codes"][0]["code"], "vm_absent");
    let ran = sandbox.cai(&["explain", "group_mising"]);
    assert!(ran.fails_with(64).contains("'group_missing'"), "{ran}");
}
