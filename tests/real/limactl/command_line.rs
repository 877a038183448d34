//! Flags and arguments, read as the original's flag library reads them.
use std::time::Duration;

use containai::simulate::Arguments;

use super::{Result, unknown};

/// Accepted by every command, before its name and behind it.
const GLOBAL: [&str; 5] = ["--tty", "--debug", "-y --yes", "--log-level=", "--log-format="];

/// The command, and what else is on the command line.
pub(super) fn split(arguments: &[String]) -> Result<(&str, Vec<String>)> {
    let words = Arguments::parse(arguments, &GLOBAL, true).map_err(|what| unknown(&what))?.words;
    let (before, rest) = arguments.split_at(arguments.len() - words.len());
    match rest.split_first() {
        Some((command, rest)) => Ok((command, [before, rest].concat())),
        None => Err(unknown("what to do without a command")),
    }
}

/// Reads what a command was given.
pub(super) fn parse(command: &str, flags: &[&str], arguments: &[String]) -> Result<Arguments> {
    let flags = [flags, &GLOBAL].concat();
    let parsed = Arguments::parse(arguments, &flags, command == "shell")
        .map_err(|what| unknown(&format!("{what} of `{command}`")))?;
    match parsed.value("--log-format") {
        Some(format) if format != "text" => Err(unknown(&format!("the log format `{format}`"))),
        _ => Ok(parsed),
    }
}

/// Reads a duration in Go's form, such as `10m` or `1h30m`.
pub(super) fn duration(text: &str) -> Result<Duration> {
    humantime::parse_duration(text)
        .map_err(|_| format!("invalid argument {text:?}: time: invalid duration {text:?}"))
}
