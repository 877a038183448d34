//! The man pages, and every example in them and in the README.

use containai::config;
use serde_json::Value;

use super::documents::root;
use crate::support::sandbox::{Ran, Sandbox};
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        every_page_has_its_sections,
        the_page_of_the_file_has_every_key_of_the_schema,
        every_example_of_a_page_runs_on_the_simulated_host,
        the_help_of_a_command_has_its_examples,
    ]
}

/// The names of all pages of commands.
fn pages() -> Vec<String> {
    fn add(command: &clap::Command, prefix: &str, pages: &mut Vec<String>) {
        for sub in command.get_subcommands() {
            let name = format!("{prefix}{}", sub.get_name());
            add(sub, &format!("{name}-"), pages);
            pages.push(name);
        }
    }
    let mut pages = vec![String::new()];
    add(&containai::cli::command_line(), "", &mut pages);
    pages
}

/// A page as the reader sees its text, without the marks of the font.
fn page(sandbox: &Sandbox, name: &str) -> String {
    let words: &[&str] = if name.is_empty() { &["man"] } else { &["man", name] };
    let page = sandbox.cai(words);
    let mut text = page.success().replace("\\*(Aq", "'");
    for (mark, plain) in [("\\fB", ""), ("\\fI", ""), ("\\fR", ""), ("\\-", "-"), ("\\\\", "\\")] {
        text = text.replace(mark, plain);
    }
    text
}

fn section<'a>(page: &'a str, title: &str) -> &'a str {
    let start = page.split_once(&format!("\n.SH {title}"));
    let rest = start.unwrap_or_else(|| panic!("no section {title}: {page}")).1;
    rest.split("\n.SH ").next().unwrap()
}

/// The command lines of the examples in a page.
fn examples(page: &str) -> Vec<String> {
    let entries = section(page, "EXAMPLES").split(".TP\n").skip(1);
    entries.map(|entry| entry.lines().next().unwrap().to_owned()).collect()
}

fn every_page_has_its_sections() {
    let sandbox = Sandbox::new();
    let pages = pages();
    assert!(pages.len() > 25, "{pages:?}");
    for name in pages {
        let page = page(&sandbox, &name);
        let examples = examples(&page);
        assert!(!examples.is_empty(), "{name} lacks an example");
        let command = format!("cai {}", name.replace('-', " "));
        let shows = |line: &String| line.contains(command.trim_end());
        assert!(examples.iter().any(shows), "{name}: {examples:?}");
        for (title, entries) in [
            ("ENVIRONMENT", &["CAI_FILE", "CAI_SIMULATE", "HOME", "LIMA_HOME", "NO_COLOR"][..]),
            ("FILES", &["containai.toml", "$LIMA_HOME/VM/cai.json", "/etc/docker/daemon.json"]),
            ("\"EXIT STATUS\"", &["0", "1", "2", "3", "4", "5", "6", "64", "130", "141"]),
        ] {
            for entry in entries {
                let entry = format!(".TP\n{entry}\n");
                assert!(section(&page, title).contains(&entry), "{entry:?} is missing: {page}");
            }
        }
    }
}

fn the_page_of_the_file_has_every_key_of_the_schema() {
    let page = page(&Sandbox::new(), "containai.toml");
    assert!(page.contains(".TH containai.toml 5 "), "{page}");
    let schema = config::schema();
    let mut keys = Vec::new();
    all_keys(&schema, &schema, "top level", &mut keys);
    assert!(keys.len() > 70, "{keys:?}");
    for (table, key, description) in keys {
        let heading = format!(".SS {table}\n").replace("top level", "\"top level\"");
        let keys = page.split_once(&heading).unwrap_or_else(|| panic!("{table}: {page}")).1;
        let keys = keys.split("\n.S").next().unwrap();
        let entry = keys.split(".TP\n").find(|entry| entry.starts_with(&format!("{key} (")));
        let entry = entry.unwrap_or_else(|| panic!("{key} of {table} is missing: {keys}"));
        assert!(entry.contains(&description.replace('`', "")), "{description}: {entry}");
    }
    for line in [
        "cpus (integer from 1 to 4096)",
        "name (string, default \"containai-secure\")",
        "groups (list of strings, default [])",
        "location (string, required)",
    ] {
        assert!(page.lines().any(|other| other == line), "{line:?}: {page}");
    }
}

