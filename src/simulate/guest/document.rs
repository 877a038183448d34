//! The document that cai's probe script prints. The script itself is read: each of its lines
//! `section NAME COMMAND…` is run like any other command of the guest, so that a line that is new
//! in the script shows here, and one with a command that this guest does not know fails.

use std::fmt::Write as _;

use super::{Caller, DOCKER_SERVICE, Guest, shell};
use crate::simulate::reply::Reply;

/// Whether `sh` was started to read the probe script.
pub(super) fn is_probe(name: &str, words: &[String], caller: Caller<'_>) -> bool {
    let reads = matches!(words, [flag, dashes, _] if flag == "-s" && dashes == "--");
    name == "sh" && reads && !caller.root && caller.script().contains("\nsection ")
}

pub(super) fn print(guest: &mut Guest, words: &[String], caller: Caller<'_>) -> Reply {
    let mark = words.last().map(String::as_str).unwrap_or_default();
    let script = caller.script();
    let mut reply = Reply::done();
    // Whether the lines at this point are run: all, or one branch of `if active`.
    let mut runs = true;
    let mut lines = script.lines();
    while let Some(line) = lines.next() {
        match line.trim() {
            "if active; then" => runs = guest.is_active(DOCKER_SERVICE),
            "else" => runs = !runs,
            "fi" => runs = true,
            line if line.starts_with("section ") && runs => {
                let words = command(line, &mut lines);
                let [_, name, command @ ..] = words.as_slice() else { continue };
                let answer = shell::run_words(guest, command, Caller { stdin: None, ..caller });
                // Writing to a string cannot fail.
                let _ = writeln!(
                    reply.stdout,
                    "@{mark} {name}\n{}{}\n@{mark} = {}",
                    answer.stdout, answer.stderr, answer.code
                );
            }
            _ => {}
        }
    }
    let _ = writeln!(reply.stdout, "@{mark} end");
    reply
}

/// The words of a command that may go on over several lines.
fn command<'a>(first: &str, rest: &mut impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut text = first.to_owned();
    loop {
        let continued = text.strip_suffix('\\').map(str::to_owned);
        if let (None, Some(words)) = (&continued, shlex::split(&text)) {
            return words
                .into_iter()
                .map(|word| word.replace("$socket", "/var/run/docker.sock"))
                .collect();
        }
        let Some(next) = rest.next() else { return Vec::new() };
        text = continued.unwrap_or(text + "\n") + next;
    }
}
