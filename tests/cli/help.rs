//! `cai help`: the help of commands, and topics.

use containai::model::daemon_key::{DAEMON_KEYS, Effect};

use super::fake;
use crate::support::sandbox::Sandbox;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        help_of_a_command_is_that_of_its_option,
        help_lists_every_topic_and_prints_it,
        an_unknown_topic_names_the_topics_and_commands,
        the_topic_of_exit_codes_names_them,
        the_topic_of_daemon_json_says_how_each_key_takes_effect,
        every_promise_of_the_topic_names_tests,
        what_the_topics_say_to_run_exists,
        the_topic_of_variables_has_those_that_are_read,
    ]
}

/// The names of the topics, from the help.
fn topics(sandbox: &Sandbox) -> Vec<String> {
    let help = sandbox.cai(&["help"]);
    let list = help.success().split_once("Topics of `cai help`:\n").unwrap().1;
    let list = list.split("\n\n").next().unwrap();
    list.lines().map(|line| line.split_whitespace().next().unwrap().to_owned()).collect()
}

fn topic(name: &str) -> String {
    Sandbox::new().cai(&["help", name]).success().to_owned()
}

fn help_of_a_command_is_that_of_its_option() {
    let sandbox = Sandbox::new();
    for words in [&[][..], &["plan"], &["man"], &["simulate", "break"], &["help"]] {
        let help = sandbox.cai(&[&["help"], words].concat());
        let option = sandbox.cai(&[words, &["--help"]].concat());
        assert_eq!(help.success(), option.success());
    }
}

fn help_lists_every_topic_and_prints_it() {
    let sandbox = Sandbox::new();
    let topics = topics(&sandbox);
    assert!(topics.len() >= 9, "{topics:?}");
    let help = sandbox.cai(&["help"]).stdout;
    for name in &topics {
        let shown = sandbox.cai(&["help", name]);
        let title = help.lines().find_map(|line| line.trim().strip_prefix(name.as_str()));
        let title = title.unwrap().trim();
        assert!(shown.success().lines().any(|line| line == title), "{shown}");
        // A command of that name has its help first.
        let command = super::COMMANDS.contains(&name.as_str());
        assert_eq!(shown.stdout.contains("Usage:"), command, "{shown}");
    }
    sandbox.cai(&["--json", "help"]).fails_with(64);
}

fn an_unknown_topic_names_the_topics_and_commands() {
    let sandbox = Sandbox::new();
    for words in [&["NOPE"][..], &["simulate", "NOPE"], &["plan", "groups"]] {
        let ran = sandbox.cai(&[&["help"], words].concat());
        let wrong = format!("`{}` is neither a command nor a topic", words.join(" "));
        let told = ran.fails_with(64);
        assert!(told.contains(&wrong), "{ran}");
        for name in topics(&sandbox).iter().map(String::as_str).chain(super::COMMANDS) {
            assert!(told.contains(name), "{name:?} is missing: {ran}");
        }
        assert_eq!(ran.stdout, "");
    }
}

fn the_topic_of_exit_codes_names_them() {
    let codes = topic("exit-codes");
    for (code, meaning) in [
        ("0", "success"),
        ("1", "failure"),
        ("2", "the plan"),
        ("3", "the file"),
        ("4", "refused"),
        ("5", "the VM is locked"),
        ("6", "the saved plan"),
        ("64", "invalid command line"),
        ("130", "interrupted"),
        ("141", "the reader closed"),
    ] {
        let mut lines = codes.lines().filter_map(|line| line.trim().strip_prefix(code));
        assert!(lines.any(|rest| rest.trim().starts_with(meaning)), "{code}: {codes}");
    }
}

