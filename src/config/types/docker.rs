use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::config::{pattern, rules};
use crate::model::DockerVersion;

/// `[docker]`: the engine in the VM.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Docker {
    /// Where the engine comes from.
    pub source: DockerSource,
    /// The version of its package, in full or up to a point of it; none takes the newest there is
    /// when it is installed, and leaves it at that. Not with a source of "preinstalled".
    pub version: Option<DockerVersion>,
    /// `[docker.daemon]`: keys of the guest's `/etc/docker/daemon.json`. These are set to what is
    /// written here; all others are left as they are.
    pub daemon: Map<String, Value>,
    /// A seccomp profile on this machine, for all containers: a path from `/` or `~/`, or from
    /// `./` or `../`, relative to this file. It is copied into the guest.
    #[serde(deserialize_with = "rules::seccomp_profile")]
    #[schemars(regex(pattern = pattern::LOCAL_PATH))]
    pub seccomp_profile: Option<String>,
}

/// Where the Docker engine comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DockerSource {
    /// Docker's own packages, installed where there is no engine.
    #[default]
    DockerCe,
    /// The guest distribution's own package, installed where there is no engine.
    Distro,
    /// The image has it: nothing is installed.
    Preinstalled,
}
