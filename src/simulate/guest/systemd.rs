//! `systemctl`, for the services of Docker and Sysbox.

use serde::{Deserialize, Serialize};

use super::packages::SYSBOX_UNITS;
use super::{Caller, DOCKER, DOCKER_SERVICE, DOCKER_SOCKET, Guest, ROOT};
use crate::guest::egress::RESOLVER_UNIT;
use crate::simulate::arguments::Arguments;
use crate::simulate::reply::Reply;

/// The drop-in in which Lima's template docker-rootful sets the owner of the socket.
const SOCKET_DROP_IN: &str = "/etc/systemd/system/docker.socket.d/override.conf";

/// The state of a unit, in systemd's terms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// `active`, `inactive` or `failed`.
    pub active: String,
    /// `enabled` or `disabled`.
    pub enabled: String,
}

impl Guest {
    /// Adds the unit of a package.
    pub(super) fn add_unit(&mut self, name: &str) {
        let unit = Unit { active: "inactive".into(), enabled: "enabled".into() };
        self.units.entry(name.to_owned()).or_insert(unit);
    }

    /// Whether a unit is active.
    pub(in crate::simulate) fn is_active(&self, name: &str) -> bool {
        self.units.get(name).is_some_and(|unit| unit.active == "active")
    }

    /// Makes a unit fail.
    pub(in crate::simulate) fn fail_unit(&mut self, name: &str) {
        self.stop_unit(name);
        self.set_active(name, "failed");
    }

    /// `systemctl restart docker.service`
    pub(in crate::simulate) fn restart_docker(&mut self, now: u64) -> bool {
        self.restart_units(&[DOCKER_SERVICE], now)
    }

    fn set_active(&mut self, name: &str, word: &str) {
        if let Some(unit) = self.units.get_mut(name) {
            word.clone_into(&mut unit.active);
        }
    }

    /// Starts a unit and its requirements. Returns whether it succeeded.
    pub(in crate::simulate) fn start_unit(&mut self, name: &str, now: u64) -> bool {
        if self.is_active(name) || !self.units.contains_key(name) {
            return self.is_active(name);
        }
        match name {
            DOCKER_SOCKET => {
                // systemd creates the socket with the current gid of the group.
                let gid = self.groups.get(DOCKER).map(|group| group.gid);
                self.socket = Some(gid.unwrap_or_default());
                let drop_in = self.text(SOCKET_DROP_IN).unwrap_or_default();
                let owner = drop_in.lines().find_map(|line| line.strip_prefix("SocketUser="));
                self.socket_owner = owner.map(str::to_owned);
            }
            DOCKER_SERVICE => {
                // `Requires=docker.socket`
                self.start_unit(DOCKER_SOCKET, now);
                if !self.mount_data() || !self.start_dockerd(now) {
                    self.set_active(name, "failed");
                    return false;
                }
            }
            "cai-egress.service" => self.load_egress(now),
            RESOLVER_UNIT => self.start_egress_resolver(now),
            // `Requires=`
            "sysbox.service" => {
                self.start_unit("sysbox-mgr.service", now);
                self.start_unit("sysbox-fs.service", now);
            }
            _ => {}
        }
        self.set_active(name, "active");
        true
    }

    /// Stops a unit and the units that require it.
    pub(in crate::simulate) fn stop_unit(&mut self, name: &str) {
        match name {
            // `docker.service` requires it, so it stops first. The socket's file remains.
            DOCKER_SOCKET => self.stop_unit(DOCKER_SERVICE),
            DOCKER_SERVICE => self.stop_dockerd(),
            // `BindsTo=` and `PartOf=`: the three stop together (measured).
            name if SYSBOX_UNITS.contains(&name) => {
                for unit in SYSBOX_UNITS {
                    self.set_active(unit, "inactive");
                }
            }
            _ => {}
        }
        self.set_active(name, "inactive");
    }

