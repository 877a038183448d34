//! `cai report`: one line of JSON per file, for an inventory.

use serde_json::{Value, json};

use super::fake;
use crate::support::documents;
use crate::support::sandbox::{Ran, Sandbox};
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        an_engine_as_declared_is_one_line_with_its_versions,
        drift_and_findings_are_counted_and_named_and_exit_with_0,
        what_a_stopped_vm_hides_is_unknown,
        a_machine_that_cannot_be_inspected_is_a_line_with_an_error,
        an_invalid_file_does_not_hide_the_others,
        it_changes_nothing,
    ]
}

/// The lines of a report, each of which fits the schema.
fn lines(ran: &Ran) -> Vec<Value> {
    let lines = documents::lines(ran);
    for line in &lines {
        documents::fits("report", line).unwrap_or_else(|errors| panic!("{errors}: {ran}"));
    }
    lines
}

/// The only line.
fn line(ran: &Ran) -> Value {
    let mut lines = lines(ran);
    assert_eq!(lines.len(), 1, "{ran}");
    lines.remove(0)
}

/// An engine on a simulated host.
fn engine() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("home/containai.toml", "version = 1\n");
    cai(&sandbox, &["apply", "--yes"]).success();
    sandbox
}

fn cai(sandbox: &Sandbox, words: &[&str]) -> Ran {
    sandbox.cai(&[&["--simulate=world"], words].concat())
}

fn an_engine_as_declared_is_one_line_with_its_versions() {
    let sandbox = engine();
    let ran = cai(&sandbox, &["report"]);
    ran.success();
    let mut line = line(&ran);
    let time = line["time"].take();
    let time = time.as_str().unwrap();
    assert!(time.ends_with('Z') && !time.contains('.'), "{ran}");
    let name = sandbox.run(&["uname", "-n"]);
    let count = line["drift"]["counts"]["unchanged"].as_u64().unwrap();
    assert!(count > 5, "{ran}");
    assert_eq!(
        line,
        json!({
            "format_version": 1,
            "time": null,
            "host": name.success().trim(),
            "file": "containai.toml",
            "vm": {"name": "containai-secure", "status": "Running"},
            "versions": {
                "cai": env!("CARGO_PKG_VERSION"),
                "lima": "2.2.0",
                "dockerd": "29.5.2",
                "sysbox": "0.7.1.linux",
            },
            "drift": {
                "counts": {
                    "add": 0, "change": 0, "remove": 0, "refresh": 0, "forget": 0, "deferred": 0,
                    "unchanged": count,
                },
                "changes": [],
                "unknown": [],
            },
            "findings": [],
            "error": null,
            "simulated": true,
        })
    );
    // With `--json`, it prints the same.
    let again = self::line(&cai(&sandbox, &["report", "--json"]));
    assert_eq!(again["versions"], line["versions"]);
}

fn drift_and_findings_are_counted_and_named_and_exit_with_0() {
    let sandbox = engine();
    cai(&sandbox, &["simulate", "break", "group"]).success();
    let ran = cai(&sandbox, &["report"]);
    assert_eq!(ran.success().lines().count(), 1);
    let line = line(&ran);
    let address = "group_membership.@lima.docker";
    assert_eq!(
        line["drift"]["changes"][0],
        json!({"address": address, "action": "create"}),
        "{ran}"
    );
    let doctor: Value = serde_json::from_str(&cai(&sandbox, &["doctor", "--json"]).stdout).unwrap();
    let codes = |findings: &Value| -> Vec<Value> {
        findings.as_array().unwrap().iter().map(|it| it["code"].clone()).collect()
    };
    assert!(!codes(&line["findings"]).is_empty(), "{ran}");
    assert_eq!(codes(&line["findings"]), codes(&doctor["findings"]));
    assert_eq!(line["findings"][0]["summary"], doctor["findings"][0]["cause"]);
}

fn what_a_stopped_vm_hides_is_unknown() {
    let sandbox = engine();
    cai(&sandbox, &["simulate", "break", "vm-stopped"]).success();
    let ran = cai(&sandbox, &["report"]);
    ran.success();
    let line = line(&ran);
    assert_eq!(line["vm"]["status"], "Stopped");
    assert_eq!(line["versions"]["dockerd"], Value::Null);
    let unknown = line["drift"]["unknown"].as_array().unwrap();
    assert_eq!(line["drift"]["counts"]["deferred"], unknown.len(), "{ran}");
    assert!(unknown.contains(&json!("provision.sysbox")), "{ran}");
}

fn a_machine_that_cannot_be_inspected_is_a_line_with_an_error() {
    let sandbox = fake::engine();
    sandbox.fake_program("limactl", "echo 'level=fatal msg=\"disk full\"' >&2; exit 1");
    let ran = sandbox.cai(&["report"]);
    assert!(ran.fails_with(1).contains("disk full"), "{ran}");
    let line = line(&ran);
    assert_eq!(line["error"]["summary"], "this machine could not be inspected");
    assert!(line["error"]["detail"].as_str().unwrap().contains("disk full"), "{ran}");
    assert_eq!(line["findings"][0]["code"], "lima_failed");
    assert_eq!((&line["drift"], &line["vm"]["status"]), (&Value::Null, &json!("unknown")));
    let nothing = Sandbox::new().cai(&["report"]);
    nothing.fails_with(3);
    let line = self::line(&nothing);
    assert_eq!((&line["file"], &line["vm"]), (&Value::Null, &Value::Null));
    assert!(line["error"]["hint"].as_str().unwrap().contains("cai init"), "{nothing}");
}

fn an_invalid_file_does_not_hide_the_others() {
    let sandbox = engine();
    sandbox.write("home/wrong.toml", "version = 1\nfoo = 1\n");
    let files = ["-f", "wrong.toml", "-f", "none.toml", "-f", "containai.toml"];
    let ran = cai(&sandbox, &[&files[..], &["report"]].concat());
    assert!(ran.fails_with(3).contains("unknown key `foo`"), "{ran}");
    let lines = lines(&ran);
    let [wrong, none, fine] = lines.as_slice() else { panic!("{ran}") };
    assert_eq!(wrong["error"]["line"], 2);
    assert_eq!((&wrong["file"], &none["file"]), (&json!("wrong.toml"), &json!("none.toml")));
    assert_eq!(wrong["findings"][0]["code"], "config_invalid");
    assert_eq!(none["error"]["summary"], "none.toml could not be read");
    assert_eq!((&fine["error"], &fine["vm"]["status"]), (&Value::Null, &json!("Running")));
}

fn it_changes_nothing() {
    let sandbox = engine();
    cai(&sandbox, &["simulate", "break", "group"]).success();
    let world = || std::fs::read(sandbox.path("home/world/world.json")).unwrap();
    let before = world();
    cai(&sandbox, &["report"]).success();
    assert_eq!(world(), before);
    cai(&sandbox, &["apply", "--yes"]).success();
    assert_ne!(world(), before);
}
