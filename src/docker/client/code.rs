//! The codes of the faults of a client.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

/// A fault of a client. In JSON, its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ClientCode {
    /// The container does not exist or is not running.
    ContainerAbsent,
    /// It exits and is restarted again and again.
    Restarting,
    /// It mounts the host's forwarded socket, which does not exist in the guest.
    HostSocket,
    /// The socket does not exist at that path in the container.
    SocketMissing,
    /// The volume is mounted read-only against the file. Never the cause of a denied request.
    MountReadonly,
    /// The gid of the socket's group differs from the one in the container.
    GidMismatch,
    /// The user is not in the socket's group.
    UserNotInGroup,
    /// The user was added to the group after the running process started.
    SessionStale,
    /// No daemon answers, although the permissions are correct.
    ApiDenied,
    /// The API answers, but the container's health check or URL fails.
    Unhealthy,
}

impl ClientCode {
    /// All codes in the order of diagnosis.
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

    /// The code for programs.
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

impl JsonSchema for ClientCode {
    fn schema_name() -> Cow<'static, str> {
        "ClientCode".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let codes: Vec<&str> = Self::ALL.iter().map(|code| code.code()).collect();
        json_schema!({
            "description": "The fault of a container that uses a Docker socket.",
            "type": "string",
            "enum": codes,
        })
    }
}

impl Serialize for ClientCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}
