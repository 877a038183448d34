//! The store of instances, and their states.
use std::fs;
use std::path::{Path, PathBuf};

pub(super) use containai::lima::Status;
use containai::simulate::yaml;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::config::Config;
use super::{Result, quote, ssh};

/// The directory of all instances.
pub(super) fn lima_home() -> PathBuf {
    std::env::var_os("LIMA_HOME").map_or_else(
        || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".lima"),
        PathBuf::from,
    )
}

/// The directory of an instance, whether it exists or not.
pub(super) fn directory(name: &str) -> Result<PathBuf> {
    let word = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric());
    if !name.split(['.', '_', '-']).all(word) {
        return Err(format!(
            "identifier {} must match pattern ^[A-Za-z0-9]+(?:[._-](?:[A-Za-z0-9]+))*$: invalid argument",
            quote::go(name)
        ));
    }
    Ok(lima_home().join(name))
}

/// The names of all instances, sorted.
pub(super) fn names() -> Vec<String> {
    let Ok(entries) = fs::read_dir(lima_home()) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| !name.starts_with(['_', '.']))
        .filter(|name| lima_home().join(name).join("lima.yaml").exists())
        .collect();
    names.sort();
    names
}

/// The observed state of an instance.
pub(super) struct Instance {
    pub(super) name: String,
    pub(super) dir: PathBuf,
    pub(super) status: Status,
    /// `None` if the YAML cannot be read. The reason is in the errors.
    pub(super) config: Option<Config>,
    pub(super) errors: Vec<String>,
    pub(super) host_agent: Option<Pid>,
    pub(super) driver: Option<Pid>,
}

impl Instance {
    /// Inspects an instance. `None` if it does not exist.
    pub(super) fn inspect(name: &str) -> Result<Option<Self>> {
        let dir = directory(name)?;
        let mut instance = Self {
            name: name.to_owned(),
            status: Status::Other("Unknown".into()),
            config: None,
            errors: Vec::new(),
            host_agent: None,
            driver: None,
            dir,
        };
        let Ok(text) = fs::read_to_string(instance.yaml()) else {
            return Ok(None);
        };
        match Config::fill(&text, &instance.dir) {
            Ok(config) => instance.config = Some(config),
            Err(error) => {
                instance.errors.push(error);
                return Ok(Some(instance));
            }
        }
        instance.host_agent = running(&instance.dir.join("ha.pid"));
        instance.driver = running(&instance.dir.join("qemu.pid"));
        instance.status = match (instance.host_agent, instance.driver) {
            (Some(_), Some(_)) => Status::Running,
            (None, None) => Status::Stopped,
            (Some(_), None) => {
                instance.errors.push("host agent is running but driver is not".to_owned());
                Status::Broken
            }
            (None, Some(_)) => {
                instance.errors.push("qemu driver is running but host agent is not".to_owned());
                Status::Broken
            }
        };
        Ok(Some(instance))
    }

    pub(super) fn yaml(&self) -> PathBuf {
        self.dir.join("lima.yaml")
    }

    pub(super) fn config(&self) -> Result<&Config> {
        self.config
            .as_ref()
            .ok_or_else(|| format!("instance {} has no configuration", quote::name(&self.name)))
    }

    pub(super) fn is_protected(&self) -> bool {
        self.dir.join("protected").exists()
    }

    pub(super) fn hostname(&self) -> String {
        format!("lima-{}", self.name)
    }

    pub(super) fn ssh_config(&self) -> PathBuf {
        self.dir.join("ssh.config")
    }

    /// The port of the guest's sshd on this host; 0 before the first start.
    pub(super) fn ssh_port(&self) -> u16 {
        ssh::port_in(&self.ssh_config()).unwrap_or_default()
    }

    /// The errors in Go's format of a list.
    pub(super) fn error_list(&self) -> String {
        format!("[{}]", self.errors.join(" "))
    }

    /// Forwards of sockets as (socket on this host, socket in the guest).
    pub(super) fn socket_forwards(&self) -> Vec<(&str, &str)> {
        let Some(config) = &self.config else {
            return Vec::new();
        };
        config
            .list("portForwards")
            .iter()
            .filter_map(|forward| {
                Some((forward.get("hostSocket")?.as_str()?, forward.get("guestSocket")?.as_str()?))
            })
            .collect()
    }
}

/// The live process in a pid file.
///
/// The process must have the file's path on its command line, as the agent and the machine do.
/// Otherwise, a reused pid would make a stopped instance look alive. The file of a dead process is
/// removed.
pub(super) fn running(pid_file: &Path) -> Option<Pid> {
    let text = fs::read_to_string(pid_file).ok()?;
    let pid: i32 = text.trim().parse().ok()?;
    // A zombie process has an empty command line.
    let command_line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let wanted = pid_file.as_os_str().as_encoded_bytes();
    if command_line.split(|byte| *byte == 0).any(|argument| argument == wanted) {
        Some(Pid::from_raw(pid))
    } else {
        let _ = fs::remove_file(pid_file);
        None
    }
}

/// Kills a process of an instance.
pub(super) fn kill_now(pid: Pid) {
    let _ = kill(pid, Signal::SIGKILL);
}

/// The disk size in a YAML text, if set.
pub(super) fn disk_in(text: &str) -> Option<(String, u64)> {
    let value = yaml::parse(text).ok()?;
    let size = value.get("disk")?.as_str()?.to_owned();
    let bytes = yaml::bytes(&size)?;
    Some((size, bytes))
}
