//! Checks the effect of a hostile text.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use containai::config::Config;
use containai::host::{CommandSpec, Input, System};
use containai::plan::{Declared, Plan, StepAction};
use containai::reconcile::apply::{self, Outcome};
use containai::reconcile::graph::Graph;
use containai::reconcile::observe::observe;
use containai::report::Layout;
use containai::resource::facts::Facts;
use containai::simulate::{Call, SimulatedHost, World, run};
use containai::{lima, report};
use serde_json::Value;

use super::values::TOKEN;
/// The programs that root runs in the guest. All other words are arguments.
const GUEST: [&str; 7] =
    ["groupadd", "groupmod", "install", "sh", "systemctl", "useradd", "usermod"];

/// Checks that a terminal would only display this text. Only `cai` itself adds colors.
#[track_caller]
pub fn is_harmless(text: &str, what: &str) {
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| is_obeyed(c) && c != '\n' && c != '\t') {
        let after = &rest[at..];
        let end = after.strip_prefix("\u{1b}[").and_then(|sgr| {
            let end = sgr.find(|c: char| !c.is_ascii_digit() && c != ';')?;
            sgr[end..].strip_prefix('m')
        });
        match end {
            Some(end) => rest = end,
            None => panic!("{what} drives the terminal:\n{}", text.escape_debug()),
        }
    }
}

/// Independent of the function in the program, which could miss a character.
fn is_obeyed(character: char) -> bool {
    character.is_control()
        || "\u{61c}\u{200b}\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\
            \u{2066}\u{2067}\u{2068}\u{2069}\u{feff}"
            .contains(character)
}

/// Checks with another YAML parser that the YAML of a new VM has only the intended contents.
pub fn is_only_data(config: &Config) {
    let keys = containai::resource::template(config);
    let read: Value = serde_yaml::from_str(&lima::to_yaml(&keys)).unwrap();
    assert_eq!(read, Value::Object(keys));
}

/// The facts about a machine for a file.
pub fn facts(world: &World, config: &Config) -> Facts {
    observe(&SimulatedHost::new(&System, world.clone()), config).unwrap()
}

/// Plans for a machine and checks all output about the plan.
pub fn plan(config: &Config, facts: &Facts) -> Plan {
    let plan = Plan::new(&Graph::new(&[config]).unwrap(), std::slice::from_ref(facts));
    let declared = [Declared { file: "f", layers: &[], vm: config.vm.name.as_str() }];
    let text = report::plan(&plan, &declared, std::slice::from_ref(facts), Layout::default());
    is_harmless(&text, "the plan");
    for warning in config.warnings() {
        is_harmless(&report::warning(&warning, &config.origin), "a warning");
    }
    plan
}

/// Applies a file and checks the messages.
pub fn apply(world: World, config: &Config) -> World {
    let host = SimulatedHost::new(&System, world);
    let graph = Graph::new(&[config]).unwrap();
    let facts = match observe(&host, config) {
        Ok(facts) => facts,
        // The file names a file that does not exist here.
        Err(error) => {
            is_harmless(&report::error(&error, None), "an error");
            return host.world();
        }
    };
    let plan = plan(config, &facts);
    let report = apply::apply(&host, &[config], &graph, &plan, &|event| {
        is_harmless(&report::progress(event).unwrap_or_default(), "the progress");
    });
    for result in &report.results {
        if let Outcome::Failed(why) = &result.outcome {
            is_harmless(&report::failure(&result.address.to_string(), why), "a failure");
        }
    }
    host.world()
}

/// Checks that in a plan a hostile text is only an argument, a scalar of a document or the name of
/// a file. Collects the lines for the guest's shell for [`reads_back`].
pub fn judge(plan: &Plan, config: &Config, lines: &mut BTreeSet<String>) {
    for step in plan.changes.iter().flat_map(|change| &change.steps) {
        match &step.operation {
            StepAction::Run(command) | StepAction::Try(command) => {
                judge_command(command, config, lines);
            }
            // An override of a Compose file is YAML.
            StepAction::WriteFile { text, .. } => {
                assert!(serde_yaml::from_str::<Value>(text).is_ok(), "{text}");
            }
            StepAction::RemoveFile(path) => assert!(!path.to_str().unwrap().contains(TOKEN)),
            StepAction::Unpack(_) | StepAction::Await(_) => {}
        }
    }
}

fn judge_command(command: &CommandSpec, config: &Config, lines: &mut BTreeSet<String>) {
    is_harmless(&command.to_string(), "a command that is shown");
    let name = command.program.file_name().unwrap().to_str().unwrap();
    assert!(["docker", "limactl", "ssh"].contains(&name), "{command}");
    let args: Vec<&str> = command.args.iter().map(|arg| arg.to_str().unwrap()).collect();
    if name == "ssh" && !args.contains(&"-O") {
        lines.insert((*args.last().unwrap()).to_owned());
    }
    for (index, arg) in args.iter().enumerate().filter(|(_, arg)| arg.contains(TOKEN)) {
        let is_value = index > 0 && args[index - 1] == "--description";
        assert!(!arg.starts_with('-') || is_value || arg.starts_with("--name="), "{command}");
    }
    let Some(Input::Text(text)) = &command.stdin else { return };
    if name == "limactl" {
        let read: Value = serde_yaml::from_str(text).unwrap();
        assert_eq!(read, Value::Object(containai::resource::template(config)), "{text}");
    } else if !args.last().unwrap().contains(" install -D -m 600 /dev/stdin ") {
        // The text can only be in the contents of a file.
        assert!(!text.contains(TOKEN), "spliced into a script: {text}");
    }
}

/// Checks with a real shell that each line that `ssh` runs is one command of the guest with the
/// intended arguments.
pub fn reads_back(lines: &BTreeSet<String>, shell: &str) {
    let mut script = "sudo() { printf '%s\\0' \"$@\"; printf '\\036\\0'; }\n".to_owned();
    let mut expected = Vec::new();
    for line in lines.iter().filter(|line| line.starts_with("sudo ")) {
        let words = shlex::split(line).unwrap();
        assert!(words[1] == "-n" && GUEST.contains(&words[2].as_str()), "{line}");
        script.push_str(line);
        script.push('\n');
        for word in words[1..].iter().map(String::as_str).chain(["\u{1e}"]) {
            expected.extend_from_slice(word.as_bytes());
            expected.push(0);
        }
    }
    let mut child = Command::new(shell)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(script.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(output.stdout == expected, "{shell} read different arguments");
}

/// A machine with the files that the example names.
pub fn machine(home: &mut PathBuf) -> World {
    let mut world = World::new(containai::simulate::LINUX);
    home.clone_from(&world.computer.home);
    // The disk under `[vm.lima]`.
    let disk = ["disk", "create", "data", "--size", "1GiB"].map(str::to_owned);
    run(&mut world, "limactl", &Call { args: &disk, ..Call::default() }).unwrap();
    let compose = "services:\n  manager:\n    image: a\n";
    let example = include_str!("../../../examples/every-option.toml");
    for name in example.split('"').filter_map(|quoted| quoted.strip_prefix("./")) {
        let text = if name.contains("compose") { compose } else { "{}" };
        world.files.insert(home.join("team").join(name), text.to_owned());
    }
    world
}

/// Makes the paths in a file absolute, as `cai` does.
pub fn located(config: Config, home: &Path) -> Config {
    config.located(&home.join("team"), Some(home))
}
