//! What `limactl` says on standard error: logrus's text form (`FACTS.md`, "States").

use std::fmt::Write as _;

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

    /// A line with one more field behind the message.
    pub(super) fn line(&mut self, level: &str, message: &str, field: Option<(&str, &str)>) {
        self.text += &line(self.clock, level, message, field.as_slice());
    }
}

/// A line, with these fields behind the message.
pub fn line(clock: u64, level: &str, message: &str, fields: &[(&str, &str)]) -> String {
    let mut text = format!("time=\"{}\" level={level} msg={}", timestamp(clock), value(message));
    for (name, content) in fields {
        // Writing to a string cannot fail.
        let _ = write!(text, " {name}={}", value(content));
    }
    text + "\n"
}

/// Quoted as logrus does: only what is not plain.
fn value(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._/@^+".contains(c);
    if !text.is_empty() && text.chars().all(plain) { text.to_owned() } else { go(text) }
}

/// Quoted as Go's `%q` does.
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

/// A time in UTC, to the second, as RFC 3339 has it.
pub fn timestamp(clock: u64) -> String {
    let (days, second) = (clock / 86_400, clock % 86_400);
    // The Gregorian date, counting years from March so that the leap day is the last one.
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era * 400 + year + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
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
