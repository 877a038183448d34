//! Everything that was observed on one machine: with the file, the only input of planning.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::SystemTime;

use semver::Version;
use serde_json::{Map, Value};

use crate::config::Config;
use crate::docker::ContextMetadata;
use crate::guest::GuestFacts;
use crate::host::{Ping, Platform};
use crate::lima::{Agent, DISKS, Disk, Ssh, Status, UserFile};
use crate::model::address::Address;
use crate::model::value::Shared;
use crate::model::{ContextName, redact};
use crate::plan::{Observation, Reason};
use crate::resource::containers;
use crate::resource::record::{Entry, Keys, Record, UndeclaredKeys};
use crate::resource::socket_client::ClientFacts;

/// The observed facts for one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The platform.
    pub platform: Platform,
    /// The number of CPUs, if known.
    pub cpus: Option<u32>,
    /// The tools on the host.
    pub tools: Tools,
    /// Where `cai` installs releases of Lima: each has a directory in it.
    pub lima_releases: PathBuf,
    /// The user's files that Lima merges into every instance.
    pub lima_files: Vec<UserFile>,
    /// The user's home directory.
    pub home: Option<PathBuf>,
    /// The instance's directory, or where it will be.
    pub directory: PathBuf,
    /// The record of earlier applies. `None` if the VM has none.
    pub record: Option<Record>,
    /// Things from earlier applies on this machine.
    pub former: Former,
    /// The instance.
    pub vm: Observation<VmFacts>,
    /// The guest, which can be observed while the VM runs.
    pub guest: Observation<GuestFacts>,
    /// The last report of Lima's host agent about the start of a running VM.
    pub agent: Option<Agent>,
    /// Whether Lima's SSH master connection is alive.
    pub master: bool,
    /// The socket to which an adopted VM forwards dockerd's itself.
    pub engine_socket: Option<PathBuf>,
    /// What answers on the host's socket. `None` if a request would have changed something: it starts a
    /// stopped dockerd through socket activation.
    pub socket: Option<Ping>,
    /// Whether other users of this machine can connect to that socket, which makes them root in the VM.
    pub exposed: bool,
    /// Files of the host that the file names and that do not exist.
    pub missing: BTreeSet<PathBuf>,
    /// The files of the host that the resources read, by their paths.
    pub files: BTreeMap<PathBuf, HostFile>,
    /// The Lima disk for Docker's data, if the file declares one and it exists.
    pub data_disk: Option<Disk>,
    /// The Docker context.
    pub context: Option<ContextMetadata>,
    /// The containers that use a Docker socket, by their names in the file.
    pub clients: BTreeMap<String, ClientFacts>,
}

/// Things from earlier applies on this machine that the file no longer declares.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Former {
    /// Other VMs that this file was applied to, by name.
    pub vms: BTreeMap<String, FormerVm>,
    /// The recorded Docker contexts that the file no longer names.
    pub contexts: BTreeMap<ContextName, ContextMetadata>,
    /// The current Docker context, if there are any.
    pub current_context: Option<String>,
}

/// A VM that a file was applied to and no longer declares.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FormerVm {
    /// Its Docker contexts, without the one that the file names.
    pub contexts: Vec<String>,
    /// The Lima disk with its Docker data.
    pub disk: Option<String>,
}

impl Former {
    /// The remarks about the other VMs.
    pub fn reasons(&self) -> impl Iterator<Item = Reason> {
        let vms = self.vms.iter();
        vms.map(|(name, FormerVm { contexts, disk })| Reason::FormerVm {
            name: name.clone(),
            contexts: contexts.clone(),
            disk: disk.clone(),
        })
    }
}

/// A file of the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostFile {
    /// The SHA-256 of its contents.
    pub sha256: String,
    /// Its contents, if they are text.
    pub text: Option<String>,
}

/// The tools that were found on `PATH`; `limactl` also where `cai` installs it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tools {
    /// `limactl`, and its version.
    pub limactl: Option<(PathBuf, Version)>,
    /// `ssh`.
    pub ssh: Option<PathBuf>,
    /// `docker`.
    pub docker: Option<PathBuf>,
    /// `brew`.
    pub brew: Option<PathBuf>,
}

/// An instance of Lima.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VmFacts {
    /// Its state.
    pub status: Status,
    /// The login user of its guest, if Lima reports it.
    pub user: Option<String>,
    /// Whether Lima protects it from removal.
    pub protected: bool,
    /// Whether `cai` created it: its `lima.yaml` has the mark.
    pub managed: bool,
    /// Its CPUs, memory and disk (in bytes) in Lima's merged configuration, which the next start uses.
    pub cpus: Option<u32>,
    /// See `cpus`.
    pub memory: Option<u64>,
    /// See `cpus`.
    pub disk: Option<u64>,
    /// Its architecture, as Lima names it.
    pub arch: Option<String>,
    /// Its virtualization, as Lima names it.
    pub vm_type: Option<String>,
    /// Its own `lima.yaml`. Not the list's merged form: that holds Lima's defaults and the user's
    /// overrides, neither of which an edit could change.
    pub yaml: Shared<Map<String, Value>>,
    /// Its text, with its comments.
    pub text: Shared<String>,
}

