//! The module `containai.engine.engine` on this machine, with a simulated engine.

use serde_json::{Value, json};

use super::control::Control;
use crate::support::documents;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![the_module_returns_what_changed_or_why_it_failed]
}

/// One playbook has all uses, because the start of Ansible takes longer than a use.
fn the_module_returns_what_changed_or_why_it_failed() {
    let control = Control::new();
    let sandbox = &control.sandbox;
    let file = |arch: &str| format!("version = 1\n[vm]\nname = \"agents\"\narch = \"{arch}\"\n");
    sandbox.write("home/containai.toml", &file("x86_64"));
    sandbox.write("home/replace.toml", &file("aarch64"));
    sandbox.write("home/wrong.toml", "version = 1\nfoo = 1\n");
    sandbox.write("home/warning.toml", "version = 1\n[docker.daemon]\nx-unknown = 1\n");
    let values =
        "version = 1\n[vm]\nname = \"agents\"\nenv.TOKEN = { command = [\"cat\", \"token\"] }\n";
    sandbox.write("home/values.toml", values);
    sandbox.write("home/token", "n33dle\n");
    sandbox.fake_program("limactl", "echo 'limactl is broken' >&2; exit 1");
    sandbox.fake_program("newer", "echo '{\"format_version\": 2}'");
    std::fs::rename(sandbox.path("bin/newer"), sandbox.path("home/newer")).unwrap();
    let playbook = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/ansible/module.yml");
    let here = format!("here={}", sandbox.home().display());
    let ran = control.run(&["ansible-playbook", "-c", "local", "-e", &here, playbook]);
    ran.success();
    assert!(!ran.to_string().contains("Traceback"), "{ran}");
    let results = std::fs::read_to_string(sandbox.path("home/results.json")).unwrap();
    let results: Value = serde_json::from_str(&results).unwrap();
    check_mode_shows_the_plan_and_changes_nothing(&results);
    changed_is_what_was_applied(&results);
    data_is_not_lost_without_consent(&results);
    a_failure_has_the_message_and_the_hint_of_cai(&results);
    programs_run_only_after_they_are_allowed(&results);
    // Ansible breaks its lines.
    let shown = ran.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
    let warning = "[WARNING]: unknown keys of daemon.json: x-unknown in ";
    assert!(shown.contains(warning) && shown.contains("help: check the documentation"), "{ran}");
    assert!(!shown.contains("n33dle"), "{ran}");
    assert_eq!(results["environment_used"]["changed"], true);
    assert!(sandbox.path("home/other/world.json").exists());
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("{key}: {value}"))
}

fn check_mode_shows_the_plan_and_changes_nothing(results: &Value) {
    let checked = &results["checked"];
    assert_eq!(checked["changed"], true);
    assert!(text(&checked["diff"], "prepared").contains("+ vm.agents"), "{checked}");
    assert_eq!(checked["ansible_facts"]["cai"]["vm"]["status"], "absent");
    let addresses = |result: &Value| -> Vec<Value> {
        let changes = result["changes"].as_array().unwrap();
        changes.iter().map(|change| change["address"].clone()).collect()
    };
    // The apply plans some of them again, and finds that they are as declared.
    let (planned, applied) = (addresses(checked), addresses(&results["created"]));
    assert!(applied.iter().all(|address| planned.contains(address)), "{planned:?} {applied:?}");
    let again = &results["checked_again"];
    assert_eq!((&again["changed"], &again["changes"]), (&json!(false), &json!([])));
    assert!(again.get("diff").is_none(), "{again}");
    let absent = &results["checked_absent"];
    assert_eq!(absent["changed"], true);
    assert!(text(&absent["diff"], "prepared").contains("- vm.agents"), "{absent}");
    assert_eq!(absent["ansible_facts"]["cai"]["vm"]["status"], "Running");
}

fn changed_is_what_was_applied(results: &Value) {
    let created = &results["created"];
    assert_eq!(created["changed"], true);
    let vm = json!({"address": "vm.agents", "action": "create", "outcome": "applied"});
    assert!(created["changes"].as_array().unwrap().contains(&vm), "{created}");
    assert!(text(created, "summary").contains("Apply complete: "), "{created}");
    let facts = &created["ansible_facts"]["cai"];
    documents::fits("report", facts).unwrap();
    assert_eq!(facts["drift"]["changes"], json!([]));
    let again = &results["again"];
    assert_eq!((&again["changed"], &again["changes"]), (&json!(false), &json!([])));
    assert!(text(&again["diff"], "prepared").contains("No changes."), "{again}");
}

fn data_is_not_lost_without_consent(results: &Value) {
    let refused = &results["refused"];
    assert_eq!((&refused["failed"], &refused["changed"]), (&json!(true), &json!(false)));
    assert_eq!(refused["rc"], 4);
    assert!(text(refused, "hint").contains("--allow-replace agents"), "{refused}");
    for name in ["not_deleted", "other_not_deleted"] {
        let kept = &results[name];
        assert_eq!(
            (&kept["failed"], &kept["changed"], &kept["rc"]),
            (&json!(true), &json!(false), &json!(4))
        );
        assert!(text(kept, "hint").contains("--allow-destroy agents"), "{kept}");
    }
    let deleted = &results["deleted"];
    assert_eq!(
        (&deleted["changed"], &deleted["ansible_facts"]["cai"]["vm"]["status"]),
        (&json!(true), &json!("absent"))
    );
    let again = &results["deleted_again"];
    assert_eq!((&again["changed"], text(again, "summary")), (&json!(false), "Nothing to destroy."));
    let replaced = &results["replaced"];
    let vm = json!({"address": "vm.agents", "action": "replace", "outcome": "applied"});
    assert!(replaced["changes"].as_array().unwrap().contains(&vm), "{replaced}");
}

fn programs_run_only_after_they_are_allowed(results: &Value) {
    for name in ["not_allowed", "allow_checked"] {
        let refused = &results[name];
        assert_eq!(refused["rc"], 3, "{refused}");
        assert!(text(refused, "msg").contains("the command cat may not be used yet"), "{refused}");
    }
    // The programs were run, and the cause of the failure is the next one.
    for name in ["broken", "still_allowed"] {
        let broken = &results[name];
        assert!(text(broken, "msg").contains("limactl is broken"), "{broken}");
    }
    let allowed = &results["allowed"];
    assert!(text(allowed, "allowed").contains("vm.env.TOKEN: runs cat token\n"), "{allowed}");
}

fn a_failure_has_the_message_and_the_hint_of_cai(results: &Value) {
    for name in ["wrong", "wrong_checked"] {
        let wrong = &results[name];
        assert_eq!((&wrong["failed"], &wrong["rc"]), (&json!(true), &json!(3)), "{wrong}");
        let message = text(wrong, "msg");
        assert!(message.contains("wrong.toml:2:1: unknown key `foo`\nhelp: "), "{wrong}");
        assert!(message.ends_with(text(wrong, "hint")), "{wrong}");
        assert_eq!(wrong["diagnostics"][0]["line"], 2);
    }
    assert_eq!(results["usage"]["rc"], 64);
    assert!(text(&results["usage"], "msg").contains("not a duration"), "{}", results["usage"]);
    for (name, message) in [
        ("missing", "is not an executable on the PATH of this session\nhelp: install cai"),
        ("other", "/bin/echo printed no JSON document of cai"),
        ("newer", "prints format version 2, but this collection reads version 1"),
    ] {
        let result = &results[name];
        assert_eq!(result["failed"], true, "{result}");
        assert!(text(result, "msg").contains(message), "{result}");
    }
}
