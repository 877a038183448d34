use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::InvalidValue;
use super::text::written_as_text;

/// A processor architecture, with the name that Lima and the kernel (`uname -m`) use.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(!try_from, !into)]
pub enum Arch {
    /// 64-bit Intel and AMD processors.
    #[schemars(rename = "x86_64")]
    X86_64,
    /// 64-bit ARM processors, including Apple Silicon.
    #[schemars(rename = "aarch64")]
    Aarch64,
}

impl Arch {
    /// `x86_64` or `aarch64`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Aarch64 => "aarch64",
        }
    }

    /// Debian's name, as in the names of packages and cloud images: `amd64` or `arm64`.
    pub const fn debian(self) -> &'static str {
        match self {
            Self::X86_64 => "amd64",
            Self::Aarch64 => "arm64",
        }
    }
}

written_as_text!(Arch);

impl FromStr for Arch {
    type Err = InvalidValue;

    fn from_str(value: &str) -> Result<Self, InvalidValue> {
        let rule = match value {
            "x86_64" => return Ok(Self::X86_64),
            "aarch64" => return Ok(Self::Aarch64),
            // Only Lima's names are accepted, so that files with the same meaning have the same
            // text.
            "amd64" | "x86-64" | "x64" => r#"write "x86_64""#,
            "arm64" => r#"write "aarch64""#,
            _ => r#"write "x86_64" or "aarch64""#,
        };
        Err(InvalidValue::new(value, "an architecture", rule))
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dockers_names_are_refused_with_limas() {
        assert_eq!("x86_64".parse(), Ok(Arch::X86_64));
        assert_eq!("aarch64".parse(), Ok(Arch::Aarch64));
        for (value, hint) in [("amd64", r#"write "x86_64""#), ("arm64", r#"write "aarch64""#)] {
            let error = value.parse::<Arch>().unwrap_err().to_string();
            assert_eq!(error, format!("\"{value}\" is not an architecture: {hint}"));
        }
        let error = "riscv64".parse::<Arch>().unwrap_err().to_string();
        assert!(error.ends_with(r#"write "x86_64" or "aarch64""#), "{error}");
    }
}
