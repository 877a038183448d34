//! `limactl`'s messages on standard error, in logrus's text format (`FACTS.md`, "States").

use std::fmt::Write as _;
use std::time::{Duration, UNIX_EPOCH};

/// The last second of the year 9999, the last year with four digits.
const LAST: u64 = 253_402_300_799;

/// The log of one command.
#[derive(Debug, Default)]
pub(super) struct Log {
    clock: u64,
    pub(super) text: String,
}

impl Log {
    pub(super) fn at(clock: u64) -> Self {
        Self { clock, text: String::new() }
    }

    pub(super) fn info(&mut self, message: &str) {
        self.line("info", message, None);
    }

    pub(super) fn warning(&mut self, message: &str) {
        self.line("warning", message, None);
    }

    pub(super) fn fatal(&mut self, message: &str) {
        self.line("fatal", message, None);
    }

    /// Logs a line, optionally with a field after the message.
    pub(super) fn line(&mut self, level: &str, message: &str, field: Option<(&str, &str)>) {
        self.text += &line(self.clock, level, message, field.as_slice());
    }
}

/// A line with these fields after the message.
pub fn line(clock: u64, level: &str, message: &str, fields: &[(&str, &str)]) -> String {
    let mut text = format!("time=\"{}\" level={level} msg={}", timestamp(clock), value(message));
    for (name, content) in fields {
        // Writing to a string cannot fail.
        let _ = write!(text, " {name}={}", value(content));
    }
    text + "\n"
}

/// Quotes a value as logrus does, only if it has other than plain characters.
fn value(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._/@^+".contains(c);
    if !text.is_empty() && text.chars().all(plain) { text.to_owned() } else { go(text) }
}

/// Quotes a value as Go's `%q` does.
pub fn go(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            c if c.is_control() && !"\n\r\t".contains(c) => {
                // Writing to a string cannot fail.
                let _ = write!(quoted, "\\x{:02x}", u32::from(c));
            }
            '\'' => quoted.push(c),
            c => quoted.extend(c.escape_debug()),
        }
    }
    quoted + "\""
}

/// A UTC time in RFC 3339 format, in seconds.
pub fn timestamp(clock: u64) -> String {
    let time = UNIX_EPOCH + Duration::from_secs(clock.min(LAST));
    humantime::format_rfc3339_seconds(time).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_looks_like_limas() {
        let mut log = Log::at(1_795_227_696);
        log.fatal("instance `a` is stopped");
        assert_eq!(
            log.text,
            "time=\"2026-11-21T02:21:36Z\" level=fatal msg=\"instance `a` is stopped\"\n"
        );
        assert_eq!(timestamp(951_782_400), "2000-02-29T00:00:00Z");
    }
}
