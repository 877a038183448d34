use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::InvalidValue;
use super::text::written_as_text;

/// A size of memory or of a disk: at least one byte, written as a whole number with a binary unit
/// ("8GiB").
///
/// Decimal units are refused because they are ambiguous. Some tools read "8GB" as 8 × 10⁹ bytes,
/// others, such as Lima, as 8 × 2³⁰ bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ByteSize(u64);

/// The units, largest first, which is the order in which a displayed size tries them.
const UNITS: [(&str, u64); 5] =
    [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

const RULE: &str = r#"write a whole number and a unit (B, KiB, MiB, GiB or TiB), such as "8GiB""#;

impl ByteSize {
    /// The size in bytes, never zero.
    pub const fn bytes(self) -> u64 {
        self.0
    }

    /// The unit that `unit` was meant to be.
    fn unit_meant(unit: &str) -> Option<&'static str> {
        match unit.trim().to_ascii_lowercase().as_str() {
            "b" | "byte" | "bytes" => Some("B"),
            "k" | "kb" | "kib" => Some("KiB"),
            "m" | "mb" | "mib" => Some("MiB"),
            "g" | "gb" | "gib" => Some("GiB"),
            "t" | "tb" | "tib" => Some("TiB"),
            _ => None,
        }
    }
}

written_as_text!(
    ByteSize,
    "A whole number and a binary unit (B, KiB, MiB, GiB or TiB), such as \"8GiB\".",
    "^0*[1-9][0-9]*(B|KiB|MiB|GiB|TiB)$"
);

impl FromStr for ByteSize {
    type Err = InvalidValue;

    fn from_str(value: &str) -> Result<Self, InvalidValue> {
        let refuse = |rule: String| InvalidValue::new(value, "a size", rule);
        let end = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
        let (digits, unit) = value.split_at(end);
        if digits.is_empty() {
            return Err(refuse(RULE.to_owned()));
        }
        let Some((_, factor)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            return Err(refuse(match Self::unit_meant(unit) {
                Some(meant) => format!("write \"{digits}{meant}\""),
                None => RULE.to_owned(),
            }));
        };
        // The text contains only digits, so parsing fails only on overflow.
        match digits.parse::<u64>().ok().and_then(|number| number.checked_mul(*factor)) {
            Some(0) => Err(refuse("it must be more than zero".to_owned())),
            Some(bytes) => Ok(Self(bytes)),
            None => Err(refuse("it must be less than 16777216TiB".to_owned())),
        }
    }
}

/// Converts a number of bytes, as in `limactl list --json`.
impl TryFrom<u64> for ByteSize {
    type Error = InvalidValue;

    fn try_from(bytes: u64) -> Result<Self, InvalidValue> {
        match bytes {
            0 => Err(InvalidValue::new("0", "a size", "it must be more than zero")),
            bytes => Ok(Self(bytes)),
        }
    }
}

/// Displays the size in the largest unit that divides it, without rounding: "8GiB", "1536MiB".
impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, factor) = UNITS
            .into_iter()
            .find(|(_, factor)| self.0.is_multiple_of(*factor))
            .unwrap_or(("B", 1));
        f.pad(&format!("{}{unit}", self.0 / factor))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn size(text: &str) -> Result<ByteSize, String> {
        text.parse::<ByteSize>().map_err(|error| error.to_string())
    }

    #[test]
    fn a_size_is_a_number_and_a_binary_unit() {
        let sizes = [
            ("1B", 1),
            ("3KiB", 3072),
            ("512MiB", 536_870_912),
            ("8GiB", 8_589_934_592),
            ("2TiB", 2_199_023_255_552),
        ];
        for (text, bytes) in sizes {
            assert_eq!(size(text).map(ByteSize::bytes), Ok(bytes), "{text}");
            assert_eq!(size(text).map(|size| size.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn a_size_is_shown_in_the_largest_unit_that_divides_it() {
        for (text, shown) in [("1024MiB", "1GiB"), ("1536MiB", "1536MiB"), ("1000B", "1000B")] {
            assert_eq!(size(text).map(|size| size.to_string()), Ok(shown.to_owned()));
        }
    }

    #[test]
    fn what_is_not_a_size_is_refused_with_what_to_write() {
        let refused = [
            ("8GB", r#"write "8GiB""#),
            ("8G", r#"write "8GiB""#),
            ("512 mb", r#"write "512MiB""#),
            ("1.5GiB", RULE),
            ("8", RULE),
            ("GiB", RULE),
            ("-8GiB", RULE),
            ("+8GiB", RULE),
            ("", RULE),
            ("0GiB", "it must be more than zero"),
            ("16777216TiB", "it must be less than 16777216TiB"),
            ("99999999999999999999B", "it must be less than 16777216TiB"),
        ];
        for (text, rule) in refused {
            assert_eq!(size(text), Err(format!("{text:?} is not a size: {rule}")));
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back_as_the_same_size(bytes in 1u64.., shift in 0u32..50) {
            let size = ByteSize::try_from((bytes >> shift << shift).max(1)).unwrap();
            prop_assert_eq!(size.to_string().parse::<ByteSize>(), Ok(size));
        }
    }
}
