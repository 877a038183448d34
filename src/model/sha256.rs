use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::InvalidValue;
use super::text::written_as_text;

/// A SHA-256 checksum: 64 hexadecimal digits, stored in lowercase.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sha256(String);

impl Sha256 {
    /// The 64 digits, in lowercase.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

written_as_text!(Sha256, "A SHA-256 checksum: 64 hexadecimal digits.", "^[0-9A-Fa-f]{64}$");

impl FromStr for Sha256 {
    type Err = InvalidValue;

    fn from_str(value: &str) -> Result<Self, InvalidValue> {
        if value.len() == 64 && value.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(Self(value.to_ascii_lowercase()));
        }
        let rule = match value.split_once(':') {
            Some(("sha256", _)) => "remove the prefix \"sha256:\"".to_owned(),
            _ => format!("write 64 hexadecimal digits, not {}", value.chars().count()),
        };
        Err(InvalidValue::new(value, "a SHA-256 checksum", rule))
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::text::check;

    #[test]
    fn a_checksum_is_64_hexadecimal_digits() {
        let digits = "0a".repeat(32);
        let (short, long) = (digits[1..].to_owned(), format!("{digits}0"));
        let (letters, marked) = ("0g".repeat(32), format!("sha256:{digits}"));
        check::<Sha256>(&[&digits], &["", &short, &long, &letters, &marked, &format!("{digits} ")]);
    }

    #[test]
    fn its_case_is_no_difference() {
        let upper = "0A".repeat(32).parse::<Sha256>().unwrap();
        assert_eq!(upper, "0a".repeat(32).parse().unwrap());
        assert_eq!(upper.as_str(), "0a".repeat(32));
    }

    #[test]
    fn what_is_wrong_with_it_is_said() {
        let error = |text: &str| text.parse::<Sha256>().unwrap_err().to_string();
        assert!(error("sha256:00").ends_with("remove the prefix \"sha256:\""));
        assert!(error("0a0").ends_with("write 64 hexadecimal digits, not 3"));
        // The right length, but with an invalid digit.
        assert!(error(&"0g".repeat(32)).contains("hexadecimal"));
    }
}