fn the_topic_of_daemon_json_says_how_each_key_takes_effect() {
    let topic = topic("daemon");
    for (effect, heading) in [
        (Effect::Reload, "\nTake effect by a reload; no container stops:\n\n"),
        (
            Effect::HidesData,
            "\nTake effect by a restart of dockerd, and hide the data of the old store:\n\n",
        ),
        (Effect::Restart, "\nTake effect by a restart of dockerd:\n\n"),
    ] {
        let list = topic.split_once(heading).unwrap().1.split("\n\n").next().unwrap();
        let listed: Vec<&str> = list.split(',').map(str::trim).collect();
        let keys = DAEMON_KEYS.iter().filter(|key| key.effect == effect);
        let mut names: Vec<&str> = keys.map(|key| key.name).collect();
        if effect == Effect::HidesData {
            names.push("features.containerd-snapshotter");
        }
        assert_eq!(listed, names);
    }
}

fn every_promise_of_the_topic_names_tests() {
    let topic = topic("security");
    let section = topic.split("\nPromises. ").nth(1).unwrap();
    let trials = crate::trials();
    let mut promises = section.split("\n- ").skip(1).peekable();
    assert!(promises.peek().is_some());
    for promise in promises {
        let named = promise.split('`').skip(1).step_by(2).filter(|word| word.contains("::"));
        let mut named = named.peekable();
        assert!(named.peek().is_some(), "this promise names no test: {promise}");
        for name in named {
            let is_trial = trials.iter().any(|trial| trial.name().starts_with(name));
            assert!(is_trial || is_unit_test(name), "the test {name} does not exist");
        }
    }
}

/// Whether the library has such a test, in the module of that path.
fn is_unit_test(name: &str) -> bool {
    let Some((module, function)) = name.rsplit_once("::") else { return false };
    let file = super::documents::root().join("src").join(module.replace("::", "/"));
    let text = std::fs::read_to_string(file.with_extension("rs")).unwrap_or_default();
    text.contains(&format!("#[test]\nfn {function}()"))
}

/// Each `cai …` in a topic is a command, a topic or an option that exists.
fn what_the_topics_say_to_run_exists() {
    let sandbox = fake::fresh();
    let topics = topics(&sandbox);
    let mut named = 0;
    for topic in &topics {
        let text = sandbox.cai(&["help", topic]).stdout;
        let quoted = text
            .split('`')
            .skip(1)
            .step_by(2)
            .map(|quoted| quoted.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        for words in quoted.filter(|words| words.first().is_some_and(|word| word == "cai")) {
            let words: Vec<&str> = words[1..].iter().map(String::as_str).collect();
            named += 1;
            match words.as_slice() {
                ["help", topic @ ..] => {
                    sandbox.cai(&[&["help"], topic].concat()).success();
                }
                ["explain", "CODE"] | ["apply" | "show", "FILE"] | [] => {}
                [command, rest @ ..] => {
                    let help = sandbox.cai(&["help", command]);
                    for option in rest.iter().filter(|word| word.starts_with('-')) {
                        let option = option.split('=').next().unwrap();
                        assert!(help.success().contains(option), "cai {words:?}: {help}");
                    }
                    help.success();
                }
            }
        }
    }
    assert!(named > 20, "{named}");
}

/// Every variable that the source names where it reads one.
fn the_topic_of_variables_has_those_that_are_read() {
    let topic = topic("env");
    let mut found = 0;
    let mut directories = vec![super::documents::root().join("src")];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                // The simulated host reads the variables of its own world.
                directories.extend((!path.ends_with("simulate")).then_some(path));
                continue;
            }
            if path.extension().is_none_or(|extension| extension != "rs") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            let code: Vec<&str> = code.flat_map(str::split_whitespace).collect();
            let text = code.join(" ");
            for read in ["env(\"", "env = \"", "var_os(\"", "(probe, \""] {
                for rest in text.split(read).skip(1) {
                    let name = rest.split('"').next().unwrap();
                    let is_name = |byte: u8| byte.is_ascii_uppercase() || byte == b'_';
                    if name.is_empty() || !name.bytes().all(is_name) {
                        continue;
                    }
                    found += 1;
                    let entry = format!("\n  {name} ");
                    assert!(topic.contains(&entry), "{name} of {} is missing", path.display());
                }
            }
        }
    }
    assert!(found > 8, "{found}");
}
