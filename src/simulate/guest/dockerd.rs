//! dockerd: what it loads, when, and what becomes of its containers (`FACTS.md`, "Docker").

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Container, DAEMON_JSON, DOCKER_SERVICE, DOCKER_SOCKET, Guest};

/// A daemon that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dockerd {
    /// When it started, in seconds.
    pub started: u64,
    /// What it has loaded of `daemon.json`.
    pub loaded: Map<String, Value>,
}

/// The keys that a daemon takes over on `SIGHUP` (the first two measured, the rest from Docker's
/// documentation of dockerd).
const RELOADABLE: [&str; 13] = [
    "runtimes",
    "live-restore",
    "authorization-plugins",
    "debug",
    "default-runtime",
    "features",
    "insecure-registries",
    "labels",
    "max-concurrent-downloads",
    "max-concurrent-uploads",
    "max-download-attempts",
    "registry-mirrors",
    "shutdown-timeout",
];
/// The runtimes that every daemon has.
const BUILT_IN: [&str; 2] = ["io.containerd.runc.v2", "runc"];

impl Guest {
    /// What `daemon.json` says; an error where that is not a JSON object.
    pub(in crate::simulate) fn daemon_json(&self) -> Result<Map<String, Value>, String> {
        match self.text(DAEMON_JSON) {
            None | Some("") => Ok(Map::new()),
            Some(text) => serde_json::from_str(text).map_err(|error| error.to_string()),
        }
    }

    /// Starts the daemon. Whether it goes on running.
    pub(super) fn start_dockerd(&mut self, now: u64) -> bool {
        if !self.dockerd_installed() {
            return false;
        }
        let loaded = match self.daemon_json() {
            Ok(loaded) => loaded,
            Err(error) => {
                self.log.push(format!(
                    "unable to configure the Docker daemon with file {DAEMON_JSON}: {error}"
                ));
                return false;
            }
        };
        let default = default_runtime(&loaded);
        if !runtimes(&loaded).iter().any(|name| name == default) {
            self.log.push(format!(
                "failed to start daemon: specified default runtime '{default}' does not exist"
            ));
            return false;
        }
        self.log.push("Daemon has completed initialization".into());
        self.dockerd = Some(Dockerd { started: now, loaded });
        true
    }

    /// Stops the daemon. With live-restore loaded its containers go on (measured).
    pub(super) fn stop_dockerd(&mut self) {
        let Some(daemon) = self.dockerd.take() else {
            return;
        };
        self.log.push("Processing signal 'terminated'".into());
        if daemon.loaded.get("live-restore") != Some(&Value::Bool(true)) {
            self.end_containers();
        }
    }

    /// `SIGHUP`: the daemon takes over what it can. A malformed file is an error in the log, and
    /// the daemon goes on with what it had (measured).
    pub(super) fn reload_dockerd(&mut self) {
        let file = self.daemon_json();
        let Some(daemon) = &mut self.dockerd else {
            return;
        };
        match file {
            Ok(file) => {
                for key in RELOADABLE {
                    if let Some(value) = file.get(key) {
                        daemon.loaded.insert(key.to_owned(), value.clone());
                    }
                }
                self.log.push("Reloaded configuration".into());
            }
            Err(error) => self.log.push(format!("Error reloading configuration: {error}")),
        }
    }

    /// The runtimes that the running daemon knows, in order of name.
    pub(in crate::simulate) fn runtimes(&self) -> Vec<String> {
        self.dockerd.as_ref().map(|daemon| runtimes(&daemon.loaded)).unwrap_or_default()
    }

    /// The one that a container gets that names none.
    pub(in crate::simulate) fn default_runtime(&self) -> String {
        let loaded = self.dockerd.as_ref().map(|daemon| default_runtime(&daemon.loaded));
        loaded.unwrap_or_default().to_owned()
    }

    /// Whether a daemon answers on the guest's socket. Where only systemd listens there, this
    /// question starts it.
    pub(in crate::simulate) fn knock(&mut self, now: u64) -> bool {
        if self.socket.is_none() {
            return false;
        }
        if self.dockerd.is_none() && self.is_active(DOCKER_SOCKET) {
            self.start_unit(DOCKER_SERVICE, now);
        }
        self.dockerd.is_some()
    }

    /// The containers that run.
    pub(super) fn running(&self) -> impl Iterator<Item = &Container> {
        self.containers.iter().filter(|container| container.running)
    }
}

fn runtimes(loaded: &Map<String, Value>) -> Vec<String> {
    let own = loaded.get("runtimes").and_then(Value::as_object);
    let own = own.into_iter().flat_map(|runtimes| runtimes.keys().cloned());
    let mut names: Vec<String> = BUILT_IN.map(str::to_owned).into_iter().chain(own).collect();
    names.sort();
    names.dedup();
    names
}

fn default_runtime(loaded: &Map<String, Value>) -> &str {
    loaded.get("default-runtime").and_then(Value::as_str).unwrap_or("runc")
}
