//! The log on stderr, in logrus's text form.
use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use super::quote;

pub(super) fn info(message: &str) {
    line("info", message, &[]);
}

pub(super) fn warning(message: &str) {
    line("warning", message, &[]);
}

pub(super) fn error(message: &str) {
    line("error", message, &[]);
}

pub(super) fn fatal(message: &str) {
    line("fatal", message, &[]);
}

/// Writes one line; `fields` follow the message.
pub(super) fn line(level: &str, message: &str, fields: &[(&str, &str)]) {
    let mut text = format!("time=\"{}\" level={level} msg={}", now(), value(message));
    for (name, content) in fields {
        let _ = write!(text, " {name}={}", value(content));
    }
    eprintln!("{text}");
}

/// Quotes as logrus does: only what is not plain.
fn value(text: &str) -> String {
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "-._/@^+".contains(c));
    if plain { text.to_owned() } else { quote::go(text) }
}

/// The time in UTC, to the second.
pub(super) fn now() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_secs());
    let (year, month, day) = date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// The Gregorian date of a day after 1970-01-01, counting years from March so that the leap day
/// is the last one.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}
