//! Packages: Docker's, and Sysbox's as its public packaging has it (`sysbox.md`).

use serde_json::{Map, Value, json};

use super::accounts::Group;
use super::{DAEMON_JSON, DOCKER, DOCKER_SERVICE, DOCKER_SOCKET, Guest};
use crate::simulate::reply::Reply;

/// The distribution's package, with Ubuntu 24.04's version.
pub(super) const DISTRO: (&str, &str) = ("docker.io", "27.5.1-0ubuntu3~24.04.2");
/// Docker's own package.
pub(super) const DOCKER_CE: &str = "docker-ce";
/// The version of it that is installed where none is asked for.
pub(super) const DOCKER_CE_VERSION: &str = "5:28.5.2-1~ubuntu.24.04~noble";
/// What stands behind Docker's version in the version of its package.
pub(super) const DOCKER_CE_SUFFIX: &str = "-1~ubuntu.24.04~noble";
pub(super) const SYSBOX: &str = "sysbox-ce";
pub(super) const SYSBOX_UNITS: [&str; 3] =
    ["sysbox-mgr.service", "sysbox-fs.service", "sysbox.service"];
/// The network keys that Sysbox's package wants, with the values that it would put there.
const NETWORK_KEYS: [&str; 2] = ["bip", "default-address-pools"];

impl Guest {
    /// Whether `dockerd` is there.
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

    /// Installs Docker. Its package makes the group and the units; who starts them is another
    /// question, though Debian's packages start theirs while the machine runs.
    pub(super) fn install_docker(&mut self, (package, version): (&str, &str)) {
        // The two kinds of packages exclude each other.
        self.packages.retain(|name, _| name != DISTRO.0 && name != DOCKER_CE);
        self.packages.insert(package.to_owned(), version.to_owned());
        let gid = self.free_system_gid();
        self.groups.entry(DOCKER.to_owned()).or_insert(Group { gid, members: Vec::new() });
        self.add_unit(DOCKER_SOCKET);
        self.add_unit(DOCKER_SERVICE);
    }

    /// Whether a script would give apt a second entry for Docker's repository, with another key.
    pub(super) fn adds_conflicting_source(&self, script: &str) -> bool {
        let is_dockers = |path: &String, text: &str| {
            path.starts_with("/etc/apt/sources.list.d/") && text.contains("://download.docker.com/")
        };
        let is_there = self.files.iter().any(|(path, file)| is_dockers(path, &file.text));
        is_there && script.contains("signed-by=") && !script.contains("update --print-uris")
    }

    /// Takes a package away, with its services.
    pub(in crate::simulate) fn remove_package(&mut self, name: &str) {
        self.packages.remove(name);
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

    /// Installs Sysbox, as its maintainer scripts do.
    pub(super) fn install_sysbox(&mut self, version: &str, now: u64) -> Reply {
        let text = self.text(DAEMON_JSON).unwrap_or_default();
        let lacks_keys = !NETWORK_KEYS.iter().all(|key| has_key(text, key));
        if self.dockerd.is_some() && lacks_keys && !self.containers.is_empty() {
            return Reply::failed(
                100,
                "The Sysbox installer requires a docker service restart to configure network \
                 parameters, but it cannot proceed due to existing Docker containers. Please \
                 remove them as indicated below and re-launch the installation process.\n\
                 dpkg: error processing archive sysbox-ce (--unpack): config script returned \
                 error exit status 1",
            );
        }
        self.packages.insert(SYSBOX.to_owned(), format!("{version}-0.linux"));
        for unit in SYSBOX_UNITS {
            self.add_unit(unit);
            self.start_unit(unit, now);
        }
        self.configure_for_sysbox(now);
        Reply::line(format!("Setting up sysbox-ce ({version}-0.linux) ..."))
    }

    /// What `postinst` adds to `daemon.json`, and what it does with the daemon then.
    fn configure_for_sysbox(&mut self, now: u64) {
        // Where the file is no JSON, jq fails and the package goes on.
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
        if keys != with_runtime && self.containers.is_empty() {
            if self.dockerd.is_some() {
                self.stop_unit(DOCKER_SERVICE);
                self.start_unit(DOCKER_SERVICE, now + 1);
            }
        } else if !known {
            let _ = self.reload_dockerd();
        }
    }
}

/// The package's textual test: a line that begins with a blank and then holds the key.
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

/// As jq writes with four blanks.
pub(in crate::simulate) fn pretty(keys: &Map<String, Value>) -> String {
    let mut text = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut text, formatter);
    // A JSON value can always be written to memory.
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

    #[test]
    fn sysbox_refuses_while_a_container_exists_and_the_network_keys_do_not() {
        let mut guest = Guest::new("dev", 1000, "amd64", true);
        guest.start_unit(DOCKER_SERVICE, 1);
        let container = super::super::Container {
            name: "old".into(),
            id: "0".into(),
            runtime: "runc".into(),
            started: 0,
            running: false,
            client: None,
        };
        guest.containers.push(container);
        assert_eq!(guest.install_sysbox("0.7.0", 2).code, 100);
        assert!(!guest.packages.contains_key(SYSBOX));
        guest.write(
            DAEMON_JSON,
            pretty(&Map::from_iter([
                ("bip".to_owned(), json!("172.20.0.1/16")),
                ("default-address-pools".to_owned(), json!([])),
            ])),
            3,
        );
        assert_eq!(guest.install_sysbox("0.7.0", 4).code, 0);
        assert!(guest.runtimes().contains(&"sysbox-runc".to_owned()), "{:?}", guest.runtimes());
    }
}
