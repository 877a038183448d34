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
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::check::Check;
use super::layers::{Provenance, child, element};
use super::{pattern, rules};
use crate::model::ContextName;

pub use docker::{Docker, DockerSource};
pub use egress::Egress;
pub use file::{File, Owner};
pub(super) use guest::default_users;
pub use guest::{Group, User};
pub use lima::{Install, Lima};
pub(in crate::config) use port_forward::GUEST_IP;
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
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
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
    /// Where the values come from.
    #[serde(skip)]
    pub origin: Arc<Provenance>,
    /// Whether to ignore the record of earlier applies. Without a file, no resource was removed
    /// from it.
    #[serde(skip)]
    pub ignores_record: bool,
    /// The files that this one extends: a path, or a list of paths. They are relative to this file. Its own
    /// values replace theirs.
    // `layers` reads it and `locked`, and removes them from the merged document. Here, both are only names of keys.
    #[serde(default)]
    #[schemars(schema_with = "extends")]
    pub extends: Vec<String>,
    /// Keys that other files may not change, such as "vm.mounts". Only in the organization's file.
    #[serde(default)]
    pub locked: Vec<String>,
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

    /// The paths on this machine, with their keys.
    pub(super) fn local_paths(&mut self) -> Vec<(String, &mut String)> {
        let mut paths = Vec::new();
        if let Some(profile) = &mut self.docker.seccomp_profile {
            paths.push(("docker.seccomp_profile".to_owned(), profile));
        }
        let repository = self.docker.repository.as_mut().filter(|it| it.local_key().is_some());
        if let Some(key) = repository.and_then(|it| it.key.as_mut()) {
            paths.push(("docker.repository.key".to_owned(), key));
        }
        let packages = self.sysbox.packages.iter_mut().map(|it| Some(&mut it.url));
        let packages = packages.map(|url| url.filter(|url| !url.starts_with("https://")));
        paths.extend(elements("sysbox.packages", "url", packages));
        let files = self.files.iter_mut().map(|it| it.source.as_mut());
        paths.extend(elements("files", "source", files));
        let clients = self.socket_clients.iter_mut().map(|it| it.compose_file.as_mut());
        paths.extend(elements("socket_clients", "compose_file", clients));
        let trust = self.trust.iter_mut().map(|it| Some(&mut it.certificate));
        paths.extend(elements("trust", "certificate", trust));
        let values = variables(&mut self.vm, self.proxy.as_mut());
        paths.extend(values.filter_map(|(key, value)| Some((key, value.local_path()?))));
        paths
    }

    /// The values that may come from outside the file, with their keys.
    pub(super) fn variables(&mut self) -> impl Iterator<Item = (String, &mut Variable)> {
        variables(&mut self.vm, self.proxy.as_mut())
    }
}

/// The values of a key in the elements of an array, with their keys in the file.
fn elements<'a>(
    array: &str,
    name: &str,
    values: impl Iterator<Item = Option<&'a mut String>>,
) -> impl Iterator<Item = (String, &'a mut String)> {
    let values = values.enumerate();
    values.filter_map(move |(index, value)| Some((child(&element(array, index), name), value?)))
}

fn variables<'a>(
    vm: &'a mut Vm,
    proxy: Option<&'a mut Proxy>,
) -> impl Iterator<Item = (String, &'a mut Variable)> {
    let env = vm.env.iter_mut().map(|(name, value)| (child("vm.env", name.as_str()), value));
    let proxy = proxy.into_iter().flat_map(|proxy| {
        [("proxy.username", &mut proxy.username), ("proxy.password", &mut proxy.password)]
    });
    env.chain(proxy.filter_map(|(key, value)| Some((key.to_owned(), value.as_mut()?))))
}

fn extends(_: &mut SchemaGenerator) -> Schema {
    let path = json_schema!({ "type": "string", "pattern": pattern::EXTENDED });
    json_schema!({ "oneOf": [path, { "type": "array", "items": path }] })
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
