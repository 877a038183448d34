//! The names of resources: `vm.containai-secure`; among those of several files
//! `agents/vm.agents`.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::model::VmName;

/// A kind of resource, by its name.
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
    /// The session that everything rides on has what was configured.
    pub const RESTART: Self = Self::new("restart");
    /// The Docker socket on the host.
    pub const SOCKET: Self = Self::new("socket");
    /// The Docker context on the host.
    pub const CONTEXT: Self = Self::new("context");
    /// A container that uses a Docker socket.
    pub const SOCKET_CLIENT: Self = Self::new("socket_client");

    /// The kind of this name. One that only its own module names has its constant there.
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// The name of one resource: its kind, and what tells it from others of the kind.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    /// The VM whose file it is in, where several files are planned together and it is not shared
    /// by them.
    pub scope: Option<VmName>,
    /// The kind.
    pub kind: Kind,
    /// The name within the kind.
    pub name: String,
}

impl Address {
    /// Names a resource.
    pub fn new(kind: Kind, name: impl Into<String>) -> Self {
        Self { scope: None, kind, name: name.into() }
    }

    /// The same among the resources of several files. There is one Lima on a machine, so its name
    /// stays.
    #[must_use]
    pub fn scoped(mut self, scope: Option<&VmName>) -> Self {
        if self.kind != Kind::LIMA_INSTALL {
            self.scope = scope.cloned();
        }
        self
    }
}

/// A text that is not the address of a resource.
#[derive(Debug, thiserror::Error)]
#[error("not the address of a resource")]
pub struct NotAnAddress;

/// As it is shown: `vm.containai-secure`.
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
