//! The words of the domain as types: a value of one of these types has been checked once, where it
//! came in, and needs no second look before it reaches a command line.
//!
//! Each type parses from text ([`FromStr`](std::str::FromStr), serde), prints what it was parsed
//! from, and refuses the rest with an [`InvalidValue`] that says what was wrong and what the rule is.

pub mod address;
mod arch;
mod container;
pub mod daemon_key;
pub mod digest;
mod display;
mod ipv4_network;
pub mod lima_yaml;
pub mod log_option;
mod name;
pub mod redact;
mod requirement;
mod sha256;
mod size;
mod text;
pub mod value;
mod version;

pub use arch::Arch;
pub use container::{ContainerName, HealthCheck, ServiceName, VolumeSource};
pub use display::{duration, printable, printable_json, shortened};
pub use ipv4_network::Ipv4Network;
pub use name::{ContextName, EnvName, UnixName, UserRef, VmName};
pub use requirement::{open_ended, spelled_out};
pub use sha256::Sha256;
pub use size::ByteSize;
pub(crate) use text::{clean_path, in_a_line, is_unshowable, listed};
pub use version::{DockerVersion, SysboxVersion};

/// A text that is not what it should be: the text, what it should have been, and the rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{shown} is not {what}: {rule}")]
pub struct InvalidValue {
    shown: String,
    what: &'static str,
    rule: String,
}

impl InvalidValue {
    /// Longer values are cut in the message: a megabyte in the wrong place must not fill a screen.
    const SHOWN_CHARACTERS: usize = 80;

    /// `what` with its article ("a VM name"), `rule` as the rest of a sentence.
    pub fn new(value: &str, what: &'static str, rule: impl Into<String>) -> Self {
        // The Debug form: quoted, with control characters escaped.
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
