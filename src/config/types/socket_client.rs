use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{pattern, rules};
use crate::model::{ContainerName, ContextName, HealthCheck, ServiceName, UnixName, VolumeSource};

/// `[[socket_clients]]`: a container that uses a Docker socket, and what it needs for that. `cai`
/// tests the socket from inside of it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend(
    "dependentRequired" = {"compose_file": ["service"], "service": ["compose_file"]},
    "anyOf" = [{"required": ["container"]}, {"required": ["compose_file", "service"]}]
))]
pub struct SocketClient {
    /// The container's name. It may be left out with `compose_file` and `service`: Compose's labels
    /// then find the container, whatever its name.
    pub container: Option<ContainerName>,
    /// The socket's path in it.
    #[serde(default = "socket", deserialize_with = "rules::container_socket")]
    #[schemars(regex(pattern = pattern::CONTAINER_PATH))]
    pub socket: String,
    /// What holds the socket: a volume, named as in the compose file, or a path of the engine's
    /// machine. Without it, whatever is mounted there.
    pub volume: Option<VolumeSource>,
    /// How the volume is mounted; without it, either mode is accepted. A socket works in both.
    pub mode: Option<MountMode>,
    /// The user that its program runs as; without it, any.
    pub user: Option<UnixName>,
    /// That user's id in the container, from 1 to 4294967294.
    #[serde(default, deserialize_with = "rules::uid")]
    #[schemars(range(min = 1, max = 4_294_967_294_u32))]
    pub uid: Option<u32>,
    /// The group that the socket belongs to, as the container calls it.
    #[serde(default = "UnixName::docker")]
    pub group: UnixName,
    /// The id of that group, on both sides of the socket; without it, the id of the socket's group.
    /// If that is not known before the container runs, 2375, as in Docker-in-Docker images.
    #[serde(default, deserialize_with = "rules::gid")]
    #[schemars(range(min = 1, max = 4_294_967_294_u32))]
    pub gid: Option<u32>,
    /// The compose file that the container is made by: a path from `/` or `~/`, or from `./` or
    /// `../`, relative to this file. `cai` writes what is missing into a file of its own beside it.
    #[serde(default, deserialize_with = "rules::compose_file")]
    #[schemars(regex(pattern = pattern::LOCAL_PATH))]
    pub compose_file: Option<String>,
    /// Its service in the compose file.
    pub service: Option<ServiceName>,
    /// What tells that it is well after it was made anew; without it, that it runs.
    pub health: Option<HealthCheck>,
    /// The Docker context of the engine that runs it; without it, the one of this file.
    pub context: Option<ContextName>,
}

/// How a volume is mounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MountMode {
    /// Files can be written in it.
    Rw,
    /// Files can only be read.
    Ro,
}

impl MountMode {
    /// As Docker writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rw => "rw",
            Self::Ro => "ro",
        }
    }
}

impl SocketClient {
    /// A name that is unique in the file: the container or else the service, with the context
    /// unless it is the file's own.
    pub fn name(&self) -> String {
        match &self.context {
            Some(context) => format!("{context}/{}", self.title()),
            None => self.title().to_owned(),
        }
    }

    /// Its name in the file: the container, or else the service.
    pub fn title(&self) -> &str {
        let container = self.container.as_ref().map(ContainerName::as_str);
        container.or(self.service.as_ref().map(ServiceName::as_str)).unwrap_or_default()
    }

    /// The compose file and the service in it.
    pub fn compose(&self) -> Option<(PathBuf, &ServiceName)> {
        // As one would type it: without the `.` of a path from the file.
        let file = Path::new(self.compose_file.as_ref()?).components().collect();
        Some((file, self.service.as_ref()?))
    }
}

fn socket() -> String {
    "/var/run/docker.sock".to_owned()
}
