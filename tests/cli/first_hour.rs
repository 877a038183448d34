//! The first hour of a new user with the README alone, on a terminal of 80 columns and a simulated host.
//! The transcript is reviewed as a text.

use std::path::Path;

use crate::support::sandbox::{Ran, Sandbox};
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![the_first_hour_is_as_its_transcript_says]
}

/// Without spinners, which redraw their lines.
const VARIABLES: [(&str, &str); 2] = [("CAI_SIMULATE", "world"), ("TERM", "dumb")];

/// The commands, with what the user types when a question appears.
const HOUR: [(&str, &[(&str, &str)]); 17] = [
    (
        "init",
        &[
            ("Name of the VM", "agents"),
            ("CPUs", "2"),
            ("Memory", "4GiB"),
            ("Directory", "project"),
        ],
    ),
    ("plan", &[]),
    ("apply", &[("is accepted:", "yes")]),
    ("shell -- docker run -d --name manager registry", &[]),
    ("plan", &[]),
    ("simulate break group", &[]),
    ("doctor", &[]),
    ("doctor --fix", &[("is accepted:", "yes")]),
    ("status", &[]),
    ("list", &[]),
    ("shell -- id", &[]),
    ("env", &[]),
    ("watch", &[]),
    ("stop", &[("is accepted:", "no")]),
    ("restart", &[("is accepted:", "yes")]),
    ("destroy", &[("to destroy it:", "agents")]),
    ("list", &[]),
];

fn the_first_hour_is_as_its_transcript_says() {
    let sandbox = Sandbox::new();
    sandbox.directory("home/project");
    let mut transcript = String::new();
    for (command, typed) in HOUR {
        let words: Vec<&str> = command.split(' ').collect();
        let mut session = sandbox.start_on_terminal(&words, &VARIABLES);
        for (question, answer) in typed {
            session.see(question);
            session.answer(answer);
        }
        let Ran { stdout, stderr, .. } = session.end();
        transcript.extend(["$ cai ", command, "\n", &stdout, &stderr]);
        if !transcript.ends_with('\n') {
            transcript.push('\n');
        }
    }
    let transcript = redacted(&transcript, &sandbox);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/first_hour.txt");
    if std::env::var_os("CAI_UPDATE_TRANSCRIPT").is_some_and(|value| value == "1") {
        std::fs::write(&path, &transcript).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let hint =
        "read the new one, then run: CAI_UPDATE_TRANSCRIPT=1 cargo test --test main first_hour";
    assert!(kept == transcript, "the first hour differs from its transcript; {hint}\n{transcript}");
}

/// Without the time and the order of steps, and with the same home everywhere.
fn redacted(text: &str, sandbox: &Sandbox) -> String {
    let home = sandbox.home().display().to_string();
    let text = text.replace(&home, "/home/dev").replace('\r', "");
    let lines = text.lines().map(|line| match line.split_once(' ') {
        Some((date, rest)) if humantime::parse_rfc3339(date).is_ok() => format!("DATE {rest}\n"),
        _ => format!("{line}\n"),
    });
    with_steps_in_order(&lines.collect::<String>())
}

/// A text in which steps have no times, and those that follow each other are in alphabetical order:
/// independent resources are changed at the same time.
pub fn with_steps_in_order(text: &str) -> String {
    let mut lines: Vec<String> = text.lines().map(|line| without_times(line) + "\n").collect();
    let is_step = |line: &String| line.contains(" ... done");
    let resource = |line: &String| line.split(':').next().unwrap_or_default().to_owned();
    lines.chunk_by_mut(|one, next| is_step(one) == is_step(next)).for_each(|chunk| {
        if chunk.first().is_some_and(is_step) {
            chunk.sort_by_key(resource);
        }
    });
    lines.concat()
}

/// The line with `(N s)` for each time.
fn without_times(line: &str) -> String {
    let is_number =
        |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || c == '.');
    let mut shown = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('(') {
        shown += before;
        match after.split_once(" s)") {
            Some((number, after)) if is_number(number) => {
                shown += "(N s)";
                rest = after;
            }
            _ => {
                shown.push('(');
                rest = after;
            }
        }
    }
    shown + rest
}
