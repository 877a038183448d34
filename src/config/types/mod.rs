//! The types of the file, one module for each table. The comments on public fields are their
//! descriptions in the schema.

mod docker;
mod egress;
mod file;
mod guest;
mod lima;
mod port_forward;
mod proxy;
mod repository;
mod socket_client;
mod sysbox;
mod trust;
mod variable;
mod vm;

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::Check;
use super::{pattern, rules};
use crate::model::ContextName;

pub use docker::{Docker, DockerSource};
pub use egress::Egress;
pub use file::{File, Owner};
pub(super) use guest::default_users;
pub use guest::{Group, User};
pub use lima::{Install, Lima};
pub use port_forward::{Forwarding, PortForward, Proto};
pub use proxy::Proxy;
pub use repository::Repository;
pub use socket_client::{MountMode, SocketClient};
pub use sysbox::{PackageSource, Sysbox, SysboxPackage};
pub use trust::Trust;
pub use variable::{ValueSource, Variable};
pub use vm::{Image, LeftOut, Mount, Vm, VmType};

/// A valid `containai.toml` with its defaults filled in.
// `parse` reads it, and `check` fills in the defaults that depend on another key.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(
    title = "containai.toml",
    description = "A Docker engine in a Lima VM, managed by `cai`. Only `version` is required."
)]
pub struct Config {
    /// The path of the file; `None` if the text did not come from a file.
    #[serde(skip)]
    pub file: Option<PathBuf>,
    /// The directories of mounts that are elsewhere than their locations say, because of symbolic links or, on
    /// macOS, the case of letters.
    #[serde(skip)]
    pub links: BTreeMap<String, PathBuf>,
    /// Whether to ignore the record of earlier applies. Without a file, no resource was removed
    /// from it.
    #[serde(skip)]
    pub ignores_record: bool,
    /// The version of the file's format.
    // `check` reports a missing version, so that it does not hide other errors.
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
    /// `[egress]`: where containers may connect. Without this table, they connect as Docker lets them.
    pub egress: Option<Egress>,
    /// `[proxy]`: the proxy of a corporate network.
    pub proxy: Option<Proxy>,
    /// `[[trust]]`: certificate authorities that the VM trusts.
    #[serde(default)]
    pub trust: Vec<Trust>,
    /// Groups of the guest.
    #[serde(default)]
    pub groups: Vec<Group>,
    /// Users of the guest. By default, the VM's login user, in the group docker.
    #[serde(default = "guest::default_users")]
    pub users: Vec<User>,
    /// Files in the guest.
    #[serde(default)]
    pub files: Vec<File>,
    /// `[context]`: the Docker context on this machine.
    #[serde(default)]
    pub context: Context,
    /// `[restart]`: how changes take effect.
    #[serde(default)]
    pub restart: Restart,
    /// Containers that use a Docker socket.
    #[serde(default)]
    pub socket_clients: Vec<SocketClient>,
}

impl Config {
    /// Checks the rules between values.
    pub(super) fn check(&self, check: &mut Check<'_, '_>) {
        check.lima(&self.lima);
        check.vm(&self.vm);
        check.daemon();
        check.daemon_keys(&self.docker.daemon);
        check.docker(&self.docker);
        repository::check(check);
        check.sysbox(self);
        check.egress(self);
        check.proxy(self);
        check.trust(self);
        check.groups(&self.groups);
        check.users(&self.users);
        check.misspelt_groups(&self.groups, &self.users);
        file::check(check, &self.files);
        check.socket_clients(&self.socket_clients);
    }

    /// The paths on this machine.
    pub(super) fn local_paths(&mut self) -> impl Iterator<Item = &mut String> {
        let profile = self.docker.seccomp_profile.iter_mut();
        let repository = self.docker.repository.as_mut().filter(|it| it.local_key().is_some());
        let key = repository.and_then(|it| it.key.as_mut());
        let packages = self.sysbox.packages.iter_mut().map(|package| &mut package.url);
        let packages = packages.filter(|url| !url.starts_with("https://"));
        let clients = self.socket_clients.iter_mut();
        let clients = clients.filter_map(|client| client.compose_file.as_mut());
        let files = self.files.iter_mut().filter_map(|file| file.source.as_mut());
        let certificates = self.trust.iter_mut().map(|trust| &mut trust.certificate);
        let of_proxy =
            self.proxy.iter_mut().flat_map(|proxy| [&mut proxy.username, &mut proxy.password]);
        let values = self.vm.env.values_mut().chain(of_proxy.flatten());
        let values = certificates.chain(values.filter_map(Variable::local_path));
        profile.chain(key).chain(packages).chain(files).chain(clients).chain(values)
    }

    /// The values that may come from outside the file, and their places in it.
    pub(super) fn variables(&mut self) -> impl Iterator<Item = (Vec<&str>, &mut Variable)> {
        let env = self.vm.env.iter_mut();
        let env = env.map(|(name, value)| (vec!["vm", "env", name.as_str()], value));
        let proxy = self.proxy.iter_mut().flat_map(|proxy| {
            [("username", &mut proxy.username), ("password", &mut proxy.password)]
        });
        let proxy = proxy.filter_map(|(key, value)| Some((vec!["proxy", key], value.as_mut()?)));
        env.chain(proxy)
    }
}

/// `[context]`: the Docker context on this machine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Context {
    /// Its name; by default, the name of the VM.
    #[serde(default)]
    #[schemars(with = "Option<ContextName>", default = "Option::<ContextName>::default")]
    pub name: ContextName,
    /// Its one-line description in `docker context ls`.
    #[serde(default, deserialize_with = "rules::description")]
    #[schemars(regex(pattern = pattern::PLAIN))]
    pub description: Option<String>,
}

/// `[restart]`: how changes take effect.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Restart {
    /// Which step makes a change take effect.
    pub strategy: Strategy,
}

/// How changes take effect.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Strategy {
    /// The least disruptive step that works: dockerd reload, session refresh, dockerd restart or VM
    /// restart.
    #[default]
    Auto,
    /// A restart of the VM for every change that needs a restart.
    Vm,
    /// Only steps that stop neither containers nor the VM. A plan that needs more is refused.
    Never,
}
