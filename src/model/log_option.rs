//! The options of dockerd's log drivers.

use serde_json::{Map, Value};

/// The options of the log drivers whose list is known. Those of `syslog` are from Docker's documentation and
/// not measured.
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

/// The options that a log driver has, if its list is known.
pub fn log_options(driver: &str) -> Option<&'static [&'static str]> {
    LOG_OPTIONS.iter().find(|(name, _)| *name == driver).map(|(_, options)| *options)
}

/// The log driver that dockerd uses with these keys.
pub fn log_driver(keys: &Map<String, Value>) -> &str {
    keys.get("log-driver").and_then(Value::as_str).unwrap_or("json-file")
}