impl VmFacts {
    /// Whether its YAML attaches this disk of Lima's.
    pub fn has_disk(&self, name: &str) -> bool {
        let disks = self.yaml.get(DISKS).and_then(Value::as_array);
        disks.into_iter().flatten().any(|entry| Disk::named_by(entry) == Some(name))
    }
}

impl Facts {
    /// The same without the VM: as it will be once the VM is deleted.
    #[must_use]
    pub fn without_vm(&self) -> Self {
        Self {
            vm: Observation::Absent,
            guest: Observation::Absent,
            record: None,
            agent: None,
            master: false,
            engine_socket: None,
            socket: None,
            exposed: false,
            clients: BTreeMap::new(),
            ..self.clone()
        }
    }

    /// The values that must not be shown: variables of the guest that the file marks as sensitive or does
    /// not declare, and values in its documents that look like secrets.
    pub fn secrets(&self, config: &Config) -> Vec<String> {
        let mut secrets = Vec::new();
        if let Some(vm) = self.vm.present() {
            let env = vm.yaml.get("env").and_then(Value::as_object);
            let hidden =
                env.into_iter().flatten().filter(|(name, value)| config.hides(name, value));
            secrets.extend(hidden.filter_map(|(_, value)| value.as_str().map(str::to_owned)));
            secrets.extend(redact::secrets(&vm.yaml));
        }
        if let Some(guest) = self.guest.present() {
            secrets.extend(redact::secrets(&guest.daemon_json.keys().unwrap_or_default()));
            secrets.extend(redact::secrets(&guest.daemon_json.loaded_keys()));
        }
        secrets
    }

    /// The containers that `cai` stopped and did not start again, if there are any.
    pub fn left_stopped(&self) -> Option<Reason> {
        containers::left_stopped(self.guest.present()?)
    }

    /// The time on the engine's clock.
    pub fn engine_time(&self) -> Option<SystemTime> {
        self.guest.present()?.engine.as_ref()?.time
    }

    /// Whether the record says that `cai` created this resource.
    pub fn owns(&self, address: &Address) -> bool {
        self.record.as_ref().is_some_and(|record| record.owns(address))
    }

    /// Whether the record says that `cai` set this key of a resource.
    pub fn sets(&self, address: &Address, key: &str) -> bool {
        let key = self.recorded(address).and_then(|entry| entry.keys.get(key));
        key.is_some_and(|key| key.origin.is_own())
    }

    /// The recorded keys of a resource that are no longer declared.
    pub fn undeclared(&self, address: &Address, keys: &Keys) -> UndeclaredKeys {
        let record = self.record.as_ref();
        record.map(|record| record.undeclared(address, keys)).unwrap_or_default()
    }

    /// The recorded keys of a resource that are not among these. Which of them exist is unknown until
    /// it can be observed.
    pub fn former_keys(&self, address: &Address, declared: &Map<String, Value>) -> Vec<String> {
        let keys = self.recorded(address).into_iter().flat_map(|entry| entry.keys.keys());
        keys.filter(|key| !declared.contains_key(*key)).cloned().collect()
    }

    /// The record's entry of a resource.
    pub fn recorded(&self, address: &Address) -> Option<&Entry> {
        self.record.as_ref()?.entry(address)
    }

    /// Where the forwarded Docker socket is.
    pub fn docker_socket(&self) -> PathBuf {
        self.engine_socket.clone().unwrap_or_else(|| Ssh::docker_socket(&self.directory))
    }

    /// Whether the VM is starting and its guest, or Docker in it, is not there yet.
    pub fn is_starting(&self) -> bool {
        let is_there = self.guest.present().is_some_and(|guest| guest.dockerd_installed);
        self.agent == Some(Agent::Starting) && !is_there
    }

    /// The VM's longest socket path, its length and the limit in bytes, if it is too long.
    pub fn long_socket_path(&self) -> Option<(PathBuf, usize, usize)> {
        let path = Ssh::longest_socket(&self.directory);
        // The limit includes the terminating NUL.
        let (length, limit) = (path.as_os_str().len(), self.platform.socket_path_limit() - 1);
        (length > limit).then_some((path, length, limit))
    }

    /// The login user of the guest, if known.
    pub fn login_user(&self) -> Option<&str> {
        match &self.guest {
            Observation::Present(guest) => Some(&guest.user),
            _ => self.vm.present()?.user.as_deref(),
        }
    }
}
