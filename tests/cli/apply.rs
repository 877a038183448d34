//! `cai apply`: consent, failures, and what the next run finds.

use serde_json::{Value, json};

use super::fake;
use crate::support::documents;
use crate::support::sandbox::Sandbox;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        without_a_terminal_and_without_yes_nothing_is_done,
        a_failed_step_is_shown_and_what_needs_it_is_skipped,
        a_vm_that_exists_half_made_is_started_by_the_next_run,
        steps_that_had_no_effect_are_no_success,
        as_json_each_event_is_a_line,
        as_json_errors_are_lines_too,
        as_json_the_end_is_one_document,
        as_json_a_failure_has_its_command_and_both_streams,
        quietly_only_failures_are_told,
        a_replacement_needs_the_name_of_what_is_lost,
        a_replacement_that_is_allowed_is_done_in_order,
        a_stronger_step_than_the_plan_showed_is_not_taken,
    ]
}

fn without_a_terminal_and_without_yes_nothing_is_done() {
    let sandbox = fake::fresh();
    let ran = sandbox.cai(&["apply"]);
    let error = ran.fails_with(4);
    assert!(error.contains("+ vm.containai-secure"), "the plan is not shown: {ran}");
    assert!(error.contains("--yes"), "{ran}");
    assert_eq!(fake::calls(&sandbox), [""; 0]);
}

fn a_failed_step_is_shown_and_what_needs_it_is_skipped() {
    let sandbox = fake::fresh();
    let ran = sandbox.cai(&["apply", "--yes"]);
    let error = ran.fails_with(1);
    for part in [
        "error: vm.containai-secure: `limactl --tty=false create --name=containai-secure -`",
        "exit status 7",
        "fake: no",
        "provision.docker skipped: vm.containai-secure was not applied",
        "context.containai-secure skipped",
        "0 changed, 1 failed, 6 skipped",
    ] {
        assert!(error.contains(part), "{part:?} is missing: {ran}");
    }
    assert_eq!(fake::calls(&sandbox), ["--tty=false create --name=containai-secure -"]);
}

fn a_vm_that_exists_half_made_is_started_by_the_next_run() {
    let sandbox = fake::engine();
    let list = format!(
        r#"{{"name":"containai-secure","status":"Stopped","dir":"{}"}}"#,
        sandbox.path("lima/containai-secure").display()
    );
    sandbox.fake_program("limactl", &fake::limactl(&list, "exit 7"));
    sandbox.cai(&["apply", "--yes"]).fails_with(1);
    assert_eq!(
        fake::calls(&sandbox),
        ["--tty=false start --timeout=1800s containai-secure"],
        "an instance that exists must be started, not created"
    );
}

fn steps_that_had_no_effect_are_no_success() {
    let sandbox = fake::engine();
    // It exits with 0 and makes no context.
    sandbox.fake_program("docker", "exit 0\n");
    let ran = sandbox.cai(&["apply", "--yes"]);
    let error = ran.fails_with(1);
    assert!(error.contains("error: context.containai-secure: did not converge"), "{ran}");
}

fn types(lines: &[Value]) -> Vec<&str> {
    lines.iter().map(|line| line["type"].as_str().unwrap()).collect()
}

fn as_json_each_event_is_a_line() {
    let ran = fake::engine().cai(&["apply", "--yes", "--json"]);
    ran.success();
    let lines = documents::lines(&ran);
    let mut types = types(&lines);
    // On a slow machine, the step's output is a line of its own.
    types.dedup();
    assert_eq!(
        types,
        [
            "version",
            "planned_change",
            "change_summary",
            "apply_start",
            "apply_progress",
            "apply_complete",
            "change_summary",
        ],
        "{ran}"
    );
    assert!(lines.iter().all(|line| line["@level"] == "info"), "{ran}");
    assert!(lines.iter().all(|line| line["@timestamp"].as_str().unwrap().ends_with('Z')), "{ran}");
    let message = "context.containai-secure: plan to create";
    assert_eq!(lines[1]["@message"], message, "{ran}");
    assert_eq!(lines[1]["change"]["resource"]["addr"], "context.containai-secure");
    assert_eq!(
        (&lines[1]["change"]["action"], &lines[2]["changes"]["add"]),
        (&json!("create"), &json!(1))
    );
    assert_eq!(lines[4]["hook"]["action"], "create");
    assert!(lines[4]["hook"]["step"].is_string(), "{ran}");
    let statuses = lines.iter().map(|line| &line["hook"]["status"]);
    let mut statuses: Vec<_> = statuses.filter_map(|status| status.as_str()).collect();
    statuses.retain(|status| *status != "running");
    assert_eq!(statuses, ["started", "finished"], "{ran}");
    let last = lines.last().unwrap();
    let mut counts = last["changes"].clone();
    assert_eq!(counts["operation"], "apply");
    counts["operation"] = "plan".into();
    // The plan, the result, and the text have the same counts.
    assert_eq!(lines[2]["changes"], counts);
    let message = last["@message"].as_str().unwrap();
    assert!(message.starts_with("Apply complete: 1 added"), "{ran}");
}

