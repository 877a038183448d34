//! The world of a simulated host, as plain data.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::guest::Store;
use super::instance::{DOCKER_SOCKET, Instance};
use crate::host::{Os, Platform};
use crate::model::Arch;
use crate::model::digest::sha256;

/// The initial time of a new world: 2026-01-01, in seconds of Unix time.
const BEGINNING: u64 = 1_767_225_600;
/// The version of the format of a saved world.
pub(super) const FORMAT: u32 = 1;

/// The complete state of a simulated host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct World {
    /// The version of the format.
    pub format: u32,
    /// The time, in seconds. It advances only with changes and nothing waits for it, so two worlds
    /// with the same time are the same.
    pub clock: u64,
    /// The machine itself.
    pub computer: Computer,
    /// Lima's instances, by name.
    pub instances: BTreeMap<String, Instance>,
    /// Lima's disks, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub disks: BTreeMap<String, Disk>,
    /// Docker's contexts: the `meta.json` of each, by directory name.
    pub contexts: BTreeMap<String, String>,
    /// All other files in the home directory that programs or `cai` wrote.
    pub files: BTreeMap<PathBuf, String>,
}

/// A disk of Lima's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disk {
    /// Its size in bytes.
    pub size: u64,
    /// Docker's data on it, while no guest has it.
    pub stores: Vec<Store>,
}

/// The simulated machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Computer {
    /// The platform.
    pub platform: Platform,
    /// The user.
    pub user: String,
    /// The user's home directory.
    pub home: PathBuf,
    /// The directory of Lima's instances.
    pub lima_home: PathBuf,
    /// The directory of the docker command's configuration.
    pub docker_config: PathBuf,
    /// The programs on `PATH` with their versions.
    pub programs: BTreeMap<String, String>,
    /// The `limactl` programs that are not on `PATH`, by path, with their versions.
    #[serde(default)]
    pub installed: BTreeMap<PathBuf, String>,
    /// The number of CPUs.
    pub cpus: u32,
}

/// The version of the simulated Lima.
pub(super) const LIMA_VERSION: &str = "2.2.0";
/// The version of the simulated docker command.
pub(super) const DOCKER_CLI_VERSION: &str = "28.2.2";

impl World {
    /// A machine with the tools and nothing else.
    ///
    /// Its home directory does not exist on real machines, so that simulated paths are never
    /// mistaken for real ones.
    pub fn new(platform: Platform) -> Self {
        let homes = match platform.os {
            Os::MacOs => "/Users",
            Os::Linux => "/home",
        };
        Self::in_home(platform, &Path::new(homes).join("dev.simulated"))
    }

    /// The same machine with this home directory.
    pub fn in_home(platform: Platform, home: &Path) -> Self {
        let mut programs =
            vec![("limactl", LIMA_VERSION), ("ssh", "9.6"), ("docker", DOCKER_CLI_VERSION)];
        if platform.os == Os::MacOs {
            programs.push(("brew", "4.6.0"));
        }
        let programs = programs.into_iter().map(|(name, version)| (name.into(), version.into()));
        let mut world = Self {
            format: FORMAT,
            clock: BEGINNING,
            computer: Computer {
                platform,
                user: "dev".into(),
                home: home.to_owned(),
                lima_home: home.join(".lima"),
                docker_config: home.join(".docker"),
                programs: programs.collect(),
                installed: BTreeMap::new(),
                cpus: 8,
            },
            instances: BTreeMap::new(),
            disks: BTreeMap::new(),
            contexts: BTreeMap::new(),
            files: BTreeMap::new(),
        };
        if platform.os == Os::MacOs {
            world.have_docker_desktop();
        }
        world
    }

    /// macOS hosts often have Docker Desktop, which cai must not change.
    fn have_docker_desktop(&mut self) {
        let socket = self.computer.home.join(".docker/run/docker.sock");
        let meta = super::docker::metadata(
            "desktop-linux",
            "Docker Desktop",
            &format!("unix://{}", socket.display()),
        );
        self.contexts.insert(context_directory("desktop-linux"), meta.to_string());
        self.files.insert(
            self.computer.docker_config.join("config.json"),
            "{\n\t\"currentContext\": \"desktop-linux\"\n}\n".into(),
        );
    }

