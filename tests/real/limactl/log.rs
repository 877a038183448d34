//! The log on stderr, in logrus's text format.
use std::time::{SystemTime, UNIX_EPOCH};

use containai::simulate::log;

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
    eprint!("{}", log::line(seconds(), level, message, fields));
}

/// The UTC time, in seconds.
pub(super) fn now() -> String {
    log::timestamp(seconds())
}

fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_secs())
}
