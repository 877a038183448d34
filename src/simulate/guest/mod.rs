//! The guest of a simulated instance: its disk, and what runs while it is switched on.

mod accounts;
mod api;
mod client;
mod container;
mod daemon_config;
mod dockerd;
mod document;
mod inside;
mod keys;
mod look;
mod packages;
mod scripts;
mod shell;
mod systemd;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use accounts::{Account, Group};
pub(super) use client::{Unreachable, client};
pub(in crate::simulate) use container::SOCKET_GROUP;
pub use container::{Client, Container, Image, Made, Mount, VolumeSocket};
pub use dockerd::{Dockerd, Place, Store};
pub(super) use keys::Keys;
pub(super) use packages::pretty;
pub(super) use shell::run;
pub use systemd::Unit;

/// The user that every image has.
pub(super) const ROOT: &str = "root";
/// The group that Docker's packages make.
pub(super) const DOCKER: &str = "docker";
pub(super) const DOCKER_SERVICE: &str = "docker.service";
pub(super) const DOCKER_SOCKET: &str = "docker.socket";
pub(super) const DAEMON_JSON: &str = "/etc/docker/daemon.json";
/// Where `cai`'s provisioning script leaves its exit status.
pub(super) const PROVISION_FAILED: &str = "/run/cai-provision-failed";
/// What provisioning printed.
pub(super) const PROVISION_LOG: &str = "/var/log/cloud-init-output.log";

/// A guest: what is on its disk, and what runs in it.
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
    /// Those of them that dpkg could not configure.
    #[serde(default)]
    pub half_configured: BTreeSet<String>,
    /// The services that have to do with Docker.
    pub units: BTreeMap<String, Unit>,
    /// Text files that matter, by path.
    pub files: BTreeMap<String, File>,
    /// The daemon, while it runs.
    pub dockerd: Option<Dockerd>,
    /// The group number of `/var/run/docker.sock`, where there is such a socket.
    pub socket: Option<u32>,
    /// The owner of that socket, where it is not root.
    #[serde(default)]
    pub socket_owner: Option<String>,
    /// Every container, the stopped ones too.
    pub containers: Vec<Container>,
    /// The volumes that matter, each with the Docker socket in it, if any.
    #[serde(default)]
    pub volumes: BTreeMap<String, Option<VolumeSocket>>,
    /// The images, by the names that containers were started with.
    #[serde(default)]
    pub images: BTreeSet<String>,
    /// Where the daemon keeps all of these, once it has started.
    #[serde(default)]
    pub place: Option<Place>,
    /// The contents of the stores that it does not use now.
    #[serde(default)]
    pub stores: Vec<Store>,
    /// The last lines of the daemon's log.
    pub log: Vec<String>,
    /// Processors and memory that the kernel sees, while it runs.
    pub machine: Option<Machine>,
}

/// A file of a guest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Its text; nothing is kept of what is no text.
    pub text: String,
    /// The SHA-256 of what was written.
    pub sha256: String,
    /// When it was written, in seconds.
    pub modified: u64,
    /// Its mode, in octal digits; none is 644.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// The user and the group that own it; none is root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<(String, String)>,
}

/// A machine as it was switched on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The identity of this boot, as `/proc/sys/kernel/random/boot_id` has it.
    pub boot_id: String,
    /// Its processors.
    pub cpus: u32,
    /// Its memory, in bytes.
    pub memory: u64,
}

/// Who runs a command in the guest.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caller<'a> {
    /// The group numbers that the session began with.
    pub(super) session: &'a BTreeSet<u32>,
    /// Whether it is root, through `sudo -n`.
    pub(super) root: bool,
    /// The time.
    pub(super) now: u64,
    /// What the command reads.
    pub(super) stdin: Option<&'a [u8]>,
}

impl<'a> Caller<'a> {
    /// The script that a shell reads.
    fn script(&self) -> &'a str {
        self.stdin.and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
    }
}

impl Guest {
    /// A guest that was never switched on: an image with this user, and with Docker in it if the
    /// image is one of those.
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
            log: Vec::new(),
            machine: None,
        };
        if docker {
            guest.install_docker(packages::DISTRO);
        }
        guest
    }

    /// The numbers of the groups that a new session of the login user has.
    pub(super) fn login_gids(&self) -> BTreeSet<u32> {
        let primary = self.users.get(&self.user).map(|account| account.gid);
        let listed = self.groups.values().filter(|group| group.members.contains(&self.user));
        primary.into_iter().chain(listed.map(|group| group.gid)).collect()
    }

    /// Whether a session of the login user with these groups may open the Docker socket.
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

    /// Switches it on: what is enabled starts. `/run` is empty after that.
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

    /// Switches it off: every process and container ends.
    pub(super) fn power_off(&mut self) {
        self.machine = None;
        self.dockerd = None;
        self.socket = None;
        self.end_containers();
        for unit in self.units.values_mut() {
            "inactive".clone_into(&mut unit.active);
        }
    }
}