fn as_json_errors_are_lines_too() {
    let ran = fake::fresh().cai(&["apply", "--yes", "--json"]);
    ran.fails_with(1);
    let lines = documents::lines(&ran);
    let errors = lines.iter().filter(|line| line["type"] == "diagnostic");
    let [error] = errors.collect::<Vec<_>>()[..] else { panic!("{ran}") };
    let error = &error["diagnostic"];
    assert_eq!(error["address"], "vm.containai-secure", "{ran}");
    assert!(error["detail"].as_str().unwrap().contains("fake: no"), "{ran}");
    let errored = lines.iter().filter(|line| line["type"] == "apply_errored");
    let errored: Vec<_> = errored.map(|line| &line["hook"]["outcome"]).collect();
    assert_eq!(errored[0], "failed", "{ran}");
    assert!(errored[1..].iter().all(|outcome| **outcome == "skipped"), "{ran}");
    // Before the apply, an error is the last line.
    let ran = fake::fresh().cai(&["apply", "--json"]);
    ran.fails_with(4);
    let lines = documents::lines(&ran);
    let refused = &lines.last().unwrap()["diagnostic"];
    assert_eq!(refused["summary"], "not applied: confirmation needs a terminal", "{ran}");
    let ran = fake::fresh().cai(&["apply", "--json", "-f", "nosuch.toml"]);
    ran.fails_with(3);
    assert_eq!(types(&documents::lines(&ran)), ["version", "diagnostic"], "{ran}");
}

fn as_json_the_end_is_one_document() {
    let sandbox = fake::engine();
    let ran = sandbox.cai(&["apply", "--yes", "--json"]);
    ran.success();
    assert!(ran.stderr.contains("+ context.containai-secure"), "the plan is talk: {ran}");
    let report = documents::report(&ran);
    let counts = json!({
        "add": 1, "change": 0, "remove": 0, "refresh": 0, "forget": 0, "deferred": 0,
        "unchanged": 7, "failed": 0, "skipped": 0, "cancelled": 0,
    });
    assert_eq!(report["summary"], counts);
    let last = report["results"].as_array().unwrap().last().unwrap();
    assert_eq!(last["address"], "context.containai-secure");
    assert_eq!(last["outcome"], "applied");
    assert!(last["seconds"].as_f64().unwrap() > 0.0 && last.get("error").is_none(), "{last}");
    let again = documents::report(&sandbox.cai(&["apply", "--yes", "--json"]));
    assert_eq!(again["summary"]["unchanged"], 8);
    assert_eq!(again["results"].as_array().unwrap().len(), 8);
}

fn as_json_a_failure_has_its_command_and_both_streams() {
    let sandbox = fake::fresh();
    let ran = sandbox.cai(&["apply", "--yes", "--json"]);
    ran.fails_with(1);
    let report = documents::report(&ran);
    let result = |address: &str| {
        let results = report["results"].as_array().unwrap();
        results.iter().find(|result| result["address"] == address).unwrap().clone()
    };
    let vm = result("vm.containai-secure");
    assert_eq!(vm["outcome"], "failed");
    let command = &vm["error"]["command"];
    assert_eq!(command["line"], "limactl --tty=false create --name=containai-secure -");
    assert_eq!(
        (&command["status"], &command["stderr"]),
        (&json!("exit status 7"), &json!("fake: no\n"))
    );
    let context = result("context.containai-secure");
    assert_eq!(context["outcome"], "skipped");
    assert_eq!(context["because"], "socket.containai-secure");
}

