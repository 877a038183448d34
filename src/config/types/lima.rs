use std::collections::BTreeMap;

use schemars::JsonSchema;
use semver::{Comparator, Op, Prerelease, Version, VersionReq};
use serde::{Deserialize, Serialize};

use crate::config::{pattern, rules};
use crate::model::Sha256;

/// `[lima]`: the Lima on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Lima {
    /// The accepted versions of `limactl`, such as ">=1.1". A version without an operator excludes
    /// the next major version: "1.1" means ">=1.1, <2.0".
    #[serde(deserialize_with = "rules::requirement")]
    #[schemars(with = "String")]
    pub version: VersionReq,
    /// What to do if `limactl` is not installed or `version` does not accept it. On macOS with
    /// Homebrew, Homebrew installs it. Otherwise, a release archive is unpacked into
    /// `~/.local/share/cai/lima` (or below `$XDG_DATA_HOME`), where only `cai` looks for it.
    pub install: Install,
    /// The release to install, which `version` must accept. The default is 2.2.0, whose checksums
    /// are built in. Homebrew installs its own version.
    #[serde(deserialize_with = "rules::release")]
    #[schemars(with = "Option<String>", regex(pattern = pattern::RELEASE))]
    pub release: Option<Version>,
    /// A mirror of Lima's release archives on GitHub: an `https` URL, to which
    /// `/v<release>/lima-<release>-<System>-<machine>.tar.gz` is appended. Plain `http` is accepted
    /// only for this machine.
    #[serde(deserialize_with = "rules::mirror")]
    #[schemars(regex(pattern = pattern::MIRROR))]
    pub url: Option<String>,
    /// The checksums of the release archives for "linux-x86_64", "linux-aarch64", "darwin-x86_64"
    /// and "darwin-aarch64". An archive is installed only if its checksum is known; those of 2.2.0
    /// are built in.
    #[schemars(schema_with = "platforms")]
    pub sha256: BTreeMap<String, Sha256>,
}

impl Lima {
    /// The release that is installed by default.
    pub const RELEASE: Version = Version::new(2, 2, 0);
    /// The keys of `sha256`: an operating system and an architecture.
    pub const PLATFORMS: [&'static str; 4] =
        ["linux-x86_64", "linux-aarch64", "darwin-x86_64", "darwin-aarch64"];
}

/// Lima 1.1 or later.
impl Default for Lima {
    fn default() -> Self {
        let at_least = Comparator {
            op: Op::GreaterEq,
            major: 1,
            minor: Some(1),
            patch: None,
            pre: Prerelease::EMPTY,
        };
        Self {
            version: VersionReq { comparators: vec![at_least] },
            install: Install::default(),
            release: None,
            url: None,
            sha256: BTreeMap::new(),
        }
    }
}

/// What to do if Lima is missing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Install {
    /// Ask before installing it, in addition to the question about the plan. `--yes` confirms both.
    #[default]
    Ask,
    /// Install it as part of the plan, without a separate question.
    Auto,
    /// Print the command that installs it, and stop.
    Never,
}

fn platforms(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let checksum = generator.subschema_for::<Sha256>();
    let properties = Lima::PLATFORMS.map(|name| (name.to_owned(), checksum.clone().to_value()));
    schemars::json_schema!({
        "type": "object",
        "properties": serde_json::Map::from_iter(properties),
        "additionalProperties": false,
    })
}