    fn stop_units(&mut self, names: &[&str]) {
        for name in names {
            self.stop_unit(name);
        }
    }

    /// Restarts units, and with them the units that require them. Restarting only the service does
    /// not recreate the socket's file.
    fn restart_units(&mut self, names: &[&str], now: u64) -> bool {
        let mut names = names.to_vec();
        let joins = names.contains(&DOCKER_SOCKET) && !names.contains(&DOCKER_SERVICE);
        if joins && self.is_active(DOCKER_SERVICE) {
            names.push(DOCKER_SERVICE);
        }
        for name in &names {
            self.stop_unit(name);
        }
        names.sort_unstable_by_key(|name| *name == DOCKER_SERVICE);
        names.iter().all(|name| self.start_unit(name, now))
    }

    /// `systemctl` with its arguments.
    pub(super) fn systemctl(&mut self, words: &[String], caller: Caller<'_>) -> Reply {
        let flags = ["--now", "--quiet", "-q"];
        let arguments = match Arguments::parse(words, &flags, false) {
            Ok(arguments) => arguments,
            Err(what) => return Reply::unknown("systemctl", &what),
        };
        let Some((verb, names)) = arguments.words.split_first() else {
            return Reply::unknown("systemctl", "a call without a verb");
        };
        if verb == "is-active" {
            let words: Vec<&str> = names
                .iter()
                .map(|name| self.units.get(name).map_or("inactive", |unit| unit.active.as_str()))
                .collect();
            let code = if words.contains(&"active") { 0 } else { 3 };
            return Reply { code, ..Reply::line(words.join("\n")) };
        }
        if !caller.root {
            return Reply::failed(1, format!("Failed to {verb} unit: Access denied"));
        }
        if let Some(missing) = names.iter().find(|name| !self.units.contains_key(*name)) {
            return match verb.as_str() {
                "reset-failed" => Reply::failed(1, format!("Unit {missing} not loaded.")),
                "enable" | "disable" => Reply::failed(
                    1,
                    format!("Failed to {verb} unit: Unit file {missing} does not exist."),
                ),
                _ => Reply::failed(
                    5,
                    format!("Failed to {verb} {missing}: Unit {missing} not found."),
                ),
            };
        }
        self.change_units(verb, names, arguments.has("--now"), caller.now)
    }

    fn change_units(&mut self, verb: &str, names: &[String], now_too: bool, now: u64) -> Reply {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let done = match verb {
            "start" => names.iter().all(|name| self.start_unit(name, now)),
            "stop" => {
                self.stop_units(&names);
                true
            }
            "restart" => self.restart_units(&names, now),
            "reload" => {
                if let Some(name) = names.iter().find(|name| !self.is_active(name)) {
                    let message = format!("{name} is not active, cannot reload.");
                    return Reply::failed(1, message);
                }
                // The command only sends a signal; the result is in the log.
                let _ = self.reload_dockerd();
                true
            }
            "unmask" => true,
            "enable" | "disable" => {
                for name in &names {
                    if let Some(unit) = self.units.get_mut(*name) {
                        unit.enabled = format!("{verb}d");
                    }
                }
                match (now_too, verb) {
                    (true, "enable") => names.iter().all(|name| self.start_unit(name, now)),
                    (true, _) => {
                        self.stop_units(&names);
                        true
                    }
                    (false, _) => true,
                }
            }
            "reset-failed" => {
                for name in &names {
                    if !self.is_active(name) {
                        self.set_active(name, "inactive");
                    }
                }
                true
            }
            other => return Reply::unknown("systemctl", &format!("the verb `{other}`")),
        };
        if done {
            return Reply::done();
        }
        let failed = names.iter().find(|name| !self.is_active(name)).unwrap_or(&ROOT);
        Reply::failed(
            1,
            format!(
                "Job for {failed} failed because the control process exited with error code.\n\
                 See \"systemctl status {failed}\" and \"journalctl -xeu {failed}\" for details."
            ),
        )
    }
}
