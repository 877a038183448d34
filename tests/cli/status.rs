//! `cai status`: one line, and an exit code for scripts.

use serde_json::json;

use super::fake;
use super::plan::document;
use crate::support::fake_world::FakeWorld;
use crate::support::trials;
use containai::simulate::File;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        a_machine_as_the_file_says_is_0,
        a_difference_is_1_and_told_in_the_line,
        a_stopped_vm_and_none_at_all_are_told_apart,
        what_cannot_be_known_is_not_called_a_difference,
        a_container_that_was_left_stopped_is_named,
        on_a_terminal_its_lines_and_those_of_errors_fit,
        as_json_it_is_one_document,
        it_looks_once_with_the_processes_of_a_plan,
    ]
}

fn a_machine_as_the_file_says_is_0() {
    let sandbox = fake::engine();
    sandbox.cai(&["apply", "--yes"]).success();
    let line = "containai-secure: VM Running, engine answers, context containai-secure; matches \
                containai.toml\n";
    assert_eq!(sandbox.cai(&["status"]).success(), line);
}

fn a_difference_is_1_and_told_in_the_line() {
    let sandbox = fake::engine();
    let ran = sandbox.cai(&["status"]);
    assert_eq!(ran.fails_with(1), "", "it is no error: {ran}");
    assert_eq!(
        ran.stdout,
        "containai-secure: VM Running, engine answers, context does not exist; 1 difference from \
         containai.toml; see `cai plan`\n"
    );
    std::fs::remove_file(sandbox.path("lima/containai-secure/sock/docker.sock")).unwrap();
    let ran = sandbox.cai(&["status"]);
    ran.fails_with(1);
    assert!(ran.stdout.contains("engine not answering (host socket does not exist)"), "{ran}");
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

fn what_cannot_be_known_is_not_called_a_difference() {
    let world = FakeWorld::converged("version = 1\n");
    world.cai(&["stop"]).success();
    let plan = document(&world.cai(&["plan", "--json"]));
    let unknown = plan["summary"]["deferred"].as_u64().unwrap();
    let ran = world.cai(&["status"]);
    ran.fails_with(1);
    let verdict = format!(
        "; 1 difference from containai.toml; {unknown} resources cannot be compared with \
         containai.toml: the VM is stopped; see `cai plan`\n"
    );
    assert!(unknown > 1 && ran.stdout.ends_with(&verdict), "{verdict}: {ran}");
    let json = document(&world.cai(&["status", "--json"]));
    let machine = &json["machines"][0];
    assert_eq!(machine["pending"], json!(["vm.containai-secure"]));
    assert_eq!(machine["unknown"].as_array().map(Vec::len), usize::try_from(unknown).ok());
    assert_eq!(machine["as_declared"], false);
}

fn a_container_that_was_left_stopped_is_named() {
    let world = FakeWorld::converged("version = 1\n");
    world.change(|world| {
        let guest = world.instances.get_mut("containai-secure").unwrap().guest.as_mut().unwrap();
        let text = "c3|manager|runc|2026-11-21T00:00:00Z|false\n".to_owned();
        let file = File { text, ..File::default() };
        guest.files.insert("/var/lib/cai/stopped-containers".into(), file);
    });
    let ran = world.cai(&["status"]);
    ran.fails_with(1);
    assert!(ran.stdout.contains("\ncai stopped manager and did not start it again\n"), "{ran}");
    let json = document(&world.cai(&["status", "--json"]));
    assert_eq!(json["machines"][0]["stopped_containers"], json!(["manager"]));
    for command in ["plan", "doctor"] {
        let ran = world.cai(&[command]);
        assert!(ran.stdout.contains("cai stopped manager and did not start it again"), "{ran}");
    }
}

fn on_a_terminal_its_lines_and_those_of_errors_fit() {
    let world = FakeWorld::converged("version = 1\n");
    world.cai(&["stop"]).success();
    for columns in [60, 80] {
        for arguments in [&["status"][..], &["apply", "containai.toml"], &["stop", "-f", "no.toml"]]
        {
            let sandbox = &world.sandbox;
            let ran = sandbox.printed_on_terminal(columns, arguments, &world.variables());
            let text = anstream::adapter::strip_str(&ran.stderr).to_string();
            let long = text.lines().filter(|line| line.chars().count() > columns.into());
            let long: Vec<&str> = long.collect();
            assert!(long.is_empty(), "{columns}: {long:#?} {ran}");
        }
    }
    // Elsewhere, a state is one line.
    assert_eq!(world.cai(&["status"]).stdout.lines().count(), 1);
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
            "machines": [{
            "file": "containai.toml",
            "vm": {"name": "containai-secure", "status": "Running"},
            "engine": {
                "status": "answers",
                "socket": socket,
                "ping": {"answer": "answered", "data": {"api_version": "1.41"}},
            },
            "context": {"name": "containai-secure", "host": null, "as_declared": false},
            "stopped_containers": [],
            "former_vms": [],
            "as_declared": false,
            "pending": ["context.containai-secure"],
            "unknown": [],
            }],
        })
    );
}

fn it_looks_once_with_the_processes_of_a_plan() {
    let world = FakeWorld::converged("version = 1\n");
    // The word that marks one look differs from that of the next.
    let calls = |command: &str| {
        world.cai(&[command]);
        let mut calls = world.calls();
        for call in &mut calls {
            let words = call.split(' ').map(|it| if it.starts_with("cai-") { "MARK" } else { it });
            *call = words.collect::<Vec<_>>().join(" ");
        }
        calls.sort();
        calls
    };
    let same = |state: &str, count: usize| {
        let plan = calls("plan");
        assert_eq!(calls("status"), plan, "{state}");
        assert_eq!(plan.len(), count, "{state}: {plan:?}");
    };
    same("converged", 3);
    world.change(|world| {
        let vm = world.instances.get_mut("containai-secure").unwrap();
        let guest = vm.guest.as_mut().unwrap();
        guest.groups.get_mut("docker").unwrap().members.clear();
    });
    same("not in the group", 3);
    world.sandbox.write("home/containai.toml", "version = 1\n[vm]\nname = \"other\"\n");
    // Without a guest to ask, but Lima judges the YAML of the new VM.
    same("no such VM", 3);
}
