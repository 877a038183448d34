//! Why a container that uses a Docker socket cannot be fixed.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

/// Why it cannot be fixed: in JSON, a `kind` and its `data`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, JsonSchema)]
#[serde(tag = "kind", content = "data", rename_all = "kebab-case")]
pub enum ClientProblem {
    /// The file does not name a compose file to recreate it from.
    #[error("cai cannot create or start {container}: the file does not name its compose file")]
    NoCompose {
        /// The container.
        container: String,
        /// The options of `docker run` that differ; none if it only needs to be started.
        options: Vec<String>,
    },
    /// A restart is enough, but the file does not name a compose file.
    #[error("{container} must be restarted")]
    Restart {
        /// The container.
        container: String,
        /// The command that does it.
        command: String,
    },
    /// The daemon gives its socket another group than the declared one.
    #[error("the socket belongs to group {socket}, but the file says {file}")]
    SocketGid {
        /// The socket's group.
        socket: u32,
        /// The file's.
        file: u32,
    },
    /// The container has the group, but its program gave it up.
    #[error("{container} was created with group {gid}, but its entrypoint drops it")]
    ImageGroup {
        /// The container.
        container: String,
        /// The user of its program.
        user: String,
        /// The group's name.
        group: String,
        /// The group's id.
        gid: u32,
    },
    /// The container was created with the user, but its program runs as another.
    #[error("{container} was created with user {user}, but its entrypoint switches to another")]
    ImageUser {
        /// The container.
        container: String,
        /// The user.
        user: String,
    },
    /// The user does not exist in the image, and the file does not give its uid.
    #[error("the user {user} does not exist in the image of {container}")]
    NoUser {
        /// The container.
        container: String,
        /// The user.
        user: String,
    },
    /// The mode of the socket does not let a group use it.
    #[error("the socket has mode {0}, which denies access to its group")]
    SocketMode(String),
    /// The container mounts the host's forwarded socket, which does not exist in the guest.
    #[error("{path} is a socket on this machine, but dockerd runs in the guest")]
    HostSocket {
        /// The path.
        path: String,
        /// The compose file that mounts it, where one is named.
        file: Option<PathBuf>,
    },
    /// The mounted volume or directory does not contain a socket.
    #[error("{what} is mounted at {at} but does not contain a socket")]
    NoSocket {
        /// The volume or directory.
        what: String,
        /// The mount point.
        at: String,
    },
    /// Nothing is mounted, and the file does not say what to mount.
    #[error("nothing is mounted at {socket} in {container}, and the file does not name a volume")]
    NoVolume {
        /// The container.
        container: String,
        /// The path of the socket.
        socket: String,
        /// The compose file, if the file names one.
        file: Option<PathBuf>,
    },
    /// The permissions suffice, but the daemon does not answer.
    #[error("{0}")]
    NoDaemon(String),
    /// It keeps restarting, but not because it lacks the socket's group.
    #[error("{container} keeps restarting: {why}")]
    Ends {
        /// The container.
        container: String,
        /// The last line of its log.
        why: String,
    },
    /// Compose is not installed.
    #[error("neither `docker compose` nor docker-compose is installed")]
    ComposeMissing,
    /// The compose file is missing or cannot be used.
    #[error("{}: {why}", path.display())]
    ComposeFile {
        /// Its path.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Compose did not create the container, or created it as another service.
    #[error("{container} was created {by}, not as the service {service}")]
    OtherMaker {
        /// The container.
        container: String,
        /// How it was created.
        by: String,
        /// The declared service.
        service: String,
    },
}

impl ClientProblem {
    /// What to do.
    pub fn hint(&self) -> String {
        match self {
            Self::NoCompose { container, options } if options.is_empty() => {
                format!("start it (docker start {container}), or name its compose_file and service")
            }
            Self::NoCompose { options, .. } => format!(
                "recreate it with: docker run … {}; or name its compose_file and service",
                options.join(" ")
            ),
            Self::Restart { command, .. } => {
                format!("run: {command}; or name its compose_file and service")
            }
            Self::SocketGid { socket, file } => format!(
                "set gid = {socket} in its [[socket_clients]] table. Or give the socket gid {file} \
                 where its daemon runs: declare gid = {file} for the group docker under [[groups]], or \
                 run dockerd with --group {file}"
            ),
            Self::ImageGroup { user, group, gid, .. } => format!(
                "this needs a change to its image, in the Dockerfile: RUN addgroup -g {gid} {group} && \
                 adduser {user} {group}"
            ),
            Self::ImageUser { user, .. } => {
                format!("this needs a change to its image: its entrypoint must run as {user}")
            }
            Self::NoUser { user, .. } => format!(
                "set uid in its [[socket_clients]] table; or add the user to the image, in the Dockerfile: \
                 RUN adduser -D {user}"
            ),
            Self::SocketMode(_) => "change the socket's mode to 660 on the machine where its daemon \
                                    runs".into(),
            Self::HostSocket { file, .. } => {
                let place = file.as_ref().map(|file| format!(" in {}", file.display()));
                format!(
                    "mount /var/run/docker.sock instead{}: the source of a mount is a path in the \
                     guest, where dockerd runs",
                    place.unwrap_or_default()
                )
            }
            Self::NoSocket { what, .. } => format!(
                "make sure that the daemon whose socket is in {what} runs, then run cai again"
            ),
            Self::NoVolume { file, .. } => {
                let file = file.as_ref().map(|file| file.display());
                let place = file.map(|file| format!("; or add the mount to {file}"));
                format!(
                    "write volume = \"…\" in its [[socket_clients]] table: the volume or directory \
                     that holds the socket{}",
                    place.unwrap_or_default()
                )
            }
            Self::NoDaemon(_) => {
                "check the daemon behind the socket. After that daemon restarts, a container that mounts \
                 only the socket file still has the old one: mount its directory, or restart the \
                 container"
                    .into()
            }
            Self::Ends { container, .. } => format!("see `docker logs {container}`"),
            Self::ComposeMissing => {
                "install Docker's compose plugin (Debian: docker-compose; macOS: brew install \
                 docker-compose)"
                    .into()
            }
            Self::ComposeFile { path, .. } => format!(
                "fix {}, or name another compose_file or service; `docker compose -f FILE config` \
                 shows how Compose reads a file",
                path.display()
            ),
            Self::OtherMaker { container, .. } => format!(
                "name the service that created it; or remove it (docker rm -f {container}) and run cai \
                 again"
            ),
        }
    }
}
