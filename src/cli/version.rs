//! `cai --version --json`

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use crate::plan::FORMAT_VERSION;

/// The build of `cai`, as `cai --version --json` prints it.
#[derive(Serialize, JsonSchema)]
pub(super) struct VersionDocument {
    format_version: u32,
    version: &'static str,
    /// The commit that it was built from, with `-dirty` if the sources differed from it; `null` if the
    /// build does not know it.
    commit: Option<&'static str>,
    /// The platform that it was built for, as Rust names it.
    target: &'static str,
    profile: Profile,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Profile {
    Debug,
    Release,
}

impl VersionDocument {
    /// This build.
    pub(super) fn new() -> Self {
        let commit = env!("CAI_COMMIT");
        let is_release = env!("CAI_PROFILE") == "release";
        Self {
            format_version: FORMAT_VERSION,
            version: env!("CARGO_PKG_VERSION"),
            commit: Some(commit).filter(|commit| !commit.is_empty()),
            target: env!("CAI_TARGET"),
            profile: if is_release { Profile::Release } else { Profile::Debug },
        }
    }
}

/// The build on one line, for bug reports.
impl fmt::Display for VersionDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let profile = match self.profile {
            Profile::Debug => "debug",
            Profile::Release => "release",
        };
        let commit = self.commit.unwrap_or("unknown");
        write!(f, "{} ({}, {profile}, commit {commit})", self.version, self.target)
    }
}
