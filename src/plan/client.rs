//! Why a container that uses a Docker socket cannot be mended.

use std::path::PathBuf;

use serde::Serialize;

/// What stands in the way. In JSON as [`Problem`](super::Problem) is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize)]
#[serde(tag = "kind", content = "data", rename_all = "kebab-case")]
pub enum ClientProblem {
    /// No compose file is named by which it could be made anew.
    #[error("{container} has to be made anew, and the file names no compose file for that")]
    NoCompose {
        /// The container.
        container: String,
        /// The options of `docker run` that differ; none where it has only to be started.
        options: Vec<String>,
    },
    /// A restart is enough, and the file names no compose file.
    #[error("{container} has to be restarted")]
    Restart {
        /// The container.
        container: String,
        /// The command that does it.
        command: String,
    },
    /// The daemon gives its socket another group than the file says.
    #[error("the socket belongs to the group {socket}, and the file says {file}")]
    SocketGid {
        /// The socket's group.
        socket: u32,
        /// The file's.
        file: u32,
    },
    /// The container has the group, and its program gave it up.
    #[error("{container} is made with the group {gid}, and its entrypoint does not keep it")]
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
    /// The container is made with the user, and its program runs as another.
    #[error("{container} is made with the user {user}, and its entrypoint takes another")]
    ImageUser {
        /// The container.
        container: String,
        /// The user.
        user: String,
    },
    /// The image has no user of that name, and the file no id for it.
    #[error("the image of {container} has no user {user}")]
    NoUser {
        /// The container.
        container: String,
        /// The user.
        user: String,
    },
    /// The mode of the socket lets no group use it.
    #[error("the socket has mode {0}, which lets no group use it")]
    SocketMode(String),
    /// The container mounts the host's forwarded socket, which does not exist in the guest.
    #[error("{path} is a socket of this machine, but dockerd runs in the guest")]
    HostSocket {
        /// The path.
        path: String,
        /// The compose file that mounts it, where one is named.
        file: Option<PathBuf>,
    },
    /// What is mounted holds no socket.
    #[error("{what} is mounted at {at}, and holds no socket")]
    NoSocket {
        /// What is mounted.
        what: String,
        /// Where.
        at: String,
    },
    /// Nothing is mounted, and the file does not say what to mount.
    #[error("{container} mounts nothing at {socket}, and the file names no volume for it")]
    NoVolume {
        /// The container.
        container: String,
        /// The path of the socket.
        socket: String,
        /// The compose file, if the file names one.
        file: Option<PathBuf>,
    },
    /// The permissions suffice, and no daemon answers.
    #[error("{0}")]
    NoDaemon(String),
    /// It ends again and again, and not for want of the socket's group.
    #[error("{container} ends again and again: {why}")]
    Ends {
        /// The container.
        container: String,
        /// The last words of its log.
        why: String,
    },
    /// Neither `docker compose` nor `docker-compose`.
    #[error("there is neither `docker compose` nor docker-compose")]
    ComposeMissing,
    /// A compose file that is not there or cannot be worked with.
    #[error("{}: {why}", path.display())]
    ComposeFile {
        /// Its path.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Compose did not make the container, or not as this service.
    #[error("{container} was made {by}, and not as the service {service}")]
    OtherMaker {
        /// The container.
        container: String,
        /// How it was made.
        by: String,
        /// The service that the file names.
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
                "make it anew with: docker run … {}; or name its compose_file and service",
                options.join(" ")
            ),
            Self::Restart { command, .. } => {
                format!("run: {command}; or name its compose_file and service")
            }
            Self::SocketGid { socket, file } => format!(
                "write gid = {socket} for it; or give the socket the group {file}, where its \
                 daemon is ([[groups]] name = \"docker\", gid = {file}; or dockerd --group {file})"
            ),
            Self::ImageGroup { user, group, gid, .. } => format!(
                "only its image can change that, by a line in its Dockerfile: RUN addgroup -g \
                 {gid} {group} && adduser {user} {group}"
            ),
            Self::ImageUser { user, .. } => {
                format!("only its image can change that: let its entrypoint run as {user}")
            }
            Self::NoUser { user, .. } => format!(
                "write its uid; or add it to the image, by a line in its Dockerfile: RUN adduser \
                 -D {user}"
            ),
            Self::SocketMode(_) => "give it mode 660 where its daemon is".into(),
            Self::HostSocket { file, .. } => {
                let place = file.as_ref().map(|file| format!(" in {}", file.display()));
                format!(
                    "mount /var/run/docker.sock instead{}: the source of a mount is a path of the \
                     guest, where dockerd runs",
                    place.unwrap_or_default()
                )
            }
            Self::NoSocket { what, .. } => format!(
                "see whether the daemon runs that keeps its socket in {what}, then run cai again"
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
                "see to the daemon behind the socket. A socket that is mounted by itself is the old \
                 one after its daemon restarted: mount its directory, or restart the container"
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
                "name the service that made it; or remove it (docker rm -f {container}) and run \
                 cai again"
            ),
        }
    }
}
