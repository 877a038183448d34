//! Packages: Docker's, and Sysbox's as published (`sysbox.md`).

use serde_json::{Map, Value, json};

use super::accounts::Group;
use super::{DAEMON_JSON, DOCKER, DOCKER_SERVICE, DOCKER_SOCKET, Guest};
use crate::simulate::reply::Reply;

/// The distribution's package, with the version of Ubuntu 24.04.
pub(super) const DISTRO: (&str, &str) = ("docker.io", "27.5.1-0ubuntu3~24.04.2");
/// Docker's own package.
pub(super) const DOCKER_CE: &str = "docker-ce";
/// The default version of that package.
pub(super) const DOCKER_CE_VERSION: &str = "5:29.5.2-1~ubuntu.24.04~noble";
/// The suffix of the package's version after Docker's version.
pub(super) const DOCKER_CE_SUFFIX: &str = "-1~ubuntu.24.04~noble";
pub(super) const SYSBOX: &str = "sysbox-ce";
pub(super) const SYSBOX_UNITS: [&str; 3] =
    ["sysbox-mgr.service", "sysbox-fs.service", "sysbox.service"];
/// The network keys that Sysbox's package requires. If they are missing, it adds them with default
/// values.
const NETWORK_KEYS: [&str; 2] = ["bip", "default-address-pools"];

impl Guest {
    /// Whether `dockerd` is installed.
    pub(in crate::simulate) fn dockerd_installed(&self) -> bool {
        [DISTRO.0, DOCKER_CE].iter().any(|name| self.packages.contains_key(*name))
    }

    /// The version of the installed engine.
    pub(super) fn docker_version(&self) -> Option<&str> {
        [DISTRO.0, DOCKER_CE].iter().find_map(|name| self.packages.get(*name)).map(|version| {
            let version = version.split_once(':').map_or(version.as_str(), |(_, rest)| rest);
            version.split('-').next().unwrap_or(version)
        })
    }

    /// Installs Docker. The package creates the group and the units but does not start them here.
    /// Debian's packages also start them if the machine is running.
    pub(super) fn install_docker(&mut self, (package, version): (&str, &str)) {
        // The two packages conflict with each other.
        self.packages.retain(|name, _| name != DISTRO.0 && name != DOCKER_CE);
        self.packages.insert(package.to_owned(), version.to_owned());
        let gid = self.free_system_gid();
        self.groups.entry(DOCKER.to_owned()).or_insert(Group { gid, members: Vec::new() });
        self.add_unit(DOCKER_SOCKET);
        self.add_unit(DOCKER_SERVICE);
    }

    /// Whether a script would add a second apt source for Docker's repository with another key.
    pub(super) fn adds_conflicting_source(&self, script: &str) -> bool {
        let is_dockers = |path: &String, text: &str| {
            path.starts_with("/etc/apt/sources.list.d/") && text.contains("://download.docker.com/")
        };
        let is_there = self.files.iter().any(|(path, file)| is_dockers(path, &file.text));
        is_there && script.contains("signed-by=") && !script.contains("update --print-uris")
    }

    /// Removes a package and its services.
    pub(in crate::simulate) fn remove_package(&mut self, name: &str) {
        self.packages.remove(name);
        self.half_configured.remove(name);
        let units: &[&str] =
            if name == SYSBOX { &SYSBOX_UNITS } else { &[DOCKER_SERVICE, DOCKER_SOCKET] };
        for unit in units {
            self.stop_unit(unit);
            self.units.remove(*unit);
        }
        if !self.dockerd_installed() {
            self.socket = None;
        }
    }

    /// Makes the installation of Sysbox incomplete: its files exist, but its services are not
    /// enabled.
    pub(in crate::simulate) fn unconfigure_sysbox(&mut self) {
        if !self.packages.contains_key(SYSBOX) {
            return;
        }
        self.half_configured.insert(SYSBOX.to_owned());
        for name in SYSBOX_UNITS {
            self.stop_unit(name);
            if let Some(unit) = self.units.get_mut(name) {
                "disabled".clone_into(&mut unit.enabled);
            }
        }
    }

