//! Hosts, each with its own home and its own simulated engine behind its own sshd.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::os::unix::fs::symlink;

use serde_json::json;

use super::control::Control;
use super::sshd::Sshd;
use crate::support::sandbox::{Ran, finish};

/// The names of the hosts of [`Fleet::new`].
pub const HOSTS: [&str; 3] = ["alpha", "beta", "gamma"];

/// A control node and its hosts.
pub struct Fleet {
    pub control: Control,
    hosts: BTreeMap<&'static str, Sshd>,
}

/// The counts in the recap of a playbook for one host.
#[derive(Debug, PartialEq, Eq)]
pub struct Recap {
    pub changed: u32,
    pub unreachable: u32,
    pub failed: u32,
}

impl Recap {
    /// A host that was reached, without a failure.
    pub fn changed(changed: u32) -> Self {
        Self { changed, unreachable: 0, failed: 0 }
    }
}

impl Fleet {
    /// Three hosts with `cai`, and a control node with the collection and a file for all hosts.
    pub fn new() -> Self {
        let fleet = Self::with(Control::new(), &HOSTS);
        let sandbox = &fleet.control.sandbox;
        let mut inventory = "[all:vars]\ncai_executable=~/.local/bin/cai\n[all]\n".to_owned();
        for name in HOSTS {
            sandbox.directory(&format!("hosts/{name}/home/.local/bin"));
            let cai = sandbox.path(format!("hosts/{name}/home/.local/bin/cai"));
            symlink(env!("CARGO_BIN_EXE_cai"), cai).unwrap();
            writeln!(inventory, "{name}").unwrap();
        }
        sandbox.write("home/inventory.ini", &inventory);
        sandbox.directory("home/engine");
        sandbox.write("home/engine/base.toml", "version = 1\n[vm]\nname = \"agents\"\n");
        sandbox.write("home/engine/containai.toml", "version = 1\nextends = \"base.toml\"\n");
        fleet
    }

    /// Hosts with empty homes. Their addresses are beside the inventory, which can then be that of a document.
    pub fn with(control: Control, names: &[&'static str]) -> Self {
        let sandbox = &control.sandbox;
        sandbox.directory("home/host_vars");
        let (mut hosts, mut known) = (BTreeMap::new(), String::new());
        for &name in names {
            sandbox.directory(&format!("hosts/{name}/home"));
            let directory = sandbox.path(format!("hosts/{name}"));
            let inside = |name: &str| directory.join(name).to_str().unwrap().to_owned();
            // Without a user, Ansible expands ~ to HOME, not to the home in /etc/passwd.
            let (home, world) = (inside("home"), inside("world"));
            let sshd = Sshd::start(&directory, &[("HOME", &home), ("CAI_SIMULATE", &world)]);
            let address = json!({
                "ansible_host": "127.0.0.1",
                "ansible_port": sshd.port,
                "ansible_ssh_private_key_file": sshd.login_key(),
            });
            sandbox.write(&format!("home/host_vars/{name}.json"), &address.to_string());
            known += &sshd.known_host();
            hosts.insert(name, sshd);
        }
        sandbox.write("known_hosts", &known);
        Self { control, hosts }
    }

    /// Runs a playbook of the collection on all hosts.
    pub fn playbook(&self, name: &str, options: &[&str]) -> Ran {
        let source = format!("cai_source={}", self.control.sandbox.path("home/engine").display());
        let name = format!("containai.engine.{name}");
        let words = ["ansible-playbook", "-i", "inventory.ini", "-e", &source, &name];
        self.control.run(&[&words, options].concat())
    }

    /// Runs `cai` on a host, as its user does.
    pub fn cai(&self, host: &str, words: &[&str]) -> Ran {
        let sandbox = &self.control.sandbox;
        let file = sandbox.path(format!("hosts/{host}/home/containai/containai.toml"));
        let mut command = sandbox.command(&["cai"]);
        command.args(words).env("CAI_FILE", file);
        command.env("CAI_SIMULATE", sandbox.path(format!("hosts/{host}/world")));
        finish(command)
    }

    /// Ends the sshd of a host. An open connection would still reach it.
    pub fn disconnect(&mut self, host: &str) {
        self.control.close_connections();
        self.hosts.get_mut(host).unwrap().end();
    }
}

/// The recap at the end of a playbook's output.
pub fn recap(ran: &Ran) -> BTreeMap<String, Recap> {
    let text = ran.stdout.split("PLAY RECAP").nth(1).unwrap_or_else(|| panic!("{ran}"));
    let lines = text.lines().filter_map(|line| line.split_once(" : "));
    let hosts = lines.map(|(host, counts)| {
        let count = |name: &str| {
            let mut words = counts.split_whitespace().filter_map(|word| word.split_once('='));
            words.find(|(own, _)| *own == name).unwrap().1.parse().unwrap()
        };
        let recap = Recap {
            changed: count("changed"),
            unreachable: count("unreachable"),
            failed: count("failed"),
        };
        (host.trim().to_owned(), recap)
    });
    hosts.collect()
}
