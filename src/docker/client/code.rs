//! The codes of what can be wrong with a client.

use std::fmt;

use serde::{Serialize, Serializer};

/// What can be wrong with a client. In JSON, its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ClientCode {
    /// There is no such container, or it does not run.
    ContainerAbsent,
    /// It ends and is started again, over and over.
    Restarting,
    /// It mounts the host's forwarded socket, which does not exist in the guest.
    HostSocket,
    /// It has no socket at that path.
    SocketMissing,
    /// The volume is mounted read-only, and the file says otherwise. Never why a client is denied.
    MountReadonly,
    /// The socket's group has another id than the container's.
    GidMismatch,
    /// The user is not in the socket's group.
    UserNotInGroup,
    /// The user is in the group now, and the program that runs began before.
    SessionStale,
    /// No daemon answers, whatever the permissions say.
    ApiDenied,
    /// The API answers, and the container's health check or URL does not.
    Unhealthy,
}

impl ClientCode {
    /// All of them, in the order in which they are judged.
    pub const ALL: [Self; 10] = [
        Self::HostSocket,
        Self::ContainerAbsent,
        Self::Restarting,
        Self::SocketMissing,
        Self::GidMismatch,
        Self::SessionStale,
        Self::UserNotInGroup,
        Self::ApiDenied,
        Self::MountReadonly,
        Self::Unhealthy,
    ];

    /// The word for programs.
    pub const fn code(self) -> &'static str {
        match self {
            Self::ContainerAbsent => "client_container_absent",
            Self::Restarting => "client_restarting",
            Self::HostSocket => "client_host_socket",
            Self::SocketMissing => "client_socket_missing",
            Self::MountReadonly => "client_mount_readonly",
            Self::GidMismatch => "client_gid_mismatch",
            Self::UserNotInGroup => "client_user_not_in_group",
            Self::SessionStale => "client_session_stale",
            Self::ApiDenied => "client_api_denied",
            Self::Unhealthy => "client_unhealthy",
        }
    }
}

impl fmt::Display for ClientCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for ClientCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}
