//! The world of a simulated host, as plain data.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::instance::Instance;
use crate::host::{Os, Platform};
use crate::model::Arch;
use crate::model::digest::sha256;

/// When the first thing happens in a new world: 2026-01-01, in seconds of Unix time.
const BEGINNING: u64 = 1_767_225_600;
/// The number of the format that a saved world has.
pub(super) const FORMAT: u32 = 1;

/// Everything there is on a simulated host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct World {
    /// The number of this format.
    pub format: u32,
    /// The time, in seconds. It only passes where something changes, so two worlds with the same
    /// time are the same world; nothing ever waits for it.
    pub clock: u64,
    /// The machine itself.
    pub computer: Computer,
    /// Lima's instances, by name.
    pub instances: BTreeMap<String, Instance>,
    /// Docker's contexts: the `meta.json` of each, by the name of its directory.
    pub contexts: BTreeMap<String, String>,
    /// All other files in the home directory that a program or `cai` wrote.
    pub files: BTreeMap<PathBuf, String>,
}

/// The machine that is simulated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Computer {
    /// What kind of machine it is.
    pub platform: Platform,
    /// Its user.
    pub user: String,
    /// The user's home directory.
    pub home: PathBuf,
    /// Where Lima keeps its instances.
    pub lima_home: PathBuf,
    /// Where the docker command keeps its contexts.
    pub docker_config: PathBuf,
    /// The programs on `PATH`, with their versions.
    pub programs: BTreeMap<String, String>,
    /// Each `limactl` that was installed beside it, by its path, with its version.
    #[serde(default)]
    pub installed: BTreeMap<PathBuf, String>,
    /// Its processors.
    pub cpus: u32,
}

/// The Lima that is simulated.
pub(super) const LIMA_VERSION: &str = "2.2.0";
/// The docker command line that is simulated.
pub(super) const DOCKER_CLI_VERSION: &str = "28.2.2";

impl World {
    /// A machine with the tools and nothing else.
    ///
    /// Its home directory is none that a real machine has, so that nothing real is mistaken for
    /// it, and every path of it shows what it is.
    pub fn new(platform: Platform) -> Self {
        let homes = match platform.os {
            Os::MacOs => "/Users",
            Os::Linux => "/home",
        };
        Self::in_home(platform, &Path::new(homes).join("dev.simulated"))
    }

    /// Such a machine whose user lives in this directory.
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
            contexts: BTreeMap::new(),
            files: BTreeMap::new(),
        };
        if platform.os == Os::MacOs {
            world.have_docker_desktop();
        }
        world
    }

    /// A Mac tends to have Docker Desktop, whose things are not to be touched.
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

    /// Lets time pass, because something changed.
    pub(super) fn pass(&mut self, seconds: u64) {
        self.clock += seconds;
    }

    /// The directory of an instance, whether it exists or not.
    pub(super) fn directory(&self, name: &str) -> PathBuf {
        self.computer.lima_home.join(name)
    }

    /// The instance that a file belongs to, with the path of the file within its directory.
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

    /// The instance whose docker socket on the host this path is.
    pub(super) fn instance_of_socket(&self, path: &Path, socket: &str) -> Option<String> {
        let (_, file) = self.instance_file(path)?;
        let name = path.strip_prefix(&self.computer.lima_home).ok()?.components().next()?;
        (file == Path::new(socket)).then(|| name.as_os_str().to_string_lossy().into_owned())
    }

    /// Where a program is.
    pub fn program(&self, name: &str) -> Option<PathBuf> {
        let directory = match self.computer.platform.os {
            Os::MacOs if matches!(name, "limactl" | "brew" | "docker") => "/opt/homebrew/bin",
            _ => "/usr/bin",
        };
        self.computer.programs.contains_key(name).then(|| Path::new(directory).join(name))
    }
}

/// The platforms that can be simulated.
pub const LINUX: Platform = Platform { os: Os::Linux, arch: Arch::X86_64 };
/// A Mac with Apple Silicon.
pub const MACOS: Platform = Platform { os: Os::MacOs, arch: Arch::Aarch64 };

/// The directory of a context in Docker's store.
pub(super) fn context_directory(name: &str) -> String {
    sha256(name)
}
