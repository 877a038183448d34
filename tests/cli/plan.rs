//! `cai plan`: for a person, and for a program.

use serde_json::{Value, json};

use super::fake;
use crate::support::fake_world::FakeWorld;
use crate::support::sandbox::Ran;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        the_exit_code_tells_changes_only_where_it_is_asked_to,
        as_json_a_plan_is_one_document_and_nothing_else,
        as_markdown_each_change_is_a_block_of_a_comment,
        as_json_values_that_are_not_known_yet_are_named,
        as_json_reasons_and_problems_have_a_kind_and_a_text,
        as_json_a_replacement_says_what_forces_it,
        a_plan_fits_a_terminal_of_80_columns,
        what_lima_is_told_for_every_vm_is_said_and_left,
    ]
}

/// The document that a command printed.
#[track_caller]
pub fn document(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran}"))
}

/// The part of the document about one resource.
#[track_caller]
fn of<'a>(document: &'a Value, address: &str) -> &'a Value {
    let changes = document["resource_changes"].as_array().unwrap();
    changes.iter().find(|change| change["address"] == address).unwrap()
}

fn the_exit_code_tells_changes_only_where_it_is_asked_to() {
    let sandbox = fake::engine();
    sandbox.cai(&["plan"]).success();
    let ran = sandbox.cai(&["plan", "--detailed-exitcode"]);
    assert_eq!(ran.fails_with(2), "", "changes are no error: {ran}");
    assert!(ran.stdout.contains("+ context.containai-secure"), "{ran}");
    sandbox.cai(&["apply", "--yes"]).success();
    sandbox.cai(&["plan", "--detailed-exitcode"]).success();
    // What stands in the way is worse than changes.
    std::fs::remove_file(sandbox.path("bin/limactl")).unwrap();
    sandbox.write("home/containai.toml", &format!("{}[lima]\ninstall = \"never\"\n", fake::FILE));
    sandbox.cai(&["plan", "--detailed-exitcode"]).fails_with(1);
}

fn as_json_a_plan_is_one_document_and_nothing_else() {
    let sandbox = fake::engine();
    let ran = sandbox.cai(&["plan", "--json", "--color=always"]);
    ran.success();
    assert_eq!(ran.stderr, "");
    let document = document(&ran);
    assert_eq!(document["format_version"], 1);
    assert_eq!(document["files"], json!([{"file": "containai.toml", "vm": "containai-secure"}]));
    assert_eq!(
        document["summary"],
        json!({"add": 1, "change": 0, "remove": 0, "refresh": 0, "forget": 0, "deferred": 0, "unchanged": 7})
    );
    let vm = of(&document, "vm.containai-secure");
    assert_eq!((&vm["kind"], &vm["action"]), (&json!("vm"), &json!("no-op")));
    assert_eq!((&vm["changed"], &vm["before"]["cpus"]), (&json!([]), &json!(2)));
    let socket = sandbox.path("lima/containai-secure/sock/docker.sock");
    assert_eq!(
        of(&document, "context.containai-secure"),
        &json!({
            "address": "context.containai-secure",
            "kind": "context",
            "action": "create",
            "reasons": [{"kind": "absent", "text": "does not exist"}],
            "before": null,
            "after": {
                "host": format!("unix://{}", socket.display()),
                "description": "Docker in the Lima VM containai-secure, managed by cai",
            },
            "after_unknown": {},
            "sensitive": [],
            "changed": ["host", "description"],
            "disruption": "none",
            "fallback": null,
            "stops": [],
            "restarts": [],
            "steps": ["create the Docker context containai-secure"],
            "problem": null,
        })
    );
}

fn as_markdown_each_change_is_a_block_of_a_comment() {
    let text = "'''\n```\n</details>\n- x\n'''";
    let file = |cpus: &str, text: &str| {
        format!(
            "version = 1\n[vm]\ncpus = {cpus}\n[[files]]\npath = \"/etc/a\"\ncontent = {text}\n"
        )
    };
    let machine = FakeWorld::new(&file("2", text));
    let plan = machine.cai(&["plan", "--markdown", "--color=always"]);
    let plan = plan.success();
    let head = "containai-secure · containai.toml · the VM does not exist\n\n\
                Plan: 8 to add, 0 to change, 0 to destroy.";
    assert!(plan.starts_with(head), "{plan}");
    let block = "\n<details>\n<summary><code>+ vm.containai-secure</code></summary>\n\n```diff\n+ ";
    assert!(plan.contains(block) && !plan.contains('\u{1b}'), "{plan}");
    let fenced = "\n+   ```\n+   </details>\n+   - x\n";
    assert!(
        plan.contains("````diff\n") && plan.contains(fenced),
        "the text cannot end its block: {plan}"
    );
    machine.cai(&["apply", "--yes"]).success();
    let same = machine.cai(&["plan", "--markdown"]);
    assert_eq!(same.success(), "No changes. containai-secure matches containai.toml.\n");
    let changed = file("4", "'''\n```\n</details>\n- y\n'''");
    machine.sandbox.write("home/containai.toml", &changed);
    let plan = machine.cai(&["plan", "--markdown"]);
    assert!(plan.success().contains("```diff\n! cpus = 2 -> 4\n# "), "{plan}");
    assert!(plan.stdout.contains("\n    ```\n    </details>\n-   - x\n+   - y\n"), "{plan}");
    let destroy = machine.cai(&["plan", "--destroy", "--markdown"]);
    assert!(destroy.success().contains("<code>- vm.containai-secure"), "{destroy}");
    assert!(destroy.stdout.contains("```diff\n- "), "{destroy}");
    assert!(destroy.stdout.starts_with("containai-secure · containai.toml · "), "{destroy}");
    let part = machine.cai(&["plan", "--markdown", "--target", "vm.containai-secure"]);
    assert!(part.success().contains("\nLimited: only vm.containai-secure, and what"), "{part}");
    machine.cai(&["plan", "--markdown", "--json"]).fails_with(64);
}

