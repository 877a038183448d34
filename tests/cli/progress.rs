//! What is told while a plan is carried out: drawn on a terminal, whole lines elsewhere.

use anstream::adapter::strip_str;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use super::fake;
use crate::support::sandbox::Sandbox;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        on_a_terminal_what_runs_is_drawn_and_taken_away,
        on_a_terminal_without_colours_it_is_drawn_all_the_same,
        on_a_terminal_that_cannot_draw_there_are_only_lines,
        what_is_drawn_says_that_it_is_simulated,
        what_follows_an_answer_says_that_it_is_simulated,
        elsewhere_there_are_only_whole_lines,
        elsewhere_a_step_that_takes_long_is_recalled,
    ]
}

const APPLY: [&str; 2] = ["apply", "--yes"];
const TERM: (&str, &str) = ("TERM", "xterm-256color");

/// A `limactl` that says something, and then does nothing until somebody writes to the gate.
fn slow() -> Sandbox {
    let sandbox = fake::fresh();
    let gate = sandbox.path("home/gate");
    nix::unistd::mkfifo(&gate, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let says = r#"time="2026-11-21T02:21:36Z" level=info msg="[hostagent] \"仮想マシン\" 10 %""#;
    let script = format!("echo '{says}' >&2; read _ <\"$HOME/gate\"; exit 7");
    sandbox.fake_program("limactl", &fake::limactl("", &script));
    sandbox
}

fn open_gate(sandbox: &Sandbox) {
    std::fs::write(sandbox.path("home/gate"), "\n").unwrap();
}

fn is_drawn(text: &str) -> bool {
    text.contains(|character| ('\u{2800}'..='\u{28ff}').contains(&character))
}

fn on_a_terminal_what_runs_is_drawn_and_taken_away() {
    let sandbox = slow();
    let mut session = sandbox.start_on_terminal(&APPLY, &[TERM]);
    let line = session.see("10 %");
    assert!(is_drawn(&line), "{line:?}");
    assert!(line.contains("vm.containai-secure: create the VM ("), "{line:?}");
    assert!(line.ends_with(" s)  [hostagent] \"仮想マシン\" 10 %"), "{line:?}");
    open_gate(&sandbox);
    let ran = session.end();
    ran.fails_with(1);
    let screen = session.screen().contents();
    assert!(!is_drawn(&screen), "{screen}");
    assert!(
        screen.contains("\nvm.containai-secure: create the VM ... failed\nerror: "),
        "{screen}"
    );
    assert!(!session.screen().hide_cursor());
    assert!(ran.stderr.contains("\u{1b}[1mvm.containai-secure\u{1b}[0m: create"), "{ran}");
}

fn on_a_terminal_without_colours_it_is_drawn_all_the_same() {
    for arguments in [&["--color=never", "apply", "--yes"][..], &APPLY] {
        let sandbox = slow();
        let mut session = sandbox.start_on_terminal(arguments, &[TERM, ("NO_COLOR", "1")]);
        assert!(is_drawn(&session.see("10 %")));
        open_gate(&sandbox);
        let ran = session.end();
        let is_style = |code: &str| {
            let parameters = code.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
            parameters.starts_with('m')
        };
        assert!(!ran.stderr.split("\u{1b}[").skip(1).any(is_style), "{ran}");
    }
}

fn on_a_terminal_that_cannot_draw_there_are_only_lines() {
    for arguments in [&["apply", "--yes"][..], &["-v", "apply", "--yes"]] {
        let sandbox = slow();
        let term = if arguments.len() == 2 { "dumb" } else { TERM.1 };
        let mut session = sandbox.start_on_terminal(arguments, &[("TERM", term)]);
        open_gate(&sandbox);
        let ran = session.end();
        assert!(!is_drawn(&ran.stderr) && !ran.stderr.contains('\r'), "{ran}");
        assert!(session.screen().contents().contains("create the VM ... failed\n"), "{ran}");
    }
}

/// A home with a file for a simulated host.
fn simulated() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("home/containai.toml", "version = 1\n");
    sandbox
}

fn what_is_drawn_says_that_it_is_simulated() {
    let sandbox = simulated();
    let arguments = ["--simulate=world", "apply", "--yes"];
    let mut session = sandbox.start_on_terminal(&arguments, &[TERM]);
    let ran = session.end();
    ran.success();
    assert!(is_drawn(&ran.stderr), "{ran}");
    said_to_be_simulated(&strip_str(&ran.stderr).to_string());
}

fn what_follows_an_answer_says_that_it_is_simulated() {
    let sandbox = simulated();
    let mut session = sandbox.start_on_terminal(&["--simulate=world", "apply"], &[]);
    session.see("is accepted:");
    session.answer("yes");
    let ran = session.end();
    ran.success();
    said_to_be_simulated(&ran.stderr);
}

/// The header, the summary of the plan, and that of the apply.
fn said_to_be_simulated(text: &str) {
    for start in ["containai-secure · ", "Plan: ", "Apply complete: "] {
        assert!(text.contains(&format!("[simulated] {start}")), "{start}: {text}");
    }
}

fn elsewhere_there_are_only_whole_lines() {
    let ran = fake::engine().cai(&APPLY);
    ran.success();
    let stderr = ran.stderr.as_str();
    assert!(!stderr.contains(['\r', '\u{1b}']) && stderr.ends_with('\n'), "{ran}");
    let step = "context.containai-secure: create the Docker context containai-secure ... done (";
    assert_eq!(stderr.lines().filter(|line| line.starts_with(step)).count(), 1, "{ran}");
}

fn elsewhere_a_step_that_takes_long_is_recalled() {
    let sandbox = slow();
    let mut command = sandbox.command(&["cai", "apply", "--yes"]);
    let mut child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let recalled = lines.find(|line| line.contains("still running")).unwrap();
    assert!(recalled.starts_with("vm.containai-secure: create the VM ... still running after 5"));
    assert!(recalled.ends_with(": [hostagent] \"仮想マシン\" 10 %"), "{recalled:?}");
    open_gate(&sandbox);
    assert_eq!(lines.next().unwrap(), "vm.containai-secure: create the VM ... failed");
    lines.for_each(drop);
    assert_eq!(child.wait().unwrap().code(), Some(1));
}
