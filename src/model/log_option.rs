//! The options of dockerd's log drivers.

use serde_json::{Map, Value};

/// The options of the log drivers whose options are known. Those of `syslog` are from Docker's
/// documentation and were not measured.
const LOG_OPTIONS: [(&str, &[&str]); 4] = [
    (
        "json-file",
        &["compress", "env", "env-regex", "labels", "labels-regex", "max-file", "max-size", "tag"],
    ),
    ("local", &["compress", "max-file", "max-size"]),
    ("journald", &["env", "env-regex", "labels", "labels-regex", "tag"]),
    (
        "syslog",
        &[
            "env",
            "env-regex",
            "labels",
            "labels-regex",
            "syslog-address",
            "syslog-facility",
            "syslog-format",
            "syslog-tls-ca-cert",
            "syslog-tls-cert",
            "syslog-tls-key",
            "syslog-tls-skip-verify",
            "tag",
        ],
    ),
];

/// The options that dockerd itself reads, for every driver (measured with Docker 20.10).
const OF_EVERY_DRIVER: [&str; 6] = [
    "cache-compress",
    "cache-disabled",
    "cache-max-file",
    "cache-max-size",
    "max-buffer-size",
    "mode",
];

/// Whether a log driver has an option. `None` if the driver's options are not known.
pub fn has_log_option(driver: &str, option: &str) -> Option<bool> {
    if OF_EVERY_DRIVER.contains(&option) {
        return Some(true);
    }
    let (_, options) = LOG_OPTIONS.iter().find(|(name, _)| *name == driver)?;
    Some(options.contains(&option))
}

/// The log driver that dockerd uses with these keys.
pub fn log_driver(keys: &Map<String, Value>) -> &str {
    keys.get("log-driver").and_then(Value::as_str).unwrap_or("json-file")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_belongs_to_a_driver_or_to_every_one() {
        assert_eq!(has_log_option("json-file", "max-size"), Some(true));
        assert_eq!(has_log_option("journald", "max-size"), Some(false));
        assert_eq!(has_log_option("journald", "mode"), Some(true));
        assert_eq!(has_log_option("gelf", "gelf-address"), None);
        assert_eq!(has_log_option("gelf", "max-buffer-size"), Some(true));
    }
}
