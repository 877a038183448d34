//! Flags and arguments, read as the original's flag library reads them.
use std::time::Duration;

use super::{Result, unknown};

/// A flag of one command.
pub(super) struct Flag {
    name: &'static str,
    short: Option<char>,
    takes_value: bool,
}

impl Flag {
    pub(super) const fn switch(name: &'static str) -> Self {
        Self { name, short: None, takes_value: false }
    }

    pub(super) const fn short(name: &'static str, short: char) -> Self {
        Self { name, short: Some(short), takes_value: false }
    }

    pub(super) const fn long(name: &'static str) -> Self {
        Self { name, short: None, takes_value: true }
    }

    pub(super) const fn value(name: &'static str, short: char) -> Self {
        Self { name, short: Some(short), takes_value: true }
    }
}

/// Accepted anywhere before the end of the flags, by every command.
const GLOBAL: [Flag; 5] = [
    Flag::switch("tty"),
    Flag::switch("debug"),
    Flag::short("yes", 'y'),
    Flag::long("log-level"),
    Flag::long("log-format"),
];

/// A command and what follows it, with the global flags before it moved behind.
pub(super) struct Invocation {
    pub(super) command: String,
    pub(super) arguments: Vec<String>,
}

impl Invocation {
    pub(super) fn split(arguments: Vec<String>) -> Result<Self> {
        let mut before = Vec::new();
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            if !argument.starts_with('-') {
                before.extend(arguments);
                return Ok(Self { command: argument, arguments: before });
            }
            let separate_value = matches!(argument.as_str(), "--log-level" | "--log-format");
            before.push(argument);
            if separate_value {
                before.extend(arguments.next());
            }
        }
        Err(unknown("what to do without a command"))
    }
}

/// What was given on one command line.
#[derive(Default)]
pub(super) struct Parsed {
    values: Vec<(&'static str, String)>,
    pub(super) positional: Vec<String>,
}

impl Parsed {
    pub(super) fn has(&self, name: &str) -> bool {
        self.value(name).is_some_and(|value| value != "false")
    }

    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.all(name).last()
    }

    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.values.iter().filter(move |(given, _)| *given == name).map(|(_, value)| value.as_str())
    }

    /// The one positional argument of a command that takes exactly one.
    pub(super) fn only(&self) -> Result<&str> {
        match self.positional.as_slice() {
            [only] => Ok(only),
            other => Err(format!("accepts 1 arg(s), received {}", other.len())),
        }
    }
}

/// Parses a command whose flags may stand anywhere.
pub(super) fn parse(command: &str, flags: &[Flag], arguments: Vec<String>) -> Result<Parsed> {
    read(command, flags, arguments, true)
}

/// Parses a command that hands on everything behind its first positional argument.
pub(super) fn parse_until_positional(
    command: &str,
    flags: &[Flag],
    arguments: Vec<String>,
) -> Result<Parsed> {
    read(command, flags, arguments, false)
}

fn read(
    command: &str,
    flags: &[Flag],
    arguments: Vec<String>,
    interspersed: bool,
) -> Result<Parsed> {
    let mut parsed = Parsed::default();
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        if argument == "--" {
            parsed.positional.extend(arguments);
            break;
        }
        if !argument.starts_with('-') || argument == "-" {
            parsed.positional.push(argument);
            if !interspersed {
                parsed.positional.extend(arguments);
                break;
            }
            continue;
        }
        let (written, inline) = match argument.split_once('=') {
            Some((written, value)) => (written, Some(value.to_owned())),
            None => (argument.as_str(), None),
        };
        let flag = flags
            .iter()
            .chain(&GLOBAL)
            .find(|flag| match written.strip_prefix("--") {
                Some(name) => flag.name == name,
                None => flag.short.is_some_and(|short| written == format!("-{short}")),
            })
            .ok_or_else(|| unknown(&format!("the flag `{written}` of `{command}`")))?;
        let value = match (inline, flag.takes_value) {
            (Some(value), _) => value,
            (None, false) => "true".to_owned(),
            (None, true) => {
                arguments.next().ok_or_else(|| format!("flag needs an argument: {written}"))?
            }
        };
        parsed.values.push((flag.name, value));
    }
    match parsed.value("log-format") {
        Some(format) if format != "text" => Err(unknown(&format!("the log format `{format}`"))),
        _ => Ok(parsed),
    }
}

/// Reads a duration in Go's form, such as `10m` or `1h30m`.
pub(super) fn duration(text: &str) -> Result<Duration> {
    let invalid = || format!("invalid argument {text:?}: time: invalid duration {text:?}");
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(invalid)?;
        let number: f64 = rest[..digits].parse().map_err(|_| invalid())?;
        rest = &rest[digits..];
        let unit = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let seconds = match &rest[..unit] {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 0.001,
            _ => return Err(invalid()),
        };
        total += Duration::try_from_secs_f64(number * seconds).map_err(|_| invalid())?;
        rest = &rest[unit..];
    }
    Ok(total)
}
