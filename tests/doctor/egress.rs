//! The connections that `cai doctor --deep` tries, and `cai egress test`.

use containai::doctor::{Code, EgressAttempt};
use containai::host::{CommandSpec, ExitStatus, Output};

use crate::support::sandbox::Sandbox;
use crate::support::trials;

pub const CODES: [Code; 2] = [Code::EgressNameBlocked, Code::EgressOpen];

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        a_connection_that_fails_or_succeeds_wrongly_is_a_finding,
        a_deep_diagnosis_tries_the_rules,
        the_decision_about_a_host_is_explained,
        a_log_of_refusals_needs_to_be_declared,
        an_edited_policy_is_not_taken_for_open_rules,
    ]
}

fn a_connection_that_fails_or_succeeds_wrongly_is_a_finding() {
    let attempt = EgressAttempt {
        allowed: Some(("github.com".into(), 443)),
        command: CommandSpec::new("ssh"),
    };
    for (stdout, codes) in [
        ("allowed ok\nblocked ok\n", &[][..]),
        // The VM has no network: that says nothing about the rules.
        ("allowed unknown\nblocked ok\n", &[]),
        ("allowed blocked\nblocked ok\n", &CODES[..1]),
        ("allowed ok\nblocked open\n", &CODES[1..]),
        ("allowed blocked\nblocked open\n", &CODES[..]),
    ] {
        let (findings, _) = attempt.judge(output(stdout)).unwrap();
        let found: Vec<Code> = findings.iter().map(|finding| finding.code).collect();
        assert_eq!(found, codes, "{stdout:?}");
    }
    // A test that was cut off proves nothing.
    for stdout in ["", "allowed ok\n", "blocked ok\n"] {
        assert!(attempt.judge(output(stdout)).is_err(), "{stdout:?}");
    }
}

fn output(stdout: &str) -> Output {
    Output { status: ExitStatus::Code(0), stdout: stdout.to_owned(), stderr: String::new() }
}

const FILE: &str = "version = 1\n[egress]\nallow = [\"github.com\", \"10.1.2.0/24:5432\"]\n";

fn a_deep_diagnosis_tries_the_rules() {
    let sandbox = Sandbox::new();
    sandbox.write("home/containai.toml", FILE);
    sandbox.cai(&["--simulate", "apply", "--yes"]).success();
    let deep = sandbox.cai(&["--simulate", "doctor", "--deep"]);
    deep.success();
    let line = "A container reaches github.com:443, and the rules refuse 169.254.169.254.";
    assert!(deep.to_string().contains(line), "{deep}");
}

fn the_decision_about_a_host_is_explained() {
    let sandbox = Sandbox::new();
    sandbox.write("home/containai.toml", FILE);
    let asked = sandbox.cai(&["egress", "test", "github.com:443"]);
    assert_eq!(asked.success(), "github.com:443: allowed by github.com (allow)\n");
    let asked = sandbox.cai(&["egress", "test", "evil.example"]);
    asked.fails_with(1);
    assert!(asked.to_string().contains("evil.example: blocked: no entry allows it"), "{asked}");
    assert!(asked.to_string().contains("add \"evil.example\" to `allow`"), "{asked}");
    let json = sandbox.cai(&["egress", "test", "169.254.169.254:80", "--json"]);
    json.fails_with(1);
    assert!(json.to_string().contains("\"allowed\": false"), "{json}");
    let wrong = sandbox.cai(&["egress", "test", "https://github.com"]);
    wrong.fails_with(64);
    sandbox.write("home/containai.toml", "version = 1\n");
    let open = sandbox.cai(&["egress", "test", "evil.example"]);
    assert!(open.success().contains("the file has no [egress]"), "{open}");
}

fn a_log_of_refusals_needs_to_be_declared() {
    let sandbox = Sandbox::new();
    sandbox.write("home/containai.toml", FILE);
    sandbox.cai(&["--simulate", "apply", "--yes"]).success();
    let logs = sandbox.cai(&["--simulate", "logs", "egress"]);
    logs.fails_with(4);
    assert!(logs.to_string().contains("log = true"), "{logs}");
}

/// A policy that was not applied yet is a plain difference: the rules in force are those of the last apply.
fn an_edited_policy_is_not_taken_for_open_rules() {
    let sandbox = Sandbox::new();
    sandbox.write("home/containai.toml", FILE);
    sandbox.cai(&["--simulate", "apply", "--yes"]).success();
    sandbox.write("home/containai.toml", &FILE.replace("github.com", "gitlab.com"));
    let found = sandbox.cai(&["--simulate", "doctor"]);
    found.fails_with(1);
    assert!(found.stdout.contains("drift") && !found.stdout.contains("egress_open"), "{found}");
    let plan = sandbox.cai(&["--simulate", "plan"]);
    assert!(plan.success().contains("gitlab.com") && !plan.stdout.contains("rules "), "{plan}");
}
