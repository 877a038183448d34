//! Text that is written for another program reads back unchanged.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use containai::config;
use containai::docker::client::{ComposeError, Override};
use containai::guest::daemon_json::{self, EditableJson};
use containai::guest::{LoadedCopy, Operation};
use containai::host::{CommandSpec, Input};
use containai::lima::{Limactl, Ssh, to_yaml};
use containai::model::{ServiceName, VmName};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config as Cases, TestRunner};
use serde_json::{Map, Value, json};

use crate::support::tally::HOSTILE;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        arguments_for_a_guest_read_back_in_a_real_shell,
        a_command_that_is_shown_can_be_copied_into_a_shell,
        yaml_for_lima_reads_back,
        an_expression_for_lima_reads_back,
        daemon_json_reads_back,
        an_override_of_a_compose_file_reads_back,
        a_file_reads_back,
    ]
}

/// Ordinary and unusual text, without NUL, which an argument cannot contain.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[^\0]{0,24}",
        "[ '\"`$(){};&|<>*?~!#\\\\\n\t=:,\\[\\]%@^-]{0,12}",
        "(\\{\\{[a-z. ]*\\}\\}|\\$\\([a-z ]*\\)|---|\\.\\.\\.|<<|!![a-z]+|[&*][a-z]|0x1f|1_0|1e3|no|~|null| a|a |\t|- a|a: b|# a|%a|\\?|\u{feff}|\u{85}|\u{2028}|\u{1b}\\[2J){1,3}",
    ]
}

/// Any JSON value.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        text().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((text(), inner), 0..4).prop_map(|keys| Map::from_iter(keys).into()),
        ]
    })
}

fn keys() -> impl Strategy<Value = Map<String, Value>> {
    vec(("[a-z][A-Za-z0-9]{0,8}", value()), 0..4).prop_map(Map::from_iter)
}

fn holds<S: Strategy>(cases: u32, strategy: S, property: impl Fn(S::Value)) {
    let cases = Cases { cases, failure_persistence: None, ..Cases::default() };
    TestRunner::new(cases)
        .run(&strategy, |value| {
            HOSTILE.case(|| property(value));
            Ok(())
        })
        .unwrap();
}

/// The arguments that a shell reads from a line whose first word is `words`.
fn read_by(shell: &str, line: &str) -> Vec<String> {
    let script = format!("words() {{ printf '%s\\0' \"$@\"; }}\n{line}\n");
    let mut child = Command::new(shell)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{line}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_terminator('\0').map(str::to_owned).collect()
}

fn ssh() -> Ssh {
    Ssh::new("ssh".into(), Path::new("/d"), &VmName::default())
}

fn line(command: &CommandSpec) -> String {
    command.args.last().unwrap().to_str().unwrap().to_owned()
}

fn arguments_for_a_guest_read_back_in_a_real_shell() {
    // `ssh` joins its arguments with spaces, and the guest's login shell reads the line.
    holds(96, vec(text(), 0..5), |arguments| {
        let words: Vec<&str> =
            ["words"].into_iter().chain(arguments.iter().map(String::as_str)).collect();
        for command in [ssh().run(&words), ssh().look(&words)] {
            for shell in ["sh", "bash"] {
                let expected =
                    if arguments.is_empty() { vec![String::new()] } else { arguments.clone() };
                assert_eq!(read_by(shell, &line(&command)), expected, "{shell}: {command}");
            }
        }
    });
}

fn a_command_that_is_shown_can_be_copied_into_a_shell() {
    let shown = "[^\\p{C}\\p{Z}]{0,20}|[ '\"`$(){};&|<>*?~!#\\\\=:,\\[\\]%@^-]{0,12}";
    holds(96, vec(shown, 1..5), |arguments| {
        let command = CommandSpec::new("/opt/words").args(arguments.clone());
        assert_eq!(read_by("sh", &command.to_string()), arguments, "{command}");
    });
}

fn yaml_for_lima_reads_back() {
    holds(512, keys(), |keys| {
        let text = to_yaml(&keys);
        assert_eq!(serde_yaml::from_str::<Value>(&text).unwrap(), Value::from(keys), "{text}");
    });
}

