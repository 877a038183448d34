//! The guest of a simulated instance: its disk, and what runs while it is on.

mod accounts;
mod api;
mod apt;
mod client;
mod container;
mod daemon_config;
mod data_disk;
mod dockerd;
mod document;
mod egress;
mod inside;
mod look;
mod packages;
mod scripts;
mod settings;
mod shell;
mod systemd;
mod yq;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use accounts::{Account, Group};
pub(super) use client::{Unreachable, client};
pub(in crate::simulate) use container::SOCKET_GROUP;
pub use container::{Client, Container, ContainerImage, ContainerMount, Made, VolumeSocket};
pub use dockerd::{Dockerd, Store, StoreLocation};
pub(super) use packages::pretty;
pub(super) use shell::run;
pub use systemd::Unit;
pub(super) use yq::YqEntry;

/// The user that every image has.
pub(super) const ROOT: &str = "root";
/// The group that Docker's packages create.
pub(super) const DOCKER: &str = "docker";
pub(super) const DOCKER_SERVICE: &str = "docker.service";
pub(super) const DOCKER_SOCKET: &str = "docker.socket";
pub(super) const DAEMON_JSON: &str = "/etc/docker/daemon.json";
/// The file with the exit status of `cai`'s provisioning script.
pub(super) const PROVISION_FAILED: &str = "/run/cai-provision-failed";
/// The output of provisioning.
pub(super) const PROVISION_LOG: &str = "/var/log/cloud-init-output.log";

/// A guest: the state of its disk and of its processes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guest {
    /// The login user.
    pub user: String,
    /// The distribution's name for the architecture.
    pub arch: String,
    /// The groups, by name.
    pub groups: BTreeMap<String, Group>,
    /// The accounts, by name.
    pub users: BTreeMap<String, Account>,
    /// The installed packages, with their versions.
    pub packages: BTreeMap<String, String>,
    /// The packages that dpkg could not configure.
    #[serde(default)]
    pub half_configured: BTreeSet<String>,
    /// The services of Docker and Sysbox.
    pub units: BTreeMap<String, Unit>,
    /// The relevant text files, by path.
    pub files: BTreeMap<String, File>,
    /// The daemon, while it runs.
    pub dockerd: Option<Dockerd>,
    /// The gid of `/var/run/docker.sock`, if the socket exists.
    pub socket: Option<u32>,
    /// The owner of that socket, if not root.
    #[serde(default)]
    pub socket_owner: Option<String>,
    /// All containers, including stopped ones.
    pub containers: Vec<Container>,
    /// The relevant volumes, each with its Docker socket, if any.
    #[serde(default)]
    pub volumes: BTreeMap<String, Option<VolumeSocket>>,
    /// The images, by the names with which containers were started.
    #[serde(default)]
    pub images: BTreeSet<String>,
    /// The store of the daemon, once the daemon has started.
    #[serde(default)]
    pub place: Option<StoreLocation>,
    /// The stores that the daemon does not currently use.
    #[serde(default)]
    pub stores: Vec<Store>,
    /// The attached disks of Lima's.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub disks: BTreeSet<String>,
    /// The egress rules in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub egress: Option<String>,
    /// The last lines of the daemon's log.
    pub log: Vec<String>,
    /// The machine's CPUs and memory, while it runs.
    pub machine: Option<Machine>,
}

/// A file of a guest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// The text; empty for a binary file.
    pub text: String,
    /// The SHA-256 checksum of the contents.
    pub sha256: String,
    /// The time of the last change, in seconds.
    pub modified: u64,
    /// The mode in octal. `None` is 644.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// The user and group that own it. `None` is root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<(String, String)>,
}

/// A running virtual machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The ID of this boot, as in `/proc/sys/kernel/random/boot_id`.
    pub boot_id: String,
    /// The number of CPUs.
    pub cpus: u32,
    /// The memory, in bytes.
    pub memory: u64,
}

