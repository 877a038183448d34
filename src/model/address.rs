//! The names of resources: `vm.containai-secure`; among those of several files
//! `agents/vm.agents`.

use std::fmt;
use std::str::FromStr;

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

/// The kinds by their names.
const NAMES: [(&str, Kind); 10] = [
    ("lima_install", Kind::LimaInstall),
    ("vm", Kind::Vm),
    ("provision", Kind::Provision),
    ("group", Kind::Group),
    ("user", Kind::User),
    ("group_membership", Kind::GroupMembership),
    ("restart", Kind::Restart),
    ("socket", Kind::Socket),
    ("context", Kind::Context),
    ("socket_client", Kind::SocketClient),
];

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = NAMES.iter().find(|(_, kind)| kind == self).map(|(name, _)| *name);
        f.write_str(name.unwrap_or_default())
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

/// A text that is not the address of a resource.
#[derive(Debug, thiserror::Error)]
#[error("not the address of a resource")]
pub struct NotAnAddress;

/// As [`Display`](fmt::Display) writes it, without a scope.
impl FromStr for Address {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        let (kind, name) = text.split_once('.').ok_or(NotAnAddress)?;
        let (_, kind) = NAMES.iter().find(|(own, _)| *own == kind).ok_or(NotAnAddress)?;
        Ok(Self::new(*kind, name))
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
