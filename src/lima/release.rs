//! Lima's releases: the URLs and checksums of their archives, and the default release.

use std::path::{Path, PathBuf};

use semver::Version;

use crate::config::Lima;
use crate::host::{Os, Platform};
use crate::model::{Arch, Sha256};

/// The download page of Lima's releases.
const PAGE: &str = "https://github.com/lima-vm/lima/releases/download";
/// The release that is installed if the file does not name one.
const DEFAULT: Version = Lima::RELEASE;
/// The checksums of its archives, from its SHA256SUMS.
const CHECKSUMS: [(&str, &str); 4] = [
    ("linux-x86_64", "a0ea1ccf6b7335a900adb5f8d2b8384457965fecb1ba72f09b4e3e46d12f424a"),
    ("linux-aarch64", "7c6a09c6844f55f811e9b7b2b60a6070a512c696c8ec752dfdb3c8ed50ed0364"),
    ("darwin-x86_64", "0d6f99c19f6e4bc3c92730c4c29d929e6927f0cb0a0ba1a84383367135a8ff31"),
    ("darwin-aarch64", "bbdef91774885a0d05f7b048c4eb89ae2bcf3a0c252ae7ca7934e63df76d93c3"),
];

/// A release of Lima for one platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Its version.
    pub version: Version,
    /// The URL of its archive.
    pub url: String,
    /// The checksum of its archive, if the file or `cai` has it.
    pub sha256: Option<Sha256>,
}

impl Release {
    /// The release that `cai` installs for this file and platform.
    pub fn wanted(lima: &Lima, platform: Platform) -> Self {
        let version = lima.release.clone().unwrap_or(DEFAULT);
        let page = lima.url.as_deref().unwrap_or(PAGE).trim_end_matches('/');
        let url = format!("{page}/v{version}/{}", archive(&version, platform));
        let key = key(platform);
        let sha256 = lima.sha256.get(key).cloned().or_else(|| {
            let (_, digits) = CHECKSUMS.iter().find(|(own, _)| *own == key)?;
            (version == DEFAULT).then(|| digits.parse().ok())?
        });
        Self { version, url, sha256 }
    }

    /// The directory of this release below the directory of all releases.
    pub fn directory(&self, releases: &Path) -> PathBuf {
        releases.join(self.version.to_string())
    }

    /// The path of its `limactl` after the installation.
    pub fn limactl(&self, releases: &Path) -> PathBuf {
        self.directory(releases).join("bin/limactl")
    }
}

/// The key of a platform in `[lima.sha256]`.
pub fn key(platform: Platform) -> &'static str {
    match (platform.os, platform.arch) {
        (Os::Linux, Arch::X86_64) => "linux-x86_64",
        (Os::Linux, Arch::Aarch64) => "linux-aarch64",
        (Os::MacOs, Arch::X86_64) => "darwin-x86_64",
        (Os::MacOs, Arch::Aarch64) => "darwin-aarch64",
    }
}

/// The name of an archive. Lima's Makefile builds it from the output of `uname`.
fn archive(version: &Version, platform: Platform) -> String {
    let platform = match (platform.os, platform.arch) {
        (Os::Linux, Arch::X86_64) => "Linux-x86_64",
        (Os::Linux, Arch::Aarch64) => "Linux-aarch64",
        (Os::MacOs, Arch::X86_64) => "Darwin-x86_64",
        (Os::MacOs, Arch::Aarch64) => "Darwin-arm64",
    };
    format!("lima-{version}-{platform}.tar.gz")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    const PLATFORMS: [Platform; 4] = [
        Platform { os: Os::Linux, arch: Arch::X86_64 },
        Platform { os: Os::Linux, arch: Arch::Aarch64 },
        Platform { os: Os::MacOs, arch: Arch::X86_64 },
        Platform { os: Os::MacOs, arch: Arch::Aarch64 },
    ];

    fn lima(lines: &str) -> Lima {
        config::parse(&format!("version = 1\n[lima]\n{lines}")).unwrap().lima
    }

    #[test]
    fn the_archives_are_where_lima_publishes_them() {
        let names = PLATFORMS.map(|platform| Release::wanted(&lima(""), platform).url);
        let page = "https://github.com/lima-vm/lima/releases/download/v2.2.0";
        for (url, platform) in
            names.iter().zip(["Linux-x86_64", "Linux-aarch64", "Darwin-x86_64", "Darwin-arm64"])
        {
            assert_eq!(*url, format!("{page}/lima-2.2.0-{platform}.tar.gz"));
        }
        let mirror = lima("release = \"2.1.4\"\nurl = \"https://mirror.example/lima/\"\n");
        assert_eq!(
            Release::wanted(&mirror, PLATFORMS[0]).url,
            "https://mirror.example/lima/v2.1.4/lima-2.1.4-Linux-x86_64.tar.gz"
        );
    }

    #[test]
    fn every_platform_of_the_default_has_the_checksum_that_the_example_shows() {
        let example = include_str!("../../examples/every-option.toml");
        let example = config::parse(example).unwrap().lima;
        assert_eq!(example.release, Some(DEFAULT));
        for platform in PLATFORMS {
            assert!(Lima::PLATFORMS.contains(&key(platform)));
            let sha256 = Release::wanted(&lima(""), platform).sha256.unwrap();
            assert_eq!(example.sha256[key(platform)], sha256, "{}", key(platform));
        }
    }

    #[test]
    fn another_release_has_the_checksum_that_the_file_gives_it() {
        let digits = "0a".repeat(32);
        let lines = format!("release = \"2.1.4\"\n[lima.sha256]\nlinux-x86_64 = \"{digits}\"\n");
        let sha256 = PLATFORMS.map(|platform| Release::wanted(&lima(&lines), platform).sha256);
        assert_eq!(sha256, [digits.parse().ok(), None, None, None]);
        // The file's checksum has precedence over the built-in one: the archive of a mirror may
        // differ.
        let own = Release::wanted(&lima(&lines.replace("2.1.4", "2.2.0")), PLATFORMS[0]);
        assert_eq!(own.sha256, digits.parse().ok());
    }
}