/// The caller of a command in the guest.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caller<'a> {
    /// The gids with which the session started.
    pub(super) session: &'a BTreeSet<u32>,
    /// Whether the command runs as root, through `sudo -n`.
    pub(super) root: bool,
    /// The current time.
    pub(super) now: u64,
    /// The standard input.
    pub(super) stdin: Option<&'a [u8]>,
}

impl<'a> Caller<'a> {
    /// The script on the standard input of a shell.
    fn script(&self) -> &'a str {
        self.stdin.and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
    }
}

impl Guest {
    /// A guest that never booted: an image with this user, and with Docker if the image includes
    /// it.
    pub(super) fn new(user: &str, uid: u32, arch: &str, docker: bool) -> Self {
        let group = |name: &str, gid, members: &[&str]| {
            let members = members.iter().map(|&member| member.to_owned()).collect();
            (name.to_owned(), Group { gid, members })
        };
        let account = |name: &str, uid, home: String| {
            (name.to_owned(), Account { uid, gid: uid, home, shell: "/bin/bash".into() })
        };
        let mut guest = Self {
            user: user.to_owned(),
            arch: arch.to_owned(),
            groups: [
                group(ROOT, 0, &[]),
                group("adm", 4, &[]),
                group("sudo", 27, &[]),
                group(user, uid, &[]),
            ]
            .into(),
            users: [
                account(ROOT, 0, "/root".into()),
                account(user, uid, format!("/home/{user}.guest")),
            ]
            .into(),
            packages: BTreeMap::new(),
            half_configured: BTreeSet::new(),
            units: BTreeMap::new(),
            files: BTreeMap::new(),
            dockerd: None,
            socket: None,
            socket_owner: None,
            containers: Vec::new(),
            volumes: BTreeMap::new(),
            images: BTreeSet::new(),
            place: None,
            stores: Vec::new(),
            disks: BTreeSet::new(),
            egress: None,
            log: Vec::new(),
            machine: None,
        };
        if docker {
            guest.install_docker(packages::DISTRO);
        }
        guest
    }

    /// The gids of a new session of the login user.
    pub(super) fn login_gids(&self) -> BTreeSet<u32> {
        let primary = self.users.get(&self.user).map(|account| account.gid);
        let listed = self.groups.values().filter(|group| group.members.contains(&self.user));
        primary.into_iter().chain(listed.map(|group| group.gid)).collect()
    }

    /// Whether a session with these groups can open the Docker socket.
    pub(super) fn lets_in(&self, groups: &BTreeSet<u32>) -> bool {
        let owns = self.socket_owner.as_ref() == Some(&self.user);
        self.socket.is_some_and(|gid| owns || groups.contains(&gid))
    }

    /// Writes a file.
    pub(super) fn write(&mut self, path: &str, contents: impl AsRef<[u8]>, now: u64) {
        let contents = contents.as_ref();
        let text = String::from_utf8(contents.to_vec()).unwrap_or_default();
        let sha256 = crate::model::digest::sha256(contents);
        let file = File { text, sha256, modified: now, ..File::default() };
        self.files.insert(path.to_owned(), file);
    }

    /// The text of a file.
    pub(super) fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(|file| file.text.as_str())
    }

    /// Boots the guest: enabled units start, and `/run` is empty.
    pub(super) fn boot(&mut self, machine: Machine, now: u64) {
        self.machine = Some(machine);
        self.files.retain(|path, _| !path.starts_with("/run/"));
        let enabled: Vec<String> = self
            .units
            .iter()
            .filter(|(_, unit)| unit.enabled == "enabled")
            .map(|(name, _)| name.clone())
            .collect();
        for unit in enabled {
            self.start_unit(&unit, now);
        }
    }

    /// Powers off: all processes and containers stop.
    pub(super) fn power_off(&mut self) {
        self.machine = None;
        self.egress = None;
        self.dockerd = None;
        self.socket = None;
        self.end_containers();
        for unit in self.units.values_mut() {
            "inactive".clone_into(&mut unit.active);
        }
    }
}
