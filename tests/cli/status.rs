//! `cai status`: one line, and an exit code for scripts.

use serde_json::json;

use super::fake;
use super::plan::document;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        a_machine_as_the_file_says_is_0,
        a_difference_is_1_and_told_in_the_line,
        a_stopped_vm_and_none_at_all_are_told_apart,
        as_json_it_is_one_document,
    ]
}

fn a_machine_as_the_file_says_is_0() {
    let sandbox = fake::engine();
    sandbox.cai(&["apply", "--yes"]).success();
    let line = "containai-secure: VM Running, engine answers, context containai-secure; as \
                containai.toml says\n";
    assert_eq!(sandbox.cai(&["status"]).success(), line);
}

fn a_difference_is_1_and_told_in_the_line() {
    let sandbox = fake::engine();
    let ran = sandbox.cai(&["status"]);
    assert_eq!(ran.fails_with(1), "", "it is no error: {ran}");
    assert_eq!(
        ran.stdout,
        "containai-secure: VM Running, engine answers, no context; 1 difference from \
         containai.toml: see `cai plan`\n"
    );
    std::fs::remove_file(sandbox.path("lima/containai-secure/sock/docker.sock")).unwrap();
    let ran = sandbox.cai(&["status"]);
    ran.fails_with(1);
    assert!(ran.stdout.contains("engine silent (socket missing)"), "{ran}");
}

fn a_stopped_vm_and_none_at_all_are_told_apart() {
    let ran = fake::fresh().cai(&["status"]);
    ran.fails_with(1);
    assert!(ran.stdout.starts_with("containai-secure: VM absent, engine absent,"), "{ran}");
    let sandbox = fake::engine();
    sandbox.fake_program("limactl", &fake::limactl(&fake::listed(&sandbox, "Stopped"), "exit 7"));
    let ran = sandbox.cai(&["status"]);
    ran.fails_with(1);
    // The fake's socket answers still; a clean stop would have removed it.
    assert!(ran.stdout.starts_with("containai-secure: VM Stopped, "), "{ran}");
}

fn as_json_it_is_one_document() {
    let sandbox = fake::engine();
    let ran = sandbox.cai(&["status", "--json"]);
    ran.fails_with(1);
    let socket = sandbox.path("lima/containai-secure/sock/docker.sock");
    assert_eq!(
        document(&ran),
        json!({
            "format_version": 1,
            "file": "containai.toml",
            "vm": {"name": "containai-secure", "status": "Running"},
            "engine": {
                "status": "answers",
                "socket": socket,
                "ping": {"answer": "answered", "data": {"api_version": "1.41"}},
            },
            "context": {"name": "containai-secure", "host": null, "as_declared": false},
            "as_declared": false,
            "pending": ["context.containai-secure"],
        })
    );
}
