//! The output of cai's probe script. The script is parsed: each line `section NAME COMMAND…` runs
//! as a command of the guest. A new line in the script therefore takes effect here, and a line with
//! an unsupported command fails.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Caller, DOCKER_SERVICE, Guest, shell};
use crate::simulate::reply::Reply;

/// The parsed script.
#[derive(Default)]
struct ProbeScript<'a> {
    /// The arguments, `${1}` first.
    arguments: &'a [String],
    /// The variables with a fixed value.
    variables: Vec<(&'a str, &'a str)>,
    /// The lines of each function.
    functions: BTreeMap<&'a str, Vec<&'a str>>,
    /// The lines outside functions.
    main: Vec<&'a str>,
}

/// Whether `sh` was started to run the probe script.
pub(super) fn is_probe(name: &str, words: &[String], caller: Caller<'_>) -> bool {
    let reads = matches!(words, [flag, dashes, _, ..] if flag == "-s" && dashes == "--");
    name == "sh" && reads && !caller.root && caller.script().contains(" section ")
}

pub(super) fn print(guest: &mut Guest, words: &[String], caller: Caller<'_>) -> Reply {
    let arguments = words.get(2..).unwrap_or_default();
    let mark = arguments.first().map(String::as_str).unwrap_or_default();
    let script = ProbeScript { arguments, ..ProbeScript::read(caller.script()) };
    let mut reply = Reply::done();
    // Whether the current line runs. It does unless it is in the other branch of `if active`.
    let mut runs = true;
    for line in &script.main {
        match line.trim() {
            "if active; then" => runs = guest.is_active(DOCKER_SERVICE),
            "else" => runs = !runs,
            "fi" => runs = true,
            line if runs => {
                for words in script.sections(line) {
                    let [_, name, command @ ..] = words.as_slice() else { continue };
                    let answer = shell::run_words(guest, command, Caller { stdin: None, ..caller });
                    // Writing to a string cannot fail.
                    let _ = writeln!(
                        reply.stdout,
                        "@{mark} {name}\n{}{}\n@{mark} = {}",
                        answer.stdout, answer.stderr, answer.code
                    );
                }
            }
            _ => {}
        }
    }
    let _ = writeln!(reply.stdout, "@{mark} end");
    reply
}

impl<'a> ProbeScript<'a> {
    fn read(text: &'a str) -> Self {
        let mut script = Self::default();
        let mut function = None;
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            if let Some(name) = function {
                match line {
                    "}" => function = None,
                    line => script.functions.entry(name).or_default().push(line),
                }
            } else if let Some(name) = line.strip_suffix("() {") {
                function = Some(name);
            } else {
                match line.split_once('=') {
                    Some((name, value)) if !name.contains(' ') && value.starts_with('/') => {
                        script.variables.push((name, value));
                    }
                    _ => script.main.push(line),
                }
            }
        }
        script
    }

    /// The sections in the functions that a line calls, split into words. The text between the
    /// calls affects only the order of the output.
    fn sections(&self, line: &str) -> Vec<Vec<String>> {
        let calls = line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let functions = calls.filter_map(|name| self.functions.get(name));
        let mut sections = Vec::new();
        for function in functions {
            let mut lines = function.iter();
            while let Some(line) = lines.next() {
                if line.trim().starts_with("section ") {
                    sections.push(self.command(line.trim(), &mut lines));
                }
            }
        }
        sections
    }

    /// The words of a command that may span several lines.
    fn command<'b>(&self, first: &str, rest: &mut impl Iterator<Item = &'b &'a str>) -> Vec<String>
    where
        'a: 'b,
    {
        let (mut text, mut line, mut is_quoted) = (first.to_owned(), first, false);
        loop {
            is_quoted ^= line.matches('\'').count() % 2 == 1;
            let continues = !is_quoted && text.ends_with('\\');
            if !is_quoted
                && !continues
                && let Some(words) = shlex::split(&text)
            {
                return words.into_iter().map(|word| self.expand(word)).collect();
            }
            let Some(next) = rest.next() else { return Vec::new() };
            line = next;
            if continues {
                text.pop();
            } else {
                text.push('\n');
            }
            text.push_str(line);
        }
    }

    fn expand(&self, word: String) -> String {
        let Some((start, rest)) = word.split_once('$') else { return word };
        let place = word.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')?.parse().ok());
        if let Some(place) = place.and_then(|place: usize| place.checked_sub(1)) {
            return self.arguments.get(place).cloned().unwrap_or_default();
        }
        let mut expanded = start.to_owned();
        for text in rest.split('$') {
            let is_it = |(name, _): &&(&str, &str)| text.starts_with(name);
            match self.variables.iter().find(is_it) {
                Some((name, value)) => expanded.extend([value, &text[name.len()..]]),
                None => expanded.extend(["$", text]),
            }
        }
        expanded
    }
}