    /// Removes Sysbox as `apt-get purge` does: its network keys and an empty `runtimes` stay in
    /// `daemon.json`. `apart` is whether the package's scripts see a copy of that file.
    pub(in crate::simulate) fn purge_sysbox(&mut self, apart: bool, now: u64) {
        self.remove_package(SYSBOX);
        let Ok(mut keys) = self.daemon_json() else { return };
        let runtimes = keys.get_mut("runtimes").and_then(Value::as_object_mut);
        let removed = runtimes.and_then(|runtimes| runtimes.remove("sysbox-runc"));
        if !apart && removed.is_some() {
            self.write(DAEMON_JSON, pretty(&keys), now);
        }
        // The package's script ignores an error of the reload.
        let _ = self.reload_dockerd();
    }

    /// Installs Sysbox as dpkg and its maintainer scripts do. dpkg reports the version with a
    /// suffix.
    pub(super) fn install_sysbox(&mut self, version: &str, apart: bool, now: u64) -> Reply {
        let version = format!("{version}.linux");
        self.packages.insert(SYSBOX.to_owned(), version.clone());
        for unit in SYSBOX_UNITS {
            self.add_unit(unit);
        }
        self.unconfigure_sysbox();
        match self.configure_sysbox(apart, now) {
            Ok(()) => Reply::line(format!("Setting up sysbox-ce ({version}) ...")),
            Err(why) => Reply::failed(100, why),
        }
    }

    /// `dpkg --configure sysbox-ce`. If its `config` script refuses, the package stays
    /// half-configured.
    pub(super) fn configure_sysbox(&mut self, apart: bool, now: u64) -> Result<(), String> {
        if !self.half_configured.contains(SYSBOX) {
            return Ok(());
        }
        let text = self.text(DAEMON_JSON).unwrap_or_default();
        let finds_keys = apart || NETWORK_KEYS.iter().all(|key| has_key(text, key));
        if self.dockerd.is_some() && !finds_keys && self.sysbox_sees_containers() {
            return Err("The Sysbox installer requires a docker service restart to configure network \
                        parameters, but it cannot proceed due to existing Docker containers. Please \
                        remove them as indicated below and re-launch the installation process.\n\
                        dpkg: error processing package sysbox-ce (--configure):\n \
                        installed sysbox-ce package post-installation script subprocess returned \
                        error exit status 1"
                .into());
        }
        self.half_configured.remove(SYSBOX);
        for name in SYSBOX_UNITS {
            if let Some(unit) = self.units.get_mut(name) {
                "enabled".clone_into(&mut unit.enabled);
            }
            self.start_unit(name, now);
        }
        if apart {
            let _ = self.reload_dockerd();
        } else {
            self.configure_for_sysbox(now);
        }
        Ok(())
    }

    /// Whether the package's scripts detect containers. They count the lines of `docker ps -a`,
    /// including the header, and take every number that ends with 1 for no containers.
    fn sysbox_sees_containers(&self) -> bool {
        !(self.containers.len() + 1).to_string().ends_with('1')
    }

    /// What `postinst` adds to `daemon.json`, and how it then restarts or reloads the daemon.
    fn configure_for_sysbox(&mut self, now: u64) {
        // If the file is not JSON, jq fails and the script continues.
        let Ok(mut keys) = self.daemon_json() else {
            return;
        };
        let before = keys.clone();
        let runtimes = keys.entry("runtimes").or_insert_with(|| json!({}));
        if let Value::Object(runtimes) = runtimes {
            runtimes
                .entry("sysbox-runc")
                .or_insert_with(|| json!({"path": "/usr/bin/sysbox-runc"}));
        }
        let with_runtime = keys.clone();
        keys.entry("bip").or_insert_with(|| "172.20.0.1/16".into());
        keys.entry("default-address-pools")
            .or_insert_with(|| json!([{"base": "172.25.0.0/16", "size": 24}]));
        if keys != before {
            self.write(DAEMON_JSON, pretty(&keys), now);
        }
        let known = self.runtimes().iter().any(|name| name == "sysbox-runc");
        if keys != with_runtime && !self.sysbox_sees_containers() {
            if self.dockerd.is_some() {
                self.stop_unit(DOCKER_SERVICE);
                self.start_unit(DOCKER_SERVICE, now + 1);
            }
        } else if !known {
            let _ = self.reload_dockerd();
        }
    }
}

