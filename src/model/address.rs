//! The names of resources: `vm.containai-secure`; among those of several files
//! `agents/vm.agents`.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::model::VmName;

/// A kind of resource, in the order in which a graph lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// The `limactl` program.
    LimaInstall,
    /// The virtual machine.
    Vm,
    /// Docker in the guest.
    Provision,
    /// A group in the guest.
    Group,
    /// An account in the guest.
    User,
    /// A guest user's membership in a group.
    GroupMembership,
    /// The session that everything rides on has what was configured.
    Restart,
    /// The Docker socket on the host.
    Socket,
    /// The Docker context on the host.
    Context,
    /// A container that uses a Docker socket.
    SocketClient,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LimaInstall => "lima_install",
            Self::Vm => "vm",
            Self::Provision => "provision",
            Self::Group => "group",
            Self::User => "user",
            Self::GroupMembership => "group_membership",
            Self::Restart => "restart",
            Self::Socket => "socket",
            Self::Context => "context",
            Self::SocketClient => "socket_client",
        })
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
        if self.kind != Kind::LimaInstall {
            self.scope = scope.cloned();
        }
        self
    }
}

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
