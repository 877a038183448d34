use std::fmt;
use std::str::FromStr;

use semver::{BuildMetadata, Prerelease, Version};
use serde::{Deserialize, Serialize};

use super::InvalidValue;
use super::text::{checked_text, written_as_text};

checked_text!(
    /// A version of Docker: the version of its package or the beginning of it, such as `28.5.1` or
    /// a distribution's `20.10.24+dfsg1-1+deb12u1`. It has only the characters of Debian versions.
    DockerVersion, "a Docker version", broken_docker_version, r"^[0-9][0-9A-Za-z.+~:-]{0,127}$"
);

fn broken_docker_version(version: &str) -> Option<&'static str> {
    let rest = |c: char| c.is_ascii_alphanumeric() || ".+~:-".contains(c);
    let well_formed = version.len() <= 128
        && version.starts_with(|c: char| c.is_ascii_digit())
        && version.chars().all(rest);
    (!well_formed).then_some(
        r#"write a version such as "28.5.1", without "v"; use digits, letters, ".", "+", "~", ":" and "-""#,
    )
}

impl DockerVersion {
    /// Whether it names one release: `28.5.1` does, but `28.5` is the beginning of several.
    pub fn is_release(&self) -> bool {
        self.as_str().split('.').count() > 2
    }

    /// The release of an installed package, without what differs between distributions: `28.5.1` for
    /// `5:28.5.1-1~ubuntu.24.04~noble`.
    pub fn of_package(reported: &str) -> Option<Self> {
        let version = reported.split_once(':').map_or(reported, |(_, version)| version);
        let release = version.rsplit_once('-').map_or(version, |(release, _)| release);
        release.parse().ok().filter(Self::is_release)
    }
}

/// A version of Sysbox: `0.7.1`, or a vendor's build with a suffix: `0.6.7+vendor.1`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SysboxVersion(Version);

impl SysboxVersion {
    /// The version that `cai` installs if the file does not name one.
    pub const DEFAULT: Self = Self(Version::new(0, 7, 1));
    /// The first release in which Docker works with every runc version (nestybox/sysbox#973).
    pub const DOCKER_INSIDE: Self = Self(Version::new(0, 7, 0));

    /// Whether a package has this version, according to the version that dpkg reports:
    /// `0.7.1.linux` is 0.7.1, and so are `0.7.1` and, with a Debian revision, `0.7.1-0.linux`.
    #[must_use]
    pub fn is_package(&self, reported: &str) -> bool {
        let version = self.to_string();
        let upstream = reported.strip_suffix(".linux").unwrap_or(reported);
        let revised = upstream.rsplit_once('-').map(|(upstream, _)| upstream);
        reported == version || upstream == version || revised == Some(version.as_str())
    }

    /// The version of a package that has this version according to dpkg.
    pub fn of_package(reported: &str) -> Option<Self> {
        let upstream = reported.strip_suffix(".linux").unwrap_or(reported);
        let revised = upstream.rsplit_once('-').map(|(upstream, _)| upstream);
        let parsed =
            |version: &str| version.parse::<Self>().ok().filter(|it| it.is_package(reported));
        parsed(upstream).or_else(|| parsed(revised?))
    }

    /// The version without the vendor's suffix.
    #[must_use]
    pub fn release(&self) -> Self {
        Self(Version { build: BuildMetadata::EMPTY, ..self.0.clone() })
    }
}

/// The default version, 0.7.1.
impl Default for SysboxVersion {
    fn default() -> Self {
        Self::DEFAULT
    }
}

written_as_text!(
    SysboxVersion,
    "A version of Sysbox: three numbers, and optionally a vendor's suffix \
                            after \"+\".",
    r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$"
);

impl FromStr for SysboxVersion {
    type Err = InvalidValue;

    fn from_str(value: &str) -> Result<Self, InvalidValue> {
        match Version::parse(value) {
            Ok(version) if version.pre == Prerelease::EMPTY => Ok(Self(version)),
            _ => {
                let rule =
                    r#"write three numbers such as "0.7.1", optionally with a suffix after "+""#;
                Err(InvalidValue::new(value, "a Sysbox version", rule))
            }
        }
    }
}

impl fmt::Display for SysboxVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::text::check;

    #[test]
    fn docker_versions_are_those_of_packages() {
        let accepted =
            ["28.5.1", "20.10.24+dfsg1-1+deb12u1", "5:28.5.1-1~ubuntu.24.04~noble", "28"];
        let long = format!("1{}", "0".repeat(128));
        check::<DockerVersion>(&accepted, &["", "v28.5.1", "28 5", "28;id", "latest", "é", &long]);
    }

    #[test]
    fn a_release_of_docker_has_three_numbers() {
        for (version, is_release) in [
            ("28", false),
            ("28.5", false),
            ("5:28.5", false),
            ("28.5.1", true),
            ("5:28.5.1-1~ubuntu.24.04~noble", true),
        ] {
            assert_eq!(
                version.parse::<DockerVersion>().unwrap().is_release(),
                is_release,
                "{version}"
            );
        }
        for (reported, release) in [
            ("5:28.5.1-1~ubuntu.24.04~noble", Some("28.5.1")),
            ("5:28.5.1-1~debian.12~bookworm", Some("28.5.1")),
            ("5:29.0.0~rc.1-1~debian.12~bookworm", Some("29.0.0~rc.1")),
            ("28.5.1", Some("28.5.1")),
            ("28.5-1", None),
            ("", None),
        ] {
            let found = DockerVersion::of_package(reported);
            assert_eq!(found.as_ref().map(DockerVersion::as_str), release, "{reported}");
        }
    }

    #[test]
    fn sysbox_versions_are_three_numbers_and_a_vendors_suffix() {
        let refused = ["", "0.7", "v0.7.0", "0.7.0-rc1", "0.7.0+", "0.07.0", "0.7.0+a/b", "latest"];
        check::<SysboxVersion>(&["0.7.0", "0.6.7+vendor.1", "1.20.300"], &refused);
        assert_eq!(SysboxVersion::default().to_string(), "0.7.1");
    }

    #[test]
    fn what_dpkg_reports_is_a_version() {
        let is_package = |version: &str, reported| {
            version.parse::<SysboxVersion>().unwrap().is_package(reported)
        };
        for reported in ["0.7.0.linux", "0.7.0-0.linux", "0.7.0", "0.7.0-1"] {
            assert!(is_package("0.7.0", reported), "{reported}");
        }
        for (reported, version) in [
            ("0.7.1.linux", Some("0.7.1")),
            ("0.7.1-0.linux", Some("0.7.1")),
            ("0.7", None),
            ("", None),
        ] {
            let found = SysboxVersion::of_package(reported).map(|it| it.to_string());
            assert_eq!(found.as_deref(), version, "{reported}");
        }
        for reported in ["0.7.1.linux", "0.7.0+vendor.1.linux", "0.7.0+vendor.1-0.linux", "0.7", ""]
        {
            assert!(!is_package("0.7.0", reported), "{reported}");
        }
        for reported in ["0.7.0+a-b.linux", "0.7.0+a-b-0.linux", "0.7.0+a-b"] {
            assert!(is_package("0.7.0+a-b", reported), "{reported}");
            assert!(!is_package("0.7.0", reported), "{reported}");
        }
    }

    #[test]
    fn a_vendors_build_is_of_a_release() {
        let vendors: SysboxVersion = "0.6.7+vendor.1".parse().unwrap();
        assert_eq!(vendors.release().to_string(), "0.6.7");
        assert!(vendors.release() < SysboxVersion::DEFAULT);
    }
}