/// Lima's expressions accept JSON literals. A literal with a backslash is encoded as Base64.
fn an_expression_for_lima_reads_back() {
    use base64::Engine as _;
    holds(512, ("[a-z][A-Za-z0-9]{0,8}", value()), |(key, value)| {
        let keys = Map::from_iter([(key.clone(), value.clone())]);
        let limactl = Limactl::new("limactl".into());
        let expression = line(&limactl.edit(&VmName::default(), &keys));
        let literal = expression.strip_prefix(&format!(".\"{key}\" = ")).unwrap();
        let base64 = literal
            .strip_prefix("(\"")
            .and_then(|rest| rest.strip_suffix("\" | @base64d | from_json)"));
        let json = if let Some(coded) = base64 {
            let bytes = base64::engine::general_purpose::STANDARD.decode(coded).unwrap();
            String::from_utf8(bytes).unwrap()
        } else {
            assert!(!literal.contains('\\'), "{literal}");
            literal.to_owned()
        };
        assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), value);
    });
}

/// From the keys to the file that the script writes in the guest, through a real shell.
fn daemon_json_reads_back() {
    holds(64, keys(), |keys| {
        let mut json = EditableJson::default();
        json.set(&keys);
        let text = json.text;
        assert_eq!(daemon_json::from_text(&text), keys);
        let write =
            Operation::WriteDaemonJson { expected: None, loaded: LoadedCopy::Keep, text: &text };
        let Some(Input::Text(script)) = write.command(&ssh()).stdin else { panic!("no script") };
        // The text that the script's `base64 -d` reads. The letter keeps the shell from removing
        // trailing newlines.
        let (_, input) = script.rsplit_once("main \"$@\" ").unwrap();
        let words = read_by("sh", &format!("words \"$(base64 -d {input}printf x)\""));
        assert_eq!(words, [format!("{text}x")]);
    });
}

fn an_override_of_a_compose_file_reads_back() {
    holds(256, (vec(text(), 0..3), text(), text()), |(groups, user, volume)| {
        let wanted = Override {
            volume: Some(volume.clone()),
            external: Some(volume.clone()),
            groups: groups.clone(),
            user: Some(user.clone()),
            ..Override::default()
        };
        let service: ServiceName = "manager".parse().unwrap();
        let written = wanted.text(None, &service);
        // YAML's merge key is not a valid name of a Docker volume.
        if volume == "<<" {
            return assert_eq!(written, Err(ComposeError::Unwritable));
        }
        let text = written.unwrap();
        let read: Value = serde_yaml::from_str(&text).unwrap();
        let own = &read["services"]["manager"];
        // Compose reads two dollar signs as one.
        let escaped = |text: &String| text.replace('$', "$$");
        assert_eq!(own["user"], json!(escaped(&user)), "{text}");
        assert_eq!(own["volumes"], json!([escaped(&volume)]), "{text}");
        let groups: Vec<String> = groups.iter().map(escaped).collect();
        assert_eq!(own.get("group_add"), (!groups.is_empty()).then(|| json!(groups)).as_ref());
        assert!(read["volumes"].get(&volume).is_some(), "{text}");
    });
}

/// Free text in a file is the same text in the VM's YAML.
fn a_file_reads_back() {
    holds(256, text(), |text| {
        let file = toml::to_string(&json!({
            "version": 1,
            "vm": {"env": {"A": text}, "lima": {"message": text}},
            "docker": {"daemon": {"labels": [format!("a={text}")]}},
        }));
        let Ok(config) = config::parse(&file.unwrap()) else { return };
        let values = config.vm.env.values().map(|it| it.value.as_deref()).collect::<Vec<_>>();
        assert_eq!(values, [Some(text.as_str())]);
        assert_eq!(config.docker.daemon["labels"], json!([format!("a={text}")]));
        let keys = containai::resource::template(&config);
        let yaml: Value = serde_yaml::from_str(&to_yaml(&keys)).unwrap();
        assert_eq!((&yaml["env"]["A"], &yaml["message"]), (&json!(text), &json!(text)));
    });
}
