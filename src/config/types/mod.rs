//! The types of the file, one module for each table; the comments on public fields are what the
//! schema says of them.

mod docker;
mod file;
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

use super::check::Check;
use super::{pattern, rules};
use crate::model::ContextName;

pub use docker::{Docker, DockerSource};
pub use file::{File, Owner};
pub(super) use guest::default_users;
pub use guest::{Group, User};
pub use lima::{Install, Lima};
pub use port_forward::{PortForward, Proto};
pub use socket_client::{MountMode, SocketClient};
pub use sysbox::{PackageSource, Sysbox, SysboxPackage};
pub use variable::Variable;
pub use vm::{Image, LeftOut, Mount, Vm, VmType};

/// A `containai.toml`, checked, with its defaults filled in. Each table has a line here; its
/// checks and its paths follow below.
// `parse` reads it from the text, and `check` settles what depends on another key.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(
    title = "containai.toml",
    description = "A Docker engine in a Lima VM, as `cai` reads it. All but `version` may be left \
                   out."
)]
pub struct Config {
    /// The path of the file; `None` for a text that was not read from one.
    #[serde(skip)]
    pub file: Option<PathBuf>,
    /// Whether the record of earlier applies does not count. Without a file, nothing has left it.
    #[serde(skip)]
    pub ignores_record: bool,
    /// The version of the file's format.
    // Its absence is reported by `check`, so that a missing version hides no other mistake.
    #[schemars(required, with = "i64", extend("const" = 1))]
    pub version: Option<i64>,
    /// `[lima]`: the Lima on this machine.
    #[serde(default)]
    pub lima: Lima,
    /// `[vm]`: the VM.
    #[serde(default)]
    pub vm: Vm,
    /// `[docker]`: the engine in the VM.
    #[serde(default)]
    pub docker: Docker,
    /// `[sysbox]`: the runtime `sysbox-runc` in the VM.
    #[serde(default)]
    pub sysbox: Sysbox,
    /// Groups of the guest.
    #[serde(default)]
    pub groups: Vec<Group>,
    /// Users of the guest. Without any, Lima's user in `docker`.
    #[serde(default = "guest::default_users")]
    pub users: Vec<User>,
    /// Files in the guest.
    #[serde(default)]
    pub files: Vec<File>,
    /// `[context]`: the Docker context on this machine.
    #[serde(default)]
    pub context: Context,
    /// `[restart]`: how what changed takes effect.
    #[serde(default)]
    pub restart: Restart,
    /// Containers that use a Docker socket.
    #[serde(default)]
    pub socket_clients: Vec<SocketClient>,
}

impl Config {
    /// The rules of each table that a single value cannot break.
    pub(super) fn check(&self, check: &mut Check<'_, '_>) {
        check.lima(&self.lima);
        check.vm(&self.vm);
        check.daemon();
        check.daemon_keys(&self.docker.daemon);
        check.docker(&self.docker);
        check.sysbox(self);
        check.groups(&self.groups);
        check.users(&self.users);
        check.misspelt_groups(&self.groups, &self.users);
        file::check(check, &self.files);
        check.socket_clients(&self.socket_clients);
    }

    /// The values that are paths of this machine.
    pub(super) fn local_paths(&mut self) -> impl Iterator<Item = &mut String> {
        let profile = self.docker.seccomp_profile.iter_mut();
        let packages = self.sysbox.packages.iter_mut().map(|package| &mut package.url);
        let packages = packages.filter(|url| !url.starts_with("https://"));
        let clients = self.socket_clients.iter_mut();
        let clients = clients.filter_map(|client| client.compose_file.as_mut());
        let files = self.files.iter_mut().filter_map(|file| file.source.as_mut());
        profile.chain(packages).chain(files).chain(clients)
    }
}

/// `[context]`: the Docker context on this machine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Context {
    /// Its name; without one, that of the VM.
    #[serde(default)]
    #[schemars(with = "Option<ContextName>", default = "Option::<ContextName>::default")]
    pub name: ContextName,
    /// What `docker context ls` says of it, in one line.
    #[serde(default, deserialize_with = "rules::description")]
    #[schemars(regex(pattern = pattern::PLAIN))]
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