fn quietly_only_failures_are_told() {
    let ran = fake::engine().cai(&["-q", "apply", "--yes"]);
    assert_eq!((ran.success(), ran.stderr.as_str()), ("", ""), "{ran}");
    let ran = fake::fresh().cai(&["-q", "apply", "--yes"]);
    let error = ran.fails_with(1);
    assert!(error.contains("exit status 7") && error.contains("Apply failed"), "{ran}");
    assert!(!error.contains("+ vm."), "{ran}");
    // But the plan that somebody is asked to agree to.
    let ran = fake::fresh().cai(&["-q", "apply"]);
    assert!(ran.fails_with(4).contains("+ vm."), "{ran}");
    fake::fresh().cai(&["-q", "-v", "plan"]).fails_with(64);
}

fn a_replacement_needs_the_name_of_what_is_lost() {
    let sandbox = fake::engine_of_another_image();
    let plan = sandbox.cai(&["plan"]);
    for part in [
        "-/+ vm.containai-secure  VM replacement",
        "images  # forces replacement",
        "everything in the VM is lost",
        "Plan: 6 to add, 0 to change, 1 to destroy",
        "Loses data or containers: apply needs --allow-replace containai-secure.",
    ] {
        assert!(plan.success().contains(part), "{part:?} is missing: {plan}");
    }
    for (arguments, said) in [
        (&["apply", "--yes"][..], "--allow-replace containai-secure"),
        (&["apply", "--yes", "--allow-replace", "other"], "--allow-replace names other"),
    ] {
        let ran = sandbox.cai(arguments);
        let error = ran.fails_with(4);
        assert!(error.contains(said) && error.contains("would delete the VM"), "{ran}");
    }
    assert_eq!(fake::calls(&sandbox), [""; 0]);
}

fn a_replacement_that_is_allowed_is_done_in_order() {
    let sandbox = fake::engine_of_another_image();
    let script = fake::limactl_that(&list_once(&sandbox), "exit 0");
    sandbox.fake_program("limactl", &script);
    // The fake makes no VM, so what comes after it fails.
    let agreed = sandbox.cai(&["apply", "--yes", "--allow-replace", "containai-secure"]);
    let said = agreed.fails_with(1);
    assert!(said.contains("-/+ vm.containai-secure") && !said.contains("Loses data"), "{agreed}");
    assert_eq!(
        fake::calls(&sandbox),
        [
            "--tty=false stop containai-secure",
            "--tty=false unprotect containai-secure",
            "--tty=false delete containai-secure",
            "--tty=false create --name=containai-secure -",
            "--tty=false start --timeout=1800s containai-secure",
        ]
    );
}

/// Lists a running, protected VM until there was a call that changes something.
fn list_once(sandbox: &Sandbox) -> String {
    let directory = sandbox.path("lima/containai-secure");
    let line = format!(
        r#"{{"name":"containai-secure","status":"Running","protected":true,"dir":"{}"}}"#,
        directory.display()
    );
    format!("grep -q tty \"$HOME/calls\" || echo '{line}'")
}

fn a_stronger_step_than_the_plan_showed_is_not_taken() {
    let sandbox = fake::engine();
    let directory = sandbox.path("lima/containai-secure");
    let line = |status: &str| {
        format!(
            r#"{{"name":"containai-secure","status":"{status}","dir":"{}"}}"#,
            directory.display()
        )
    };
    // Whoever looks first sees a healthy VM, and everybody after that a broken one.
    let list = format!(
        "if [ -e \"$HOME/seen\" ]; then echo '{}'; else touch \"$HOME/seen\"; echo '{}'; fi",
        line("Broken"),
        line("Running")
    );
    sandbox.fake_program("limactl", &fake::limactl_that(&list, "exit 7"));
    // While the question waits for its answer, the machine may change.
    let ran = sandbox.cai_on_terminal(&["apply"], "yes");
    let error = ran.fails_with(1);
    assert!(error.contains("changed since the plan: it now needs a VM restart"), "{ran}");
    assert_eq!(fake::calls(&sandbox), [""; 0], "{ran}");
}