fn as_json_values_that_are_not_known_yet_are_named() {
    let document = document(&fake::fresh().cai(&["plan", "--json"]));
    let membership = of(&document, "group_membership.@lima.docker");
    assert_eq!(membership["after"], json!({"group": "docker", "member": true}));
    assert_eq!(membership["after_unknown"], json!({"user": true}));
    assert_eq!(of(&document, "restart.containai-secure")["disruption"], "session-refresh");
}

fn as_json_reasons_and_problems_have_a_kind_and_a_text() {
    let sandbox = fake::fresh();
    std::fs::remove_file(sandbox.path("bin/limactl")).unwrap();
    sandbox.write("home/containai.toml", &format!("{}[lima]\ninstall = \"never\"\n", fake::FILE));
    let ran = sandbox.cai(&["plan", "--json"]);
    assert!(ran.fails_with(1).contains("limactl is not on PATH"), "{ran}");
    let document = document(&ran);
    let problem = &of(&document, "lima_install.lima")["problem"];
    assert_eq!(
        (&problem["kind"], &problem["text"]),
        (&json!("lima-missing"), &json!("limactl is not on PATH"))
    );
    assert!(problem["hint"].as_str().unwrap().contains("lima"), "{problem}");
    assert_eq!(
        of(&document, "vm.containai-secure")["reasons"],
        json!([{
            "kind": "after",
            "data": "lima_install.lima",
            "text": "known after lima_install.lima",
        }])
    );
}

fn as_json_a_replacement_says_what_forces_it() {
    let sandbox = fake::engine_of_another_image();
    let document = document(&sandbox.cai(&["plan", "--json"]));
    let vm = of(&document, "vm.containai-secure");
    assert_eq!((&vm["action"], &vm["disruption"]), (&json!("replace"), &json!("replace")));
    assert_eq!(vm["reasons"][0]["kind"], "forces-replacement");
    assert_eq!(vm["reasons"][0]["data"], json!(["images"]));
    // As in the text, a replacement counts twice.
    let summary = &document["summary"];
    assert_eq!((&summary["add"], &summary["remove"]), (&json!(6), &json!(1)), "{summary}");
}

fn a_plan_fits_a_terminal_of_80_columns() {
    let silent = "echo 'level=fatal msg=\"a guest that has a lot to say about why it does not \
                  answer to anybody who asks it\"' >&2; exit 255";
    let engine = fake::engine();
    engine.fake_program("ssh", silent);
    for ran in [fake::fresh().cai(&["plan"]), engine.cai(&["plan"])] {
        // A line of a text, and a word that is longer, such as a path, stay whole.
        let long = ran.success().lines().find(|line| {
            let breakable = line.split(' ').all(|word| word.chars().count() < 50);
            line.chars().count() > 80 && breakable && !line.starts_with("        ")
        });
        assert_eq!(long, None, "{ran}");
    }
}

fn what_lima_is_told_for_every_vm_is_said_and_left() {
    let machine = FakeWorld::converged("version = 1\n[vm]\ncpus = 4\n");
    machine.sandbox.directory("lima/_config");
    let file = "lima/_config/override.yaml";
    machine.sandbox.write(file, "# mine\ncpus: 3\nssh: {forwardAgent: true}\n");
    let ran = machine.cai(&["plan"]);
    let said = ran.success().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("No changes."), "{ran}");
    let path = machine.sandbox.path(file);
    let note = format!("{} sets cpus to 3 for every VM", path.display());
    assert!(said.replace("# ", "").contains(&note), "{ran}");
    assert!(!said.contains("ssh"), "the file says nothing about it: {ran}");
    let document = document(&machine.cai(&["plan", "--json"]));
    let reason = &of(&document, "vm.containai-secure")["reasons"][0];
    assert_eq!((&reason["kind"], &reason["data"]["key"]), (&json!("overridden"), &json!("cpus")));
    // What would have no effect is no reason to restart anything.
    machine.sandbox.write("home/containai.toml", "version = 1\n[vm]\ncpus = 5\n");
    assert!(machine.cai(&["plan"]).success().contains("No changes."));
    // Worth knowing, and no fault.
    assert!(machine.cai(&["doctor"]).success().contains("vm_overridden"));
    machine.sandbox.write(file, "cpus: [\n");
    let ran = machine.cai(&["plan"]);
    assert!(ran.fails_with(1).contains("override.yaml could not be parsed"), "{ran}");
}
