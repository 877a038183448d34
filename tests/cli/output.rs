//! `cai render`, `graph`, `completions` and `man`: pure, from the file or the command line alone.

use serde_json::{Value, json};

use super::fake;
use super::plan::document;
use crate::support::sandbox::Sandbox;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        what_is_rendered_is_what_lima_is_given,
        a_graph_is_drawn_in_each_language,
        every_edge_of_a_graph_leads_forwards,
        completions_are_read_by_their_shell,
        completions_are_about_the_files_of_the_command,
        every_argument_is_completed,
        the_manual_has_a_page_for_every_command,
        nothing_is_looked_at,
        a_wrong_file_gives_nothing,
        a_closed_output_is_no_error,
    ]
}

/// A file, and no tool that works.
fn file_only() -> Sandbox {
    let sandbox = fake::fresh();
    for tool in ["limactl", "ssh", "docker"] {
        sandbox.fake_program(tool, "touch \"$HOME/was-run\"; exit 9\n");
    }
    sandbox
}

fn what_is_rendered_is_what_lima_is_given() {
    let sandbox = file_only();
    let rendered = sandbox.cai(&["--color=always", "render"]);
    let create = "[ \"$2\" != create ] || cat >\"$HOME/given\"; exit 7";
    sandbox.fake_program("limactl", &fake::limactl("", create));
    sandbox.cai(&["apply", "--yes"]).fails_with(1);
    let given = std::fs::read_to_string(sandbox.path("home/given")).unwrap();
    assert_eq!(rendered.success(), given);
    assert!(given.starts_with("# Managed by cai"), "{given}");
    let json = document(&sandbox.cai(&["render", "--json"]));
    assert_eq!(json, serde_yaml::from_str::<Value>(&given).unwrap());
}

fn a_graph_is_drawn_in_each_language() {
    let sandbox = file_only();
    let dot = sandbox.cai(&["graph"]);
    for line in [
        "digraph {",
        "  \"vm.containai-secure\" -> \"provision.docker\"",
        "  \"group_membership.@lima.docker\" -> \"restart.containai-secure\" [style = dashed]",
        "}",
    ] {
        assert!(dot.success().lines().any(|other| other == line), "{line:?} is missing: {dot}");
    }
    let mermaid = sandbox.cai(&["graph", "--format", "mermaid"]);
    for line in [
        "flowchart LR",
        "  n0[\"lima_install.lima\"]",
        "  n1[\"vm.containai-secure\"]",
        "  n0 --> n1",
        "  n4 -.-> n5",
    ] {
        assert!(mermaid.success().lines().any(|other| other == line), "{line:?}: {mermaid}");
    }
    sandbox.cai(&["graph", "--format", "png"]).fails_with(64);
}

fn every_edge_of_a_graph_leads_forwards() {
    let sandbox = file_only();
    let graph = document(&sandbox.cai(&["graph", "--format", "json"]));
    assert_eq!(graph, document(&sandbox.cai(&["graph", "--json"])));
    let resources = graph["resources"].as_array().unwrap();
    assert_eq!(resources.len(), 8, "{graph}");
    let place = |address: &Value| resources.iter().position(|other| other == address).unwrap();
    let edges = graph["edges"].as_array().unwrap();
    assert!(edges.iter().all(|edge| place(&edge["from"]) < place(&edge["to"])), "{graph}");
    let kinds = ["requires", "notifies"].map(|kind| edges.iter().any(|edge| edge["kind"] == kind));
    assert_eq!(kinds, [true, true]);
    let edge =
        json!({"from": "lima_install.lima", "to": "vm.containai-secure", "kind": "requires"});
    assert_eq!(edges[0], edge);
}

fn completions_are_read_by_their_shell() {
    let sandbox = file_only();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = sandbox.cai(&["completions", shell]);
        assert!(script.success().contains("CAI_COMPLETE"), "{script}");
    }
    sandbox.cai(&["completions", "cmd.exe"]).fails_with(64);
    for (typed, candidates) in [
        ("cai pl", "plan"),
        ("cai plan --detailed", "--detailed-exitcode"),
        ("cai explain group_", "group_missing"),
        ("cai simulate break sess", "session"),
    ] {
        completes(&sandbox, typed, candidates);
    }
}

/// Checks the candidates that bash gets for a line.
#[track_caller]
fn completes(sandbox: &Sandbox, typed: &str, candidates: &str) {
    let (variable, typed) = typed.split_at(typed.find("cai ").unwrap());
    let sets = if variable.is_empty() { "true" } else { "export" };
    let words: Vec<&str> = typed.split(' ').collect();
    let last = words.len() - 1;
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let script = format!(
        "{sets} {variable}; source <(cai completions bash); COMP_WORDS=({words}); COMP_CWORD={last}; \
         COMP_TYPE=9\n_clap_complete_cai cai '{word}' '{before}'; printf '%s\n' \"${{COMPREPLY[@]}}\"",
        words = quoted.join(" "),
        word = words[last],
        before = words[last - 1],
    );
    let ran = sandbox.run(&["bash", "-c", &script]);
    // Without a word, clap adds the options.
    let is_wanted = |it: &&str| words[last].starts_with('-') || !it.starts_with('-');
    let offered: Vec<&str> = ran.success().trim_end().lines().filter(is_wanted).collect();
    assert_eq!(offered.join("\n"), candidates, "{typed}: {ran}");
}