/// The package's text search: a line that starts with a space and then has the key.
fn has_key(text: &str, key: &str) -> bool {
    text.lines().any(|line| {
        let rest = line.trim_start_matches(' ');
        let found = rest.len() < line.len() && rest.starts_with(&format!("\"{key}\""));
        let address = |rest: &str| {
            let value = rest.strip_prefix("\"bip\": \"");
            value.is_some_and(|value| value.starts_with(|c: char| c.is_ascii_digit()))
        };
        found && (key != "bip" || address(rest))
    })
}

/// The format of jq with an indent of four spaces.
pub(in crate::simulate) fn pretty(keys: &Map<String, Value>) -> String {
    let mut text = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut text, formatter);
    // Serializing a JSON value to memory cannot fail.
    let _ = serde::Serialize::serialize(keys, &mut serializer);
    String::from_utf8_lossy(&text).into_owned() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_packages_test_is_textual() {
        assert!(has_key("{\n    \"bip\": \"172.20.0.1/16\"\n}", "bip"));
        for text in ["{\"bip\": \"172.20.0.1/16\"}", "{\n\t\"bip\": \"172.20.0.1/16\"\n}", ""] {
            assert!(!has_key(text, "bip"), "{text}");
        }
    }

    /// A guest with a running dockerd and this many containers, one of them running.
    fn with_containers(count: u64) -> Guest {
        let mut guest = Guest::new("dev", 1000, "amd64", true);
        guest.start_unit(DOCKER_SERVICE, 1);
        guest.containers = (0..count)
            .map(|number| super::super::Container {
                name: format!("agent-{number}"),
                id: number.to_string(),
                runtime: "runc".into(),
                started: 0,
                running: number == 0,
                client: None,
            })
            .collect();
        guest
    }

    #[test]
    fn sysbox_refuses_while_a_container_exists_and_the_network_keys_do_not() {
        let mut guest = with_containers(1);
        assert_eq!(guest.install_sysbox("0.7.0", false, 2).code, 100);
        assert_eq!(guest.packages[SYSBOX], "0.7.0.linux");
        assert!(guest.half_configured.contains(SYSBOX) && !guest.is_active("sysbox.service"));
        let keys = json!({"bip": "172.20.0.1/16", "default-address-pools": []});
        guest.write(DAEMON_JSON, pretty(keys.as_object().unwrap()), 3);
        guest.configure_sysbox(false, 4).unwrap();
        assert!(guest.half_configured.is_empty() && guest.is_active("sysbox.service"));
        assert!(guest.runtimes().contains(&"sysbox-runc".to_owned()), "{:?}", guest.runtimes());
    }

    #[test]
    fn sysbox_takes_ten_containers_for_none_and_restarts_docker() {
        let mut guest = with_containers(10);
        let started = guest.dockerd.as_ref().unwrap().started;
        assert_eq!(guest.install_sysbox("0.7.0", false, 50).code, 0);
        assert_ne!(guest.dockerd.as_ref().unwrap().started, started);
        assert_eq!(guest.running().count(), 0, "without live-restore they end");
        // With a copy of daemon.json that has the keys, it does neither.
        let mut guest = with_containers(10);
        assert_eq!(guest.install_sysbox("0.7.0", true, 50).code, 0);
        assert_eq!(
            (guest.dockerd.as_ref().unwrap().started, guest.running().count()),
            (started, 1)
        );
    }

    #[test]
    fn a_purge_leaves_the_network_keys() {
        let mut guest = with_containers(0);
        guest.install_sysbox("0.7.0", false, 2);
        guest.purge_sysbox(false, 3);
        let keys = Value::Object(guest.daemon_json().unwrap());
        assert_eq!((&keys["runtimes"], &keys["bip"]), (&json!({}), &json!("172.20.0.1/16")));
        assert!(!guest.runtimes().contains(&"sysbox-runc".to_owned()), "dockerd has reloaded");
    }
}
