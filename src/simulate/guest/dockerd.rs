//! dockerd: its loaded configuration and its effect on containers (`FACTS.md`, "Docker").

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Container, DAEMON_JSON, DOCKER_SERVICE, DOCKER_SOCKET, Guest, VolumeSocket};
use crate::model::daemon_key::{Effect, SNAPSHOTTER, effect};

/// A running daemon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dockerd {
    /// The time when it started, in seconds.
    pub started: u64,
    /// The keys that it loaded from `daemon.json`.
    pub loaded: Map<String, Value>,
}

/// The store in which a daemon keeps its data.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreLocation {
    /// The data root.
    pub data_root: String,
    /// The user for user namespaces; empty if they are not used.
    pub userns: String,
    /// The storage driver.
    pub driver: String,
    /// Whether containerd stores the images.
    pub containerd: bool,
    /// The disk of Lima's that the data is on; `None` for the VM's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk: Option<String>,
}

/// The data in a store that the daemon does not currently use.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Store {
    /// The store.
    pub place: StoreLocation,
    /// All containers, including running ones.
    pub containers: Vec<Container>,
    /// The images.
    pub images: BTreeSet<String>,
    /// The volumes.
    pub volumes: BTreeMap<String, Option<VolumeSocket>>,
}

/// The runtimes that are built into dockerd.
const BUILT_IN: [&str; 2] = ["io.containerd.runc.v2", "runc"];

impl Guest {
    /// The keys of `daemon.json`. An error if it is not a JSON object.
    pub(in crate::simulate) fn daemon_json(&self) -> Result<Map<String, Value>, String> {
        match self.text(DAEMON_JSON) {
            None | Some("") => Ok(Map::new()),
            Some(text) => serde_json::from_str(text).map_err(|error| error.to_string()),
        }
    }

    /// Starts the daemon. Returns whether it keeps running.
    pub(super) fn start_dockerd(&mut self, now: u64) -> bool {
        if !self.dockerd_installed() {
            return false;
        }
        match self.startable() {
            Ok(loaded) => {
                self.log.push("Daemon has completed initialization".into());
                self.open_store(&loaded);
                self.dockerd = Some(Dockerd { started: now, loaded });
                true
            }
            Err(why) => {
                self.log.push(why);
                false
            }
        }
    }

    /// The keys with which a daemon starts.
    fn startable(&self) -> Result<Map<String, Value>, String> {
        let keys = Self::decoded(self.text(DAEMON_JSON).unwrap_or_default())?;
        if let Some(why) = Self::invalid(&keys) {
            return Err(format!(
                "unable to configure the Docker daemon with file {DAEMON_JSON}: configuration \
                 validation from file failed: {why}"
            ));
        }
        match self.unstartable(&keys) {
            Some(why) => Err(format!("failed to start daemon: {why}")),
            None => Ok(keys),
        }
    }

    /// Switches to the store that the keys select. With live-restore, containers of the previous
    /// store keep running, but no command shows them (measured).
    fn open_store(&mut self, keys: &Map<String, Value>) {
        let text = |key: &str, default: &str| {
            keys.get(key).and_then(Value::as_str).unwrap_or(default).to_owned()
        };
        let containerd = keys.get("features").and_then(|all| all.get(SNAPSHOTTER));
        let containerd = containerd == Some(&Value::Bool(true));
        let driver = if containerd { "overlayfs" } else { "overlay2" };
        let place = StoreLocation {
            data_root: text("data-root", "/var/lib/docker"),
            userns: text("userns-remap", ""),
            driver: text("storage-driver", driver),
            containerd,
            disk: self.data_disk(),
        };
        let Some(before) = self.place.replace(place.clone()).filter(|before| *before != place)
        else {
            return;
        };
        let at = self.stores.iter().position(|store| store.place == place);
        let there = at.map(|at| self.stores.remove(at));
        let there = there.unwrap_or_else(|| Store { place, ..Store::default() });
        self.stores.push(Store {
            place: before,
            containers: std::mem::replace(&mut self.containers, there.containers),
            images: std::mem::replace(&mut self.images, there.images),
            volumes: std::mem::replace(&mut self.volumes, there.volumes),
        });
    }

    /// Stops the daemon. If it loaded live-restore, its containers keep running (measured).
    pub(super) fn stop_dockerd(&mut self) {
        let Some(daemon) = self.dockerd.take() else {
            return;
        };
        self.log.push("Processing signal 'terminated'".into());
        if daemon.loaded.get("live-restore") != Some(&Value::Bool(true)) {
            self.end_containers();
        }
    }

    /// Handles `SIGHUP`: the daemon loads the reloadable keys. If it refuses the file, it logs an
    /// error and keeps its configuration (measured).
    pub(super) fn reload_dockerd(&mut self) -> Result<(), String> {
        let file = Self::decoded(self.text(DAEMON_JSON).unwrap_or_default());
        let Some(daemon) = &mut self.dockerd else {
            return Ok(());
        };
        let accepted = file.and_then(|file| {
            if let Some(why) = Self::invalid(&file) {
                return Err(format!("file configuration validation failed: {why}"));
            }
            match Self::invalid_mirror(&file) {
                Some(why) => Err(format!("Error reconfiguring the daemon: {why}")),
                None => Ok(file),
            }
        });
        match &accepted {
            Ok(file) => {
                for (key, value) in file {
                    if effect(key, daemon.loaded.get(key), Some(value)) == Effect::Reload {
                        daemon.loaded.insert(key.clone(), value.clone());
                    }
                }
                self.log.push("Reloaded configuration".into());
            }
            Err(why) => self.log.push(why.clone()),
        }
        accepted.map(|_| ())
    }

    /// The runtimes that the running daemon knows, sorted by name.
    pub(in crate::simulate) fn runtimes(&self) -> Vec<String> {
        self.dockerd.as_ref().map(|daemon| runtimes(&daemon.loaded)).unwrap_or_default()
    }

    /// The runtime of containers that do not name one.
    pub(in crate::simulate) fn default_runtime(&self) -> String {
        let loaded = self.dockerd.as_ref().map(|daemon| default_runtime(&daemon.loaded));
        loaded.unwrap_or_default().to_owned()
    }

    /// Whether a daemon answers on the guest's socket. If only systemd listens, the request starts
    /// the daemon.
    pub(in crate::simulate) fn knock(&mut self, now: u64) -> bool {
        if self.socket.is_none() {
            return false;
        }
        if self.dockerd.is_none() && self.is_active(DOCKER_SOCKET) {
            self.start_unit(DOCKER_SERVICE, now);
        }
        self.dockerd.is_some()
    }

    /// The running containers.
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
