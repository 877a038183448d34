use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{pattern, rules};
use crate::model::{ContainerName, ContextName, HealthCheck, ServiceName, UnixName, VolumeSource};

/// `[[socket_clients]]`: a container that uses a Docker socket, and the access that it needs. `cai`
/// tests the socket from inside the container.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend(
    "dependentRequired" = {"compose_file": ["service"], "service": ["compose_file"]},
    "anyOf" = [{"required": ["container"]}, {"required": ["compose_file", "service"]}]
))]
pub struct SocketClient {
    /// The container's name. Optional with `compose_file` and `service`, because Compose's labels
    /// then identify the container.
    pub container: Option<ContainerName>,
    /// The path of the socket in the container.
    #[serde(default = "socket", deserialize_with = "rules::container_socket")]
    #[schemars(regex(pattern = pattern::CONTAINER_PATH))]
    pub socket: String,
    /// The source of the mount with the socket: a volume, named as in the compose file, or a path
    /// on the engine's machine. By default, any mount is accepted.
    pub volume: Option<VolumeSource>,
    /// The mode of the mount. By default, both modes are accepted; a socket works in both.
    pub mode: Option<MountMode>,
    /// The user that runs the container's program. By default, any user is accepted.
    pub user: Option<UnixName>,
    /// That user's id in the container, from 1 to 4294967294.
    #[serde(default, deserialize_with = "rules::uid")]
    #[schemars(range(min = 1, max = 4_294_967_294_u32))]
    pub uid: Option<u32>,
    /// The name in the container of the group that owns the socket.
    #[serde(default = "UnixName::docker")]
    pub group: UnixName,
    /// The id of that group, inside and outside the container. The default is the id of the
    /// socket's group. If that is unknown before the container runs, 2375, as in Docker-in-Docker
    /// images.
    #[serde(default, deserialize_with = "rules::gid")]
    #[schemars(range(min = 1, max = 4_294_967_294_u32))]
    pub gid: Option<u32>,
    /// The compose file that defines the container: a path that starts with `/` or `~/`, or with
    /// `./` or `../` (relative to this file). `cai` writes missing settings into its own file next
    /// to it.
    #[serde(default, deserialize_with = "rules::compose_file")]
    #[schemars(regex(pattern = pattern::LOCAL_PATH))]
    pub compose_file: Option<String>,
    /// The container's service in the compose file.
    pub service: Option<ServiceName>,
    /// How to check the container's health after it was recreated. By default, it must run.
    pub health: Option<HealthCheck>,
    /// The Docker context of the engine that runs the container; by default, that of this file.
    pub context: Option<ContextName>,
}

/// How a volume is mounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MountMode {
    /// Read and write.
    Rw,
    /// Read only.
    Ro,
}

impl MountMode {
    /// Its name in Docker.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rw => "rw",
            Self::Ro => "ro",
        }
    }
}

impl SocketClient {
    /// A name that is unique in the file: the container or else the service, with its context if
    /// that is not the file's own.
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
        // Without the `.` components of a relative path, as a user would type it.
        let file = Path::new(self.compose_file.as_ref()?).components().collect();
        Some((file, self.service.as_ref()?))
    }
}

fn socket() -> String {
    "/var/run/docker.sock".to_owned()
}