fn completions_are_about_the_files_of_the_command() {
    let sandbox = file_only();
    sandbox.directory("home/sub");
    sandbox.write("home/sub/containai.toml", "version = 1\n[vm]\nname = \"in-sub\"\n");
    sandbox.write("home/two.toml", "version = 1\n[vm]\nname = \"second\"\n");
    for (typed, candidates) in [
        ("cai plan --target prov", "provision.daemon\nprovision.docker"),
        ("cai plan --target vm.", "vm.containai-secure"),
        ("cai -f two.toml plan --target vm.", "vm.second"),
        ("cai plan --file two.toml --target vm.", "vm.second"),
        ("cai plan -f ~/two.toml --target vm.", "vm.second"),
        ("cai plan --file=two.toml --target vm.", "vm.second"),
        // As bash splits it.
        ("cai plan --file = two.toml --target vm.", "vm.second"),
        ("cai -C sub plan --target vm.", "vm.in-sub"),
        ("cai -f two.toml -f sub/containai.toml plan --target in-sub/vm", "in-sub/vm.in-sub"),
        ("cai destroy --allow-destroy ", "containai-secure"),
        ("cai -f two.toml destroy --allow-destroy ", "second"),
        ("CAI_FILE=two.toml cai destroy --allow-destroy ", "second"),
        ("CAI_FILE=two.toml cai -f containai.toml destroy --allow-destroy ", "containai-secure"),
        // No other file takes the place of a missing one.
        ("CAI_FILE=none.toml cai destroy --allow-destroy c", ""),
        ("cai -f none.toml plan --target prov", ""),
    ] {
        completes(&sandbox, typed, candidates);
    }
}

fn every_argument_is_completed() {
    let sandbox = file_only();
    sandbox.write("home/containai.toml", "version = 1\n");
    sandbox.directory("home/plans");
    sandbox.cai(&["--simulate=world", "plan", "--out", "plans/next.plan"]).success();
    sandbox.cai(&["--simulate=world", "apply", "--yes"]).success();
    sandbox.write("home/plans/containai.toml", "");
    for (typed, candidates) in [
        ("cai show plans/", "plans/next.plan"),
        ("cai -C plans apply ", "next.plan"),
        ("cai help pla", "plan\nplans"),
        ("cai help simulate br", "break"),
        ("cai help pin r", ""),
        ("cai man simulate-b", "simulate-break"),
        ("cai man con", "containai.toml"),
        ("cai --simulate=world import ", "containai-secure"),
        ("cai import ", ""),
    ] {
        completes(&sandbox, typed, candidates);
    }
}

fn the_manual_has_a_page_for_every_command() {
    let sandbox = file_only();
    let page = sandbox.cai(&["man"]);
    assert!(page.success().contains(".TH cai 1"), "{page}");
    for command in super::COMMANDS {
        assert!(page.stdout.contains(&format!("cai\\-{command}(1)")), "{command}: {page}");
        let own = sandbox.cai(&["man", command]);
        assert!(own.success().contains(&format!(".TH cai-{command} 1")), "{own}");
        assert!(own.stdout.contains("\\-\\-file"), "{own}");
    }
    let ran = sandbox.cai(&["man", "nosuch"]);
    assert!(ran.fails_with(64).contains("the command nosuch does not exist"), "{ran}");
}

fn nothing_is_looked_at() {
    let sandbox = file_only();
    for arguments in
        [&["render"][..], &["graph"], &["completions", "zsh"], &["man"], &["init", "--force"]]
    {
        sandbox.cai(arguments).success();
    }
    assert!(!sandbox.path("home/was-run").exists());
}

fn a_wrong_file_gives_nothing() {
    let sandbox = file_only();
    sandbox.write("home/containai.toml", "version = 1\nx = 1\n");
    for command in ["render", "graph"] {
        let ran = sandbox.cai(&[command]);
        assert!(ran.fails_with(3).contains("containai.toml:2:1"), "{ran}");
        assert_eq!(ran.stdout, "");
    }
}

fn a_closed_output_is_no_error() {
    let sandbox = file_only();
    for arguments in [&["render"][..], &["graph", "--json"], &["man"], &["completions", "bash"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = sandbox.command(&["cai"]).args(arguments).stdout(writer).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments:?}");
        assert_eq!(output.status.code(), Some(141), "{arguments:?}");
    }
}
