//! Flags and arguments, parsed as by Lima's flag library.
use std::time::Duration;

use containai::simulate::Arguments;

use super::{Result, unknown};

/// Flags that every command accepts, before and after its name.
const GLOBAL: [&str; 5] = ["--tty", "--debug", "-y --yes", "--log-level=", "--log-format="];

/// The command, and the rest of the command line.
pub(super) fn split(arguments: &[String]) -> Result<(&str, Vec<String>)> {
    let words = Arguments::parse(arguments, &GLOBAL, true).map_err(|what| unknown(&what))?.words;
    let (before, rest) = arguments.split_at(arguments.len() - words.len());
    match rest.split_first() {
        Some((command, rest)) => Ok((command, [before, rest].concat())),
        None => Err(unknown("what to do without a command")),
    }
}

/// Parses the arguments of a command.
pub(super) fn parse(command: &str, flags: &[&str], arguments: &[String]) -> Result<Arguments> {
    let flags = [flags, &GLOBAL].concat();
    let parsed = Arguments::parse(arguments, &flags, command == "shell")
        .map_err(|what| unknown(&format!("{what} of `{command}`")))?;
    match parsed.value("--log-format") {
        Some(format) if format != "text" => Err(unknown(&format!("the log format `{format}`"))),
        _ => Ok(parsed),
    }
}

/// Parses a duration in Go's format, such as `10m` or `1h30m`.
pub(super) fn duration(text: &str) -> Result<Duration> {
    humantime::parse_duration(text)
        .map_err(|_| format!("invalid argument {text:?}: time: invalid duration {text:?}"))
}
