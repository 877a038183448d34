//! A Lima instance: its files, its processes on the host, and its SSH connection. Numbers in
//! comments refer to `FACTS.md`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::guest::{Guest, Machine, Store};
use super::limactl::config::FilledConfig;
use super::world::LIMA_VERSION;
use crate::lima::Status;

/// The name of Lima's SSH control socket in an instance's directory.
pub(super) const SSH_SOCKET: &str = "ssh.sock";
/// The name of the host agent's socket in an instance's directory.
pub(super) const AGENT_SOCKET: &str = "ha.sock";
/// The path of the forwarded Docker socket in an instance's directory.
pub(super) const DOCKER_SOCKET: &str = "sock/docker.sock";

/// An instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Its `lima.yaml`.
    pub yaml: String,
    /// Whether it is protected from deletion.
    pub protected: bool,
    /// The port of its sshd on the host; 0 before the first start.
    pub ssh_port: u16,
    /// The pid of Lima's host agent.
    pub agent: Option<u32>,
    /// The pid of the driver process.
    pub driver: Option<u32>,
    /// The number of boots.
    pub boots: u32,
    /// Lima's SSH connection, which all sessions and the forward use.
    pub master: Option<Session>,
    /// The forwarded Docker socket on the host.
    pub docker_socket: Option<HostSocket>,
    /// The path of that socket, if it is not in the directory of the instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub docker_socket_path: Option<PathBuf>,
    /// The guest, after the first start.
    pub guest: Option<Guest>,
}

/// An SSH connection to a guest. It keeps the groups with which it started (3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The gids.
    pub groups: BTreeSet<u32>,
    /// The number of open interactive shells.
    pub open_shells: u32,
}

/// A forwarded socket on the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostSocket {
    /// The groups of the SSH connection behind it. `None` if nothing listens on it.
    pub carried_by: Option<BTreeSet<u32>>,
    /// Whether the user can connect to it.
    pub permitted: bool,
}

impl Instance {
    /// A new instance.
    pub(super) fn new(yaml: String) -> Self {
        Self {
            yaml,
            protected: false,
            ssh_port: 0,
            agent: None,
            driver: None,
            boots: 0,
            master: None,
            docker_socket: None,
            docker_socket_path: None,
            guest: None,
        }
    }

    /// The status that Lima derives from its processes.
    pub fn status(&self) -> Status {
        match (self.agent, self.driver) {
            (Some(_), Some(_)) => Status::Running,
            (None, None) => Status::Stopped,
            _ => Status::Broken,
        }
    }

    /// The error that Lima reports for it.
    pub(super) fn error(&self, vm_type: &str) -> Option<String> {
        match (self.agent, self.driver) {
            (None, Some(_)) => Some(format!("{vm_type} driver is running but host agent is not")),
            (Some(_), None) => Some("host agent is running but driver is not".into()),
            _ => None,
        }
    }

    /// The guest, if the machine is running.
    pub(super) fn running_guest(&mut self) -> Option<&mut Guest> {
        self.driver?;
        self.guest.as_mut()
    }

