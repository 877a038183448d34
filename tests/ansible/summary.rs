//! The table of `report.yml` for many hosts.

use serde_json::{Map, Value, json};

use super::control::Control;
use crate::support::documents;
use crate::support::sandbox::Sandbox;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![the_reports_of_1000_hosts_are_one_table]
}

/// The line of an engine as declared, printed by `cai`.
fn declared() -> Value {
    let sandbox = Sandbox::new();
    sandbox.write("home/containai.toml", "version = 1\n");
    sandbox.cai(&["--simulate=world", "apply", "--yes"]).success();
    let ran = sandbox.cai(&["--simulate=world", "report"]);
    serde_json::from_str(ran.success()).unwrap()
}

/// A message of ssh that is longer than a value in the table.
const REFUSED: &str =
    "ssh: connect to host build-with-a-long-name.example.org port 22: Connection refused";

/// The result of the task that asked a host.
fn result(number: usize, line: &Value) -> Value {
    let mut line = line.clone();
    line["host"] = format!("host-{number:04}").into();
    match number {
        // One in ten has an older Sysbox.
        n if n % 10 == 1 => line["versions"]["sysbox"] = "0.7.0".into(),
        // 40 differ, each in a resource of its own.
        n if n % 25 == 2 => {
            let address = format!("user.agent{n}");
            line["drift"]["changes"] = json!([{"address": address, "action": "create"}]);
        }
        n if n % 100 == 3 => {
            line["findings"] = json!([{
                "code": "group_missing", "severity": "error", "address": null,
                "summary": "dev is not in group docker \u{1b}[31min the guest",
            }]);
        }
        4 => {
            line["drift"] = Value::Null;
            line["vm"] = Value::Null;
            line["error"] = json!({
                "severity": "error", "summary": "containai.toml could not be read",
                "detail": "the file does not exist",
                "hint": null, "address": null, "file": null, "line": null, "column": null,
            });
        }
        5 => {
            let message = format!("Task failed: Failed to connect to the host via ssh: {REFUSED}");
            return json!({"unreachable": true, "msg": message});
        }
        6 => return json!({"rc": 127, "stdout": "", "stderr": "cai: command not found\n"}),
        7 => return json!({"rc": 0, "stdout": "Welcome!"}),
        // The result of ansible-core 2.19 if the program does not exist.
        8 => {
            let message = "Error executing command.";
            let cmd = "/home/me/.local/bin/cai --file containai.toml report";
            return json!({"rc": 2, "stdout": "", "stderr": "", "msg": message, "cmd": cmd});
        }
        9 => return json!({"unreachable": true, "msg": "x".repeat(1000)}),
        _ => {}
    }
    documents::fits("report", &line).unwrap();
    json!({"rc": 0, "stdout": line.to_string(), "stderr": ""})
}

fn the_reports_of_1000_hosts_are_one_table() {
    let control = Control::new();
    let sandbox = &control.sandbox;
    let line = declared();
    let reports = (0..1000).map(|number| (format!("host-{number:04}"), result(number, &line)));
    let reports = Value::Object(reports.collect::<Map<_, _>>());
    sandbox.write("home/reports.json", &reports.to_string());
    let playbook = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/ansible/summary.yml");
    let here = format!("here={}", sandbox.home().display());
    let ran = control.run(&["ansible-playbook", "-c", "local", "-e", &here, playbook]);
    ran.success();
    let table = ran.stdout.split_once("msg: |-\n").unwrap_or_else(|| panic!("{ran}")).1;
    let table = table.split("\n\nPLAY RECAP").next().unwrap();
    let lines: Vec<String> =
        table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for row in [
        "WHAT VALUE ENGINES",
        "state as declared 944",
        "state differs 40",
        "state has findings 10",
        "state not inspected 4",
        "state unreachable 2",
        "VM Running 994",
        "cai 0.1.0 995",
        "dockerd 29.5.2 995",
        "Sysbox 0.7.1.linux 895",
        "Sysbox 0.7.0 100",
        "drift create user.agent102 1",
        "drift 20 other values",
        "finding error group_missing 10",
        "host simulated 995",
        "Needs attention:",
        &format!("host-0005 unreachable: {REFUSED}"),
        "host-0004 not inspected: containai.toml could not be read: the file does not exist",
        "host-0006 not inspected: cai: command not found",
        "host-0007 not inspected: the output is not that of cai report",
        "host-0008 not inspected: /home/me/.local/bin/cai could not be run (rc 2)",
        &format!("host-0009 unreachable: {}…", "x".repeat(299)),
        "and 36 more",
    ] {
        assert!(lines.iter().any(|line| line == row), "{row}: {table}");
    }
    let named = lines.iter().filter(|line| line.starts_with("host-"));
    assert_eq!(named.count(), 20, "{table}");
    assert!(lines.len() < 70 && !table.contains('\u{1b}'), "{table}");
}
