//! The types of the file, one module for each table; the comments on public fields are what the
//! schema says of them.

mod docker;
mod guest;
mod lima;
mod port_forward;
mod socket_client;
mod sysbox;
mod variable;
mod vm;

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{pattern, rules};
use crate::model::ContextName;

pub use docker::{Docker, DockerSource};
pub(super) use guest::default_users;
pub use guest::{Group, User};
pub use lima::{Install, Lima};
pub use port_forward::{PortForward, Proto};
pub use socket_client::{MountMode, SocketClient};
pub use sysbox::{PackageSource, Sysbox, SysboxPackage};
pub use variable::Variable;
pub use vm::{Image, LeftOut, Mount, Vm, VmType};

/// A Docker engine in a Lima VM, as `cai` reads it. All but `version` may be left out.
// The file as it is written. What depends on another key of it is still open here, and is settled
// in `Config`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "containai.toml")]
pub(super) struct File {
    /// The version of the file's format.
    // Its absence is reported by `check`, so that a missing version hides no other mistake.
    #[schemars(required, with = "i64", extend("const" = 1))]
    pub(super) version: Option<i64>,
    #[serde(default)]
    pub(super) lima: Lima,
    #[serde(default)]
    pub(super) vm: Vm,
    #[serde(default)]
    pub(super) docker: Docker,
    #[serde(default)]
    pub(super) sysbox: Sysbox,
    /// Groups of the guest.
    #[serde(default)]
    pub(super) groups: Vec<Group>,
    /// Users of the guest. Without any, Lima's user in `docker`.
    #[serde(default = "guest::default_users")]
    pub(super) users: Vec<User>,
    #[serde(default)]
    pub(super) context: FileContext,
    #[serde(default)]
    pub(super) restart: Restart,
    /// Containers that use a Docker socket.
    #[serde(default)]
    pub(super) socket_clients: Vec<SocketClient>,
}

/// `[context]`: the Docker context on this machine.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Context")]
pub(super) struct FileContext {
    /// Its name; without one, that of the VM.
    pub(super) name: Option<ContextName>,
    /// What `docker context ls` says of it, in one line.
    #[serde(deserialize_with = "rules::description")]
    #[schemars(regex(pattern = pattern::PLAIN))]
    pub(super) description: Option<String>,
}

/// A `containai.toml`, checked, with its defaults filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The path of the file; `None` for a text that was not read from one.
    pub file: Option<PathBuf>,
    /// Whether the record of earlier applies counts. Without a file, nothing has left it.
    pub has_record: bool,
    /// `[lima]`: the Lima on this machine.
    pub lima: Lima,
    /// `[vm]`: the VM.
    pub vm: Vm,
    /// `[docker]`: the engine in the VM.
    pub docker: Docker,
    /// `[sysbox]`: the runtime `sysbox-runc` in the VM.
    pub sysbox: Sysbox,
    /// `[[groups]]`: groups of the guest, in the file's order.
    pub groups: Vec<Group>,
    /// `[[users]]`: users of the guest, in the file's order. Lima's user is in `docker` where it is not
    /// among them.
    pub users: Vec<User>,
    /// `[context]`: the Docker context on this machine.
    pub context: Context,
    /// `[restart]`: how what changed takes effect.
    pub restart: Restart,
    /// `[[socket_clients]]`: containers that use a Docker socket, in the file's order.
    pub socket_clients: Vec<SocketClient>,
}

/// `[context]`: the Docker context on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// Its name; that of the VM where the file gives none.
    pub name: ContextName,
    /// What `docker context ls` says of it, in one line; none leaves the words to `cai`.
    pub description: Option<String>,
}

/// `[restart]`: how what changed takes effect.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Restart {
    /// How far to go.
    pub strategy: Strategy,
}

/// How far to go for a change to take effect.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Strategy {
    /// The least that works: dockerd reload, session refresh, dockerd restart, VM restart.
    #[default]
    Auto,
    /// A restart of the VM for whatever needs a restart of anything.
    Vm,
    /// Only steps that stop neither a container nor the VM. A plan that needs more is refused.
    Never,
}
