//! An instance of Lima: its files, its processes on the host, and the connection that everything
//! rides on. The numbers are those of `FACTS.md`.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::guest::{Guest, Machine};
use super::limactl::config::Config;
use super::world::LIMA_VERSION;
use crate::lima::Status;

/// Lima's control socket within an instance's directory.
pub(super) const SSH_SOCKET: &str = "ssh.sock";
/// The socket of Lima's host agent within an instance's directory.
pub(super) const AGENT_SOCKET: &str = "ha.sock";
/// The forwarded Docker socket within an instance's directory.
pub(super) const DOCKER_SOCKET: &str = "sock/docker.sock";

/// An instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Its `lima.yaml`.
    pub yaml: String,
    /// Whether `limactl protect` was called.
    pub protected: bool,
    /// The port of its sshd on the host; 0 before the first start.
    pub ssh_port: u16,
    /// The process of Lima's host agent.
    pub agent: Option<u32>,
    /// The process of the machine.
    pub driver: Option<u32>,
    /// How often it was started.
    pub boots: u32,
    /// Lima's ssh connection, which every session and the forward ride on.
    pub master: Option<Session>,
    /// The file of the forwarded Docker socket.
    pub docker_socket: Option<HostSocket>,
    /// The guest, once it was started for the first time.
    pub guest: Option<Guest>,
}

/// An ssh connection to a guest. It keeps the groups that it began with (3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The numbers of the groups.
    pub groups: BTreeSet<u32>,
    /// How many shells of people are open on it.
    pub open_shells: u32,
}

/// The file of a forwarded socket on the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostSocket {
    /// The groups of the connection that carries it; `None` when nothing listens on the file.
    pub carried_by: Option<BTreeSet<u32>>,
    /// Whether the user may connect to it.
    pub permitted: bool,
}

impl Instance {
    /// One that was just created.
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
            guest: None,
        }
    }

    /// Its state, as Lima tells it from its processes.
    pub fn status(&self) -> Status {
        match (self.agent, self.driver) {
            (Some(_), Some(_)) => Status::Running,
            (None, None) => Status::Stopped,
            _ => Status::Broken,
        }
    }

    /// What Lima says is wrong with it.
    pub(super) fn error(&self, vm_type: &str) -> Option<String> {
        match (self.agent, self.driver) {
            (None, Some(_)) => Some(format!("{vm_type} driver is running but host agent is not")),
            (Some(_), None) => Some("host agent is running but driver is not".into()),
            _ => None,
        }
    }

    /// The guest, while the machine runs.
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

    /// One of those files.
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

    /// Switches the machine on, as Lima's host agent does: the connection is opened before anything
    /// is provisioned (3), the socket is forwarded once, and the scripts run on every boot (7).
    /// What a script does not do is no error (9).
    pub(super) fn start(&mut self, name: &str, config: &Config, pid: u32, now: u64) {
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
        guest.boot(machine, now);
        let groups = guest.login_gids();
        self.master = Some(Session { groups: groups.clone(), open_shells: 0 });
        self.docker_socket = config
            .forwards_docker(DOCKER_SOCKET)
            .then_some(HostSocket { carried_by: Some(groups), permitted: true });
        for script in config.provisioning() {
            guest.provision(script, None, now + 1);
        }
        for entry in config.set_keys() {
            guest.set_keys(&entry, now + 1);
        }
        self.guest = Some(guest);
    }

    /// Whether Lima's probes succeed. One that asks dockerd as the user cannot on a first boot (8).
    pub(super) fn is_ready(&mut self, config: &Config, now: u64) -> bool {
        let session = self.master.clone();
        let Some(guest) = self.running_guest() else {
            return false;
        };
        config.probes().all(|script| {
            // One of cai's own ends when the boot is done, whatever came of it.
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

    /// What is left when its processes have ended.
    fn end(&mut self) {
        self.agent = None;
        self.driver = None;
        self.master = None;
        if let Some(guest) = &mut self.guest {
            guest.power_off();
        }
    }

    /// A clean stop, which removes the forwarded socket.
    pub(super) fn stop(&mut self) {
        self.end();
        self.docker_socket = None;
    }

    /// Killed: the forwarded socket's file is a directory deeper than what Lima removes, and stays.
    pub(super) fn kill(&mut self) {
        self.end();
        if let Some(socket) = &mut self.docker_socket {
            socket.carried_by = None;
        }
    }

    /// The connection that a command uses: the living one, or a new one (`ControlMaster auto`).
    pub(super) fn session(&mut self) -> Option<Session> {
        self.driver?;
        let fresh = self.guest.as_ref()?.login_gids();
        let session = self.master.get_or_insert(Session { groups: fresh, open_shells: 0 });
        Some(session.clone())
    }

    /// Sets a key of `lima.yaml`, as a hand with an editor.
    pub(super) fn set(&mut self, key: &str, value: Value) {
        let mut keys = self.parsed();
        keys[key] = value;
        // JSON values all have a form in YAML.
        if let Ok(yaml) = serde_yaml::to_string(&keys) {
            self.write(&yaml);
        }
    }

    /// Writes `lima.yaml`. The comments at its head, by which one sees whose it is, stay.
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