    /// Advances the time because something changed.
    pub(super) fn pass(&mut self, seconds: u64) {
        self.clock += seconds;
    }

    /// The directory of an instance, which may not exist.
    pub(super) fn directory(&self, name: &str) -> PathBuf {
        self.computer.lima_home.join(name)
    }

    /// The instance that a file belongs to, and the path of the file in its directory.
    fn instance_file<'a>(&self, path: &'a Path) -> Option<(&Instance, &'a Path)> {
        let rest = path.strip_prefix(&self.computer.lima_home).ok()?;
        let name = rest.components().next()?;
        let instance = self.instances.get(name.as_os_str().to_str()?)?;
        Some((instance, rest.strip_prefix(name).ok()?))
    }

    /// A text file of this world.
    pub fn file(&self, path: &Path) -> Option<String> {
        if let Some((instance, file)) = self.instance_file(path) {
            let own = instance.file(file.to_str()?);
            return own.or_else(|| self.files.get(path).cloned());
        }
        let store = self.computer.docker_config.join("contexts/meta");
        if let Ok(rest) = path.strip_prefix(store) {
            let directory = rest.parent()?.to_str()?;
            return (rest.file_name()? == "meta.json")
                .then(|| self.contexts.get(directory).cloned())?;
        }
        self.files.get(path).cloned()
    }

    /// Every text file of this world.
    pub fn all_files(&self) -> Vec<PathBuf> {
        let instances = self.instances.iter().flat_map(|(name, instance)| {
            instance.files().into_iter().map(|file| self.directory(name).join(file))
        });
        let store = self.computer.docker_config.join("contexts/meta");
        let contexts = self.contexts.keys().map(|name| store.join(name).join("meta.json"));
        instances.chain(contexts).chain(self.files.keys().cloned()).collect()
    }

    /// The path of the forwarded Docker socket of an instance on the host.
    pub(super) fn docker_socket(&self, name: &str) -> PathBuf {
        let other = self.instances.get(name).and_then(|it| it.docker_socket_path.clone());
        other.unwrap_or_else(|| self.directory(name).join(DOCKER_SOCKET))
    }

    /// The instance whose forwarded Docker socket is at this path of the host.
    pub(super) fn instance_of_docker_socket(&self, path: &Path) -> Option<String> {
        // Nearly all are in the directories of their instances, of which there can be thousands.
        if let Some(name) = self.instance_of_socket(path, DOCKER_SOCKET) {
            return (self.docker_socket(&name) == path).then_some(name);
        }
        let is_at = |it: &Instance| it.docker_socket_path.as_deref() == Some(path);
        self.instances.iter().find(|(_, it)| is_at(it)).map(|(name, _)| name.clone())
    }

    /// The instance that has this socket in its directory.
    pub(super) fn instance_of_socket(&self, path: &Path, socket: &str) -> Option<String> {
        let (_, file) = self.instance_file(path)?;
        let name = path.strip_prefix(&self.computer.lima_home).ok()?.components().next()?;
        (file == Path::new(socket)).then(|| name.as_os_str().to_string_lossy().into_owned())
    }

    /// The path of a program.
    pub fn program(&self, name: &str) -> Option<PathBuf> {
        let directory = match self.computer.platform.os {
            Os::MacOs if matches!(name, "limactl" | "brew" | "docker") => "/opt/homebrew/bin",
            _ => "/usr/bin",
        };
        self.computer.programs.contains_key(name).then(|| Path::new(directory).join(name))
    }
}

/// The simulated Linux platform.
pub const LINUX: Platform = Platform { os: Os::Linux, arch: Arch::X86_64 };
/// The simulated macOS platform, on Apple silicon.
pub const MACOS: Platform = Platform { os: Os::MacOs, arch: Arch::Aarch64 };

/// The directory of a context in Docker's store.
pub(super) fn context_directory(name: &str) -> String {
    sha256(name)
}
