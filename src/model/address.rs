//! The addresses of resources: `vm.containai-secure`, or `agents/vm.agents` if several files are
//! planned together.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use crate::model::VmName;

/// The kind of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Kind(&'static str);

impl Kind {
    /// The `limactl` program.
    pub const LIMA_INSTALL: Self = Self::new("lima_install");
    /// The virtual machine.
    pub const VM: Self = Self::new("vm");
    /// Docker in the guest.
    pub const PROVISION: Self = Self::new("provision");
    /// A group in the guest.
    pub const GROUP: Self = Self::new("group");
    /// An account in the guest.
    pub const USER: Self = Self::new("user");
    /// A guest user's membership in a group.
    pub const GROUP_MEMBERSHIP: Self = Self::new("group_membership");
    /// Lima's SSH session and the services use the current configuration.
    pub const RESTART: Self = Self::new("restart");
    /// The Docker socket on the host.
    pub const SOCKET: Self = Self::new("socket");
    /// The Docker context on the host.
    pub const CONTEXT: Self = Self::new("context");
    /// The Lima disk with Docker's data.
    pub const DATA_DISK: Self = Self::new("data_disk");
    /// A container that uses a Docker socket.
    pub const SOCKET_CLIENT: Self = Self::new("socket_client");

    /// A kind with this name. A kind that only one module uses is a constant of that module.
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// The name of the kind.
    pub fn name(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// The address of a resource: its kind, and its name within the kind.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    /// The VM whose file declares the resource. `None` if there is only one file or the files share
    /// the resource.
    pub scope: Option<VmName>,
    /// The kind.
    pub kind: Kind,
    /// The name within the kind. Copies of an address share it.
    name: Arc<str>,
}

impl Address {
    /// The address of a resource.
    pub fn new(kind: Kind, name: impl Into<Arc<str>>) -> Self {
        Self { scope: None, kind, name: name.into() }
    }

    /// The name within the kind.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The same address in a plan of several files. A machine has only one Lima, so the address of
    /// Lima does not change.
    #[must_use]
    pub fn scoped(mut self, scope: Option<&VmName>) -> Self {
        if self.kind != Kind::LIMA_INSTALL {
            self.scope = scope.cloned();
        }
        self
    }
}

/// The error for a text that is not the address of a resource.
#[derive(Debug, thiserror::Error)]
#[error("not the address of a resource")]
pub struct NotAnAddress;

impl JsonSchema for Address {
    fn schema_name() -> Cow<'static, str> {
        "Address".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "The address of a resource, such as `vm.containai-secure`, or \
                            `agents/vm.agents` if several files are planned together.",
            "type": "string",
        })
    }
}

/// Serialized as it is displayed: `vm.containai-secure`.
impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(scope) = &self.scope {
            write!(f, "{scope}/")?;
        }
        write!(f, "{}.{}", self.kind, self.name)
    }
}
