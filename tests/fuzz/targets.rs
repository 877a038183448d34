//! What a fuzzer calls, and `cargo test` too: one function for each thing that outsiders say to
//! `cai`. Each panics where something does not hold.

use std::collections::BTreeSet;
use std::path::Path;
use std::str::from_utf8;

use containai::config;
use containai::config::diagnostic::render;
use containai::config::layers::Sources;
use containai::docker::client::{ComposeProgram, ComposeService, Inside, Inspected, Override};
use containai::docker::{ContextMetadata, current_context};
use containai::guest::daemon_json::{self, EditableJson};
use containai::guest::{Document, GuestFacts};
use containai::lima::{find_instances, gave_up, message, parse_version, to_yaml};
use containai::model::ServiceName;
use containai::model::printable;
use containai::resource::template;

/// The mark of the documents that are tried.
const MARK: &str = "m";

/// A `containai.toml`: what is wrong with it is somewhere in it, and what is right with it comes to
/// Lima as it is meant.
pub fn config(data: &[u8]) {
    let Ok(source) = from_utf8(data) else { return };
    match config::parse(source) {
        Err(mistakes) => {
            assert!(!mistakes.is_empty());
            for span in mistakes.iter().filter_map(|mistake| mistake.span.as_ref()) {
                assert!(span.start <= span.end && span.end <= source.len(), "{span:?}");
            }
            shows(&render(&mistakes, &Sources::single("f", source), false));
        }
        Ok(config) => {
            let keys = template(&config);
            let read: serde_json::Value = serde_yaml::from_str(&to_yaml(&keys)).unwrap();
            assert_eq!(read, serde_json::Value::Object(keys));
            for warning in config.warnings() {
                shows(&printable(&warning.message));
            }
            let _ = config.located(Path::new("/team"), Some(Path::new("/home/dev")));
        }
    }
}

/// What `limactl list --json`, `--version` and its log say.
pub fn limactl_list(data: &[u8]) {
    let Ok(text) = from_utf8(data) else { return };
    let name = "containai-secure";
    match find_instances(text, &BTreeSet::from([name])).map(|instances| instances.found) {
        Ok(found) => {
            assert!(found.keys().all(|own| own == name));
            for instance in found.values() {
                let _ = instance.user();
                shows(&printable(&instance.status.to_string()));
            }
        }
        Err(error) => shows(&printable(&error.to_string())),
    }
    let _ = parse_version(text);
    for line in text.lines() {
        shows(&printable(&message(line)));
    }
    let _ = gave_up(text);
}

/// What the scripts print in the guest, and in a container.
pub fn guest_document(data: &[u8]) {
    let Ok(text) = from_utf8(data) else { return };
    let document = match Document::parse(text, MARK) {
        Ok(document) => document,
        Err(error) => return shows(&error.to_string()),
    };
    let facts = GuestFacts::read(&document);
    let _ = facts.session_reaches_docker();
    let _ = facts.groups_of(&facts.user);
    let _ = facts.fresh_groups_of(&facts.user);
    // No line of the guest can hold this name, not even one that the fuzzer learned here.
    assert!(facts.fresh_groups_of("nobody\nof this name").is_empty());
    let (inside, _) = Inside::read(&document);
    let _ = inside.process(Some(1001));
}

/// What Docker's command line keeps in files and prints, and a `daemon.json` that others wrote.
pub fn docker_metadata(data: &[u8]) {
    let Ok(text) = from_utf8(data) else { return };
    match ContextMetadata::parse(text) {
        Ok(metadata) => {
            let _ = metadata.is_marked();
        }
        Err(error) => shows(&printable(&error.to_string())),
    }
    let _ = current_context(text);
    for container in Inspected::parse(text).unwrap_or_default().values() {
        let _ = (container.state.runs(), container.state.restarts_in_a_loop());
        let _ = container.mount_of("/var/run/docker.sock");
    }
    let keys = daemon_json::from_text(text);
    let mut json = EditableJson::default();
    json.set(&keys);
    assert_eq!(daemon_json::from_text(&json.text), keys);
}

/// Compose's output for an arbitrary compose file, and an override that `cai` wrote and others
/// changed.
pub fn compose_file(data: &[u8]) {
    let Ok(text) = from_utf8(data) else { return };
    let service: ServiceName = "manager".parse().unwrap();
    let first = ComposeProgram::First("docker-compose".into());
    for program in [&ComposeProgram::Plugin, &first] {
        match ComposeService::read(text, program, &service) {
            Ok(read) => {
                let _ = (read.mount_of("/var/run/docker.sock"), read.container(&service, program));
            }
            Err(error) => shows(&printable(&error.to_string())),
        }
    }
    let groups = vec!["2375".to_owned()];
    let needed = Override {
        volume: Some("sock:/var/run:rw".into()),
        external: Some("sock".into()),
        groups: groups.clone(),
        inherited: vec!["7".into()],
        user: Some("mcp".into()),
    };
    let present = format!("# Managed by cai\n{text}");
    let _ = needed.is_needed(Some(&present), &service);
    match needed.text(Some(&present), &service) {
        Ok(written) => {
            let again = needed.text(Some(&written), &service);
            assert_eq!(again.as_ref(), Ok(&written));
            // Tags of others are for YAML alone.
            let Ok(read) = ComposeService::read(&written, &first, &service) else { return };
            let socket = read.mount_of("/var/run/docker.sock").unwrap();
            assert_eq!((socket.source.as_str(), socket.writable), ("sock", true));
            assert!(read.groups == groups && read.volumes.contains_key("sock"), "{written}");
        }
        Err(error) => shows(&printable(&error.to_string())),
    }
}

/// Nothing that is shown drives a terminal.
fn shows(text: &str) {
    let obeyed =
        |c: char| c.is_control() && c != '\n' && c != '\t' || "\u{202e}\u{2066}".contains(c);
    assert!(!text.contains(obeyed), "{}", text.escape_debug());
}