/// Every key that is not itself a table: its table, its name, and its description.
fn all_keys(root: &Value, schema: &Value, table: &str, keys: &mut Vec<(String, String, String)>) {
    let resolved = |schema: &Value| match schema["$ref"].as_str() {
        Some(path) => root.pointer(path.trim_start_matches('#')).unwrap().clone(),
        None => schema.clone(),
    };
    for (key, own) in schema["properties"].as_object().unwrap() {
        let value = resolved(own);
        let path = match table.trim_matches(['[', ']']) {
            "top level" => key.clone(),
            table => format!("{table}.{key}"),
        };
        let items = resolved(&value["items"]);
        if value["properties"].is_object() {
            all_keys(root, &value, &format!("[{path}]"), keys);
        } else if items["properties"].is_object() {
            all_keys(root, &items, &format!("[[{path}]]"), keys);
        } else {
            let description = own["description"].as_str().or(value["description"].as_str());
            keys.push((table.to_owned(), key.clone(), description.unwrap().to_owned()));
        }
    }
}

fn every_example_of_a_page_runs_on_the_simulated_host() {
    // A simulated host has no services to install and no network: `cli::watch` and `cli::pin` run these examples.
    for name in pages().into_iter().filter(|name| name != "watch" && name != "pin") {
        let sandbox = Sandbox::new();
        if !["", "init", "setup"].contains(&name.as_str()) {
            engine(&sandbox);
        }
        for line in examples(&page(&sandbox, &name)) {
            run(&sandbox, &line);
        }
    }
}

/// A file, and its engine on the simulated host.
fn engine(sandbox: &Sandbox) {
    let minimal = std::fs::read_to_string(root().join("examples/minimal.toml")).unwrap();
    sandbox.write("home/containai.toml", &minimal);
    for name in ["agents", "builds"] {
        let file = format!("version = 1\nvm.name = \"{name}\"\n");
        sandbox.write(&format!("home/{name}.toml"), &file);
    }
    sandbox.cai(&["--simulate", "apply", "--yes"]).success();
}

/// Runs a command line of a document on the simulated host of `--simulate`.
pub fn run(sandbox: &Sandbox, line: &str) -> Ran {
    let guard = sandbox.docker_guard();
    let world = sandbox.home().join(".local/state/cai/simulated");
    let mut command = sandbox.command(&["bash", "-e", "-c", line]);
    let output = command.env("CAI_SIMULATE", world).output().unwrap();
    guard.check(line);
    let ran = Ran {
        line: line.to_owned(),
        status: output.status,
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    };
    // A command that asks cannot ask here.
    let asks = ran.status.code() == Some(4) && ran.stderr.contains("needs a terminal");
    assert!(ran.status.success() || asks, "{ran}");
    ran
}

fn the_help_of_a_command_has_its_examples() {
    let sandbox = Sandbox::new();
    for name in pages() {
        let words: Vec<&str> = name.split('-').filter(|word| !word.is_empty()).collect();
        let help = sandbox.cai(&[&words[..], &["--help"]].concat());
        let listed = help.success().split_once("\nExamples:\n").map(|(_, list)| list);
        if words.is_empty() {
            continue;
        }
        for line in examples(&page(&sandbox, &name)) {
            let has = |list: &str| list.lines().any(|other| other.trim() == line);
            assert!(listed.is_some_and(has), "{line:?} is missing: {help}");
        }
    }
}
