//! Output of tools and of a guest that could control a terminal. It is shown without that effect.

use super::judge::is_harmless;
use crate::cli::fake;
use crate::support::sandbox::Sandbox;
use crate::support::tally::HOSTILE;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        nothing_that_a_tool_says_drives_the_terminal,
        nothing_that_a_guest_says_drives_the_terminal,
        nothing_that_a_context_says_drives_the_terminal,
    ]
}

/// A window title, two ways to clear the screen, and text in the other direction.
const SAID: &str = "\u{1b}]0;pwned\u{7}\u{1b}[2J\u{9b}2J\u{202e}sdrawkcab\r\u{feff}";
/// The same text for a shell's `printf` and for JSON.
const PRINTF: &str = r"\033]0;pwned\007\033[2J\302\2332J\342\200\256sdrawkcab\r\357\273\277";
const JSON: &str = r"\u001b]0;pwned\u0007\u001b[2J\u009b2J\u202esdrawkcab\r\ufeff";

const COMMANDS: [&[&str]; 9] = [
    &["plan"],
    &["plan", "--json"],
    &["plan", "--color=always"],
    &["apply", "--yes", "--verbose"],
    &["apply", "--yes", "--json"],
    &["doctor"],
    &["doctor", "--json"],
    &["status"],
    &["destroy", "--allow-destroy", "containai-secure"],
];

/// Runs every command and checks that at least one of them shows the text.
fn shows_without_harm(sandbox: &Sandbox, what: &str) {
    let mut shown = false;
    for command in COMMANDS {
        HOSTILE.case(|| {
            let ran = sandbox.cai(command);
            is_harmless(&ran.stdout, &format!("{what}, {command:?}: standard output"));
            is_harmless(&ran.stderr, &format!("{what}, {command:?}: standard error"));
            shown |= format!("{}{}", ran.stdout, ran.stderr).contains("sdrawkcab");
        });
    }
    assert!(shown, "{what} was never shown, so the test checked nothing");
}

fn nothing_that_a_tool_says_drives_the_terminal() {
    let says = format!("printf '{PRINTF}\\n'; printf '{PRINTF}\\n' >&2");
    let programs = [
        ("a version", format!("{says}\n")),
        ("a failure", format!("{says}; exit 7\n")),
        ("a list", fake::limactl_that(&says, "exit 7")),
        ("a create that fails", fake::limactl("", &format!("{says}; exit 7"))),
    ];
    for (what, script) in programs {
        let sandbox = fake::fresh();
        sandbox.fake_program("limactl", &script);
        shows_without_harm(&sandbox, what);
    }
    let sandbox = fake::engine();
    let listed = fake::listed(&sandbox, &format!("Running{JSON}"));
    sandbox.fake_program("limactl", &fake::limactl(&listed, "exit 7"));
    shows_without_harm(&sandbox, "a status");
}

fn nothing_that_a_guest_says_drives_the_terminal() {
    let engine = |ssh: &str| {
        let sandbox = fake::engine();
        sandbox.fake_program("ssh", ssh);
        sandbox
    };
    let failing = format!("printf '{PRINTF}\\n'; printf '{PRINTF}\\n' >&2; exit 3\n");
    shows_without_harm(&engine(&failing), "an ssh that fails");
    for (what, from, to) in [
        ("a user", "section user dev", format!("section user 'dev{SAID}'")),
        ("a session", "'1001 999'", format!("'1001 {SAID}'\nsection arch '{SAID}'")),
        ("daemon.json", "'{\"live-restore\": true}'", format!("'{{\"{JSON}\": true, {SAID}'")),
        (
            "a log",
            "ActiveState=active",
            format!("ActiveState=failed{SAID}'\nsection daemon_log '{SAID}"),
        ),
        (
            "what failed",
            "section cpus 2",
            format!("section provision_failed 1\nsection provision_log '{SAID}'"),
        ),
    ] {
        let ssh = fake::SSH.replace(from, &to);
        assert_ne!(ssh, fake::SSH, "{what}");
        let sandbox = engine(&ssh);
        let mut shown = String::new();
        for command in COMMANDS {
            HOSTILE.case(|| {
                let ran = sandbox.cai(command);
                is_harmless(&ran.stdout, &format!("{what}, {command:?}: standard output"));
                is_harmless(&ran.stderr, &format!("{what}, {command:?}: standard error"));
                shown += &ran.stdout;
            });
        }
        assert!(!shown.is_empty(), "{what}");
    }
}

fn nothing_that_a_context_says_drives_the_terminal() {
    let sandbox = fake::engine();
    let endpoint = "host=unix:///nosuch/a.sock";
    let create = ["docker", "context", "create", "containai-secure", "--docker", endpoint];
    sandbox
        .run(&[&create[..], &["--description", &format!("{SAID}, managed by cai")]].concat())
        .success();
    shows_without_harm(&sandbox, "a context");
}
