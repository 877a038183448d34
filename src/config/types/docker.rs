use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Repository;
use crate::config::{pattern, rules};
use crate::model::DockerVersion;

/// `[docker]`: the engine in the VM.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Docker {
    /// Where the engine comes from.
    pub source: DockerSource,
    /// The version of its package, or a prefix of it such as "28.5". By default, the newest version
    /// is installed and then kept. Not with `source = "preinstalled"`.
    pub version: Option<DockerVersion>,
    /// `[docker.daemon]`: keys of the guest's `/etc/docker/daemon.json`. `cai` sets these keys and
    /// does not change others.
    pub daemon: Map<String, Value>,
    /// A seccomp profile for all containers: a path on this machine that starts with `/` or `~/`,
    /// or with `./` or `../` (relative to this file). It is copied into the guest.
    #[serde(deserialize_with = "rules::seccomp_profile")]
    #[schemars(regex(pattern = pattern::LOCAL_PATH))]
    pub seccomp_profile: Option<String>,
    /// `[docker.repository]`: the apt repository with Docker's packages. By default, Docker's own.
    pub repository: Option<Repository>,
}

/// Where the Docker engine comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DockerSource {
    /// Docker's own packages, installed if the guest has no engine.
    #[default]
    DockerCe,
    /// The package `docker.io` of the guest's distribution, installed if the guest has no engine.
    Distro,
    /// The engine of the image. Nothing is installed.
    Preinstalled,
}
