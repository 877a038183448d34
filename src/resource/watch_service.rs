//! The service that `cai watch --install` makes for a VM: a systemd user unit, or a launchd agent on
//! macOS.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::host::{CommandSpec, Os};
use crate::model::VmName;
use crate::model::address::{Address, Kind};
use crate::plan::{Change, Reason, Step};

const KIND: Kind = Kind::new("watch_service");

/// The service of a VM, which may not exist.
#[derive(Debug, Clone)]
pub struct WatchService {
    /// The file that its manager reads.
    pub path: PathBuf,
    /// The name of the unit, or the label of the agent.
    pub name: String,
    /// `systemctl` or `launchctl`.
    manager: CommandSpec,
    is_agent: bool,
}

#[derive(Serialize)]
struct State<'a> {
    path: &'a Path,
}

impl WatchService {
    /// The program that manages services.
    pub fn manager(os: Os) -> &'static str {
        if os == Os::MacOs { "launchctl" } else { "systemctl" }
    }

    /// The service of a VM. `config` is the directory of the user's configuration, if it is not the
    /// usual one.
    pub fn of(vm: &VmName, os: Os, home: &Path, config: Option<PathBuf>, manager: PathBuf) -> Self {
        let manager = CommandSpec::new(manager);
        if os == Os::MacOs {
            let name = format!("cai.watch.{vm}");
            let path = home.join("Library/LaunchAgents").join(format!("{name}.plist"));
            return Self { path, name, manager, is_agent: true };
        }
        let name = format!("cai-watch-{vm}.service");
        let config = config.unwrap_or_else(|| home.join(".config"));
        let path = config.join("systemd/user").join(&name);
        Self { path, name, manager: manager.arg("--user"), is_agent: false }
    }

    /// The commands that start it.
    pub fn start(&self) -> Vec<CommandSpec> {
        if self.is_agent {
            return vec![self.call(&["load", "-w"]).arg(&self.path)];
        }
        let calls = [&["daemon-reload"][..], &["enable", &self.name], &["restart", &self.name]];
        calls.into_iter().map(|words| self.call(words)).collect()
    }

    /// The command that stops it, before its file is deleted.
    pub fn stop(&self) -> CommandSpec {
        if self.is_agent {
            return self.call(&["unload", "-w"]).arg(&self.path);
        }
        self.call(&["disable", "--now", &self.name])
    }

    fn call(&self, words: &[&str]) -> CommandSpec {
        self.manager.clone().args(words)
    }

    /// Its removal together with the VM.
    pub(crate) fn removal(&self, vm: &VmName) -> Change {
        let address = Address::new(KIND, vm.as_str());
        Change::delete(&address, State { path: &self.path })
            .because(Reason::Unwanted)
            // Without a session manager, for example over SSH, it cannot be stopped.
            .step(Step::attempt("stop cai watch", self.stop()))
            .step(Step::remove("delete its file", self.path.clone()))
    }
}
