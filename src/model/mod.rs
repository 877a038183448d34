//! The types of the domain. A value of one of these types was validated when it was parsed and can
//! be used in a command line without another check.
//!
//! Each type parses from text ([`FromStr`](std::str::FromStr), serde) and displays the text that it
//! was parsed from. An invalid text is an [`InvalidValue`], which states the problem and the rule.

pub mod address;
mod arch;
mod container;
pub mod daemon_key;
pub mod digest;
mod display;
pub mod egress;
mod fingerprint;
mod ipv4_network;
pub mod lima_disk;
pub mod lima_yaml;
pub mod log_option;
mod name;
pub mod proxy;
pub mod redact;
mod requirement;
mod sha256;
mod size;
mod text;
pub mod value;
mod version;

pub use arch::Arch;
pub use container::{ContainerName, HealthCheck, ServiceName, VolumeSource};
pub use display::{counted, duration, printable, printable_json, shortened};
pub use fingerprint::Fingerprint;
pub use ipv4_network::Ipv4Network;
pub use name::{ContextName, EnvName, UnixName, UserRef, VmName};
pub use requirement::{open_ended, spelled_out};
pub use sha256::Sha256;
pub use size::ByteSize;
pub(crate) use text::{clean_path, in_a_line, in_home, is_unshowable, listed};
pub use version::{DockerVersion, SysboxVersion};

/// The error for an invalid text: the text, the expected type and the rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{shown} is not {what}: {rule}")]
pub struct InvalidValue {
    shown: String,
    what: &'static str,
    rule: String,
}

impl InvalidValue {
    /// Longer values are truncated in the message, so that a long value does not fill the screen.
    const SHOWN_CHARACTERS: usize = 80;

    /// An error that does not repeat the value, which contains credentials.
    pub fn with_credentials(what: &'static str, rule: impl Into<String>) -> Self {
        Self { shown: "a value with credentials".into(), what, rule: rule.into() }
    }

    /// Creates an error. `what` is the expected type with its article ("a VM name"), `rule` the end
    /// of the sentence.
    pub fn new(value: &str, what: &'static str, rule: impl Into<String>) -> Self {
        // The Debug format quotes the value and escapes control characters.
        let shown = match value.char_indices().nth(Self::SHOWN_CHARACTERS) {
            Some((end, _)) => format!("{:?}…", &value[..end]),
            None => format!("{value:?}"),
        };
        Self { shown, what, rule: rule.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_value_is_shown_escaped_and_cut() {
        let hostile = InvalidValue::new("\u{1b}[2J", "a VM name", "no");
        assert_eq!(hostile.to_string(), r#""\u{1b}[2J" is not a VM name: no"#);
        let long = InvalidValue::new(&"é".repeat(100_000), "a VM name", "no").to_string();
        assert_eq!(long, format!("\"{}\"… is not a VM name: no", "é".repeat(80)));
    }
}
