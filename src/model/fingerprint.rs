use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::InvalidValue;
use super::text::written_as_text;

/// Docker's signing key, from Docker's instructions for Debian and Ubuntu.
const DOCKER: &str = "9DC858229FC7DD38854AE2D88D81803C0EBFCD88";

/// The fingerprint of an OpenPGP key: 40 hexadecimal digits, stored in uppercase as gpg prints them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The 40 digits, in uppercase.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Fingerprint {
    fn default() -> Self {
        Self(DOCKER.to_owned())
    }
}

written_as_text!(
    Fingerprint,
    "The fingerprint of an OpenPGP key: 40 hexadecimal digits.",
    "^[0-9A-Fa-f]{40}$"
);

impl FromStr for Fingerprint {
    type Err = InvalidValue;

    fn from_str(value: &str) -> Result<Self, InvalidValue> {
        if value.len() == 40 && value.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(Self(value.to_ascii_uppercase()));
        }
        let rule = if value.contains(' ') {
            "write it without spaces"
        } else {
            "write the 40 hexadecimal digits that `gpg --show-keys` prints"
        };
        Err(InvalidValue::new(value, "the fingerprint of a key", rule))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::text::check;

    #[test]
    fn a_fingerprint_is_40_hexadecimal_digits() {
        let (short, long) = (&DOCKER[1..], format!("{DOCKER}0"));
        let spaced = "9DC8 5822 9FC7 DD38 854A  E2D8 8D81 803C 0EBF CD88";
        let other = DOCKER.replace('9', "G");
        check::<Fingerprint>(&[DOCKER], &["", short, &long, spaced, &other]);
        let error = |text: &str| text.parse::<Fingerprint>().unwrap_err().to_string();
        assert!(error(spaced).ends_with("write it without spaces"));
        assert!(error(short).contains("40 hexadecimal digits"));
    }

    #[test]
    fn its_case_is_no_difference() {
        let lower = DOCKER.to_lowercase().parse::<Fingerprint>().unwrap();
        assert_eq!(lower, Fingerprint::default());
        assert_eq!(lower.as_str(), DOCKER);
    }
}