    /// The text files in its directory.
    pub(super) fn files(&self) -> Vec<&'static str> {
        ["lima.yaml", "lima-version", "ssh.config", "protected"]
            .into_iter()
            .filter(|file| self.file(file).is_some())
            .collect()
    }

    /// The contents of one of those files.
    pub(super) fn file(&self, name: &str) -> Option<String> {
        match name {
            "lima.yaml" => Some(self.yaml.clone()),
            "lima-version" => Some(format!("v{LIMA_VERSION}")),
            "ssh.config" if self.boots > 0 => Some(format!(
                "# This SSH config file can be passed to 'ssh -F'.\nHost lima-simulated\n  \
                 Port {}\n  ControlMaster auto\n  ControlPersist yes\n",
                self.ssh_port
            )),
            "protected" if self.protected => Some(String::new()),
            _ => None,
        }
    }

    /// Starts the machine like Lima's host agent: it opens the connection before provisioning (3),
    /// forwards the socket once, and runs the scripts at every boot (7). A failed script is not an
    /// error (9).
    pub(super) fn start(
        &mut self,
        name: &str,
        config: &FilledConfig,
        disks: Vec<(String, Vec<Store>)>,
        pid: u32,
        now: u64,
    ) {
        self.boots += 1;
        self.agent = Some(pid);
        self.driver = Some(pid + 26);
        if self.ssh_port == 0 {
            self.ssh_port = 40_000 + u16::try_from(pid % 20_000).unwrap_or_default();
        }
        let machine = Machine {
            boot_id: crate::model::digest::sha256(format!("{name} {}", self.boots))[..32]
                .to_owned(),
            cpus: config.number("/cpus"),
            memory: config.bytes("memory").unwrap_or_default(),
        };
        let mut guest = self.guest.take().unwrap_or_else(|| config.guest());
        guest.attach(disks);
        guest.boot(machine, now);
        let groups = guest.login_gids();
        self.master = Some(Session { groups: groups.clone(), open_shells: 0 });
        let path = config.docker_socket();
        self.docker_socket = path.map(|_| HostSocket { carried_by: Some(groups), permitted: true });
        self.docker_socket_path =
            path.filter(|path| !path.ends_with(DOCKER_SOCKET)).map(PathBuf::from);
        for script in config.provisioning() {
            guest.provision(script, &[], now + 1);
        }
        for entry in config.set_keys() {
            guest.set_keys(&entry, now + 1);
        }
        self.guest = Some(guest);
    }

    /// Whether Lima's probes succeed. A probe that uses dockerd as the user fails on a first boot
    /// (8).
    pub(super) fn is_ready(&mut self, config: &FilledConfig, now: u64) -> bool {
        let session = self.master.clone();
        let Some(guest) = self.running_guest() else {
            return false;
        };
        config.probes().all(|script| {
            // cai's own probe succeeds once the boot has finished, even if provisioning failed.
            if !script.contains("docker info") || script.contains("lima-boot-done") {
                return true;
            }
            let failed = guest.text(super::guest::PROVISION_FAILED).is_some();
            let as_root = script.contains("sudo docker info");
            let permitted =
                as_root || session.as_ref().is_some_and(|session| guest.lets_in(&session.groups));
            (failed && script.contains(super::guest::PROVISION_FAILED))
                || (permitted && guest.knock(now))
        })
    }

    /// Ends all processes.
    fn end(&mut self) {
        self.agent = None;
        self.driver = None;
        self.master = None;
        if let Some(guest) = &mut self.guest {
            guest.power_off();
        }
    }

    /// Stops cleanly, which removes the forwarded socket.
    pub(super) fn stop(&mut self) {
        self.end();
        self.docker_socket = None;
    }

    /// Kills all processes. The forwarded socket's file stays, because Lima removes files only one
    /// directory above it.
    pub(super) fn kill(&mut self) {
        self.end();
        if let Some(socket) = &mut self.docker_socket {
            socket.carried_by = None;
        }
    }

    /// The connection for a command: the existing one or a new one (`ControlMaster auto`).
    pub(super) fn session(&mut self) -> Option<Session> {
        self.driver?;
        let fresh = self.guest.as_ref()?.login_gids();
        let session = self.master.get_or_insert(Session { groups: fresh, open_shells: 0 });
        Some(session.clone())
    }

    /// Sets a key of `lima.yaml`, as if someone had edited the file.
    pub(super) fn set(&mut self, key: &str, value: Value) {
        let mut keys = self.parsed();
        keys[key] = value;
        // A JSON value can always be written as YAML.
        if let Ok(yaml) = serde_yaml::to_string(&keys) {
            self.write(&yaml);
        }
    }

    /// Writes `lima.yaml`. The comments at its head stay because they identify the owner of the VM.
    pub(super) fn write(&mut self, yaml: &str) {
        let head = self.yaml.lines().take_while(|line| line.starts_with('#'));
        let head: String = head.map(|line| line.to_owned() + "\n").collect();
        self.yaml = head + yaml;
    }

    /// The keys of `lima.yaml`.
    pub(super) fn parsed(&self) -> Value {
        serde_yaml::from_str(&self.yaml).unwrap_or_default()
    }
}
