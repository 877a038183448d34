//! The scripts that write daemon.json and make dockerd use it.

use crate::guest::input;
use crate::simulate::guest::{Caller, DAEMON_JSON, DOCKER_SERVICE, DOCKER_SOCKET, Guest, settings};
use crate::simulate::reply::Reply;

/// A copy of the loaded configuration, which cai keeps in the guest.
pub(super) const LOADED: &str = "/var/lib/cai/daemon.json.loaded";
/// The file that cai replaced, and the checksum of the file that it wrote.
const PREVIOUS: &str = "/var/lib/cai/daemon.json.previous";
const WROTE: &str = "/var/lib/cai/daemon.json.wrote";

impl Guest {
    /// Keeps a copy of the file as the loaded configuration.
    fn remember_loaded(&mut self, now: u64) -> bool {
        let text = self.text(DAEMON_JSON).map(str::to_owned);
        if let Some(text) = &text {
            self.write(LOADED, text, now);
        }
        text.is_some()
    }

    /// The time for a file that must not look older than the daemon. Only a script with `not_older`
    /// adjusts it.
    fn not_older(&self, caller: Caller<'_>) -> u64 {
        let started = self.dockerd.as_ref().map_or(0, |daemon| daemon.started);
        if caller.script().contains("not_older \"") { caller.now.max(started) } else { caller.now }
    }

    /// Called once dockerd has accepted the file that cai wrote.
    fn accept(&mut self) {
        self.files.remove(PREVIOUS);
        self.files.remove(WROTE);
    }

    /// Restores the replaced file, unless someone has changed the new one since.
    fn restore(&mut self) -> bool {
        let sum = self.files.get(DAEMON_JSON).map(|file| file.sha256.as_str());
        if sum.is_none() || self.text(WROTE) != sum {
            return false;
        }
        match self.files.remove(PREVIOUS) {
            Some(previous) => drop(self.files.insert(DAEMON_JSON.into(), previous)),
            None => drop(self.files.remove(DAEMON_JSON)),
        }
        self.accept();
        true
    }

    /// Keeps a copy of the file if the running daemon started after it was written.
    pub(super) fn remember_start(&mut self, now: u64) {
        let written = self.files.get(DAEMON_JSON).map(|file| file.modified);
        let started = self.dockerd.as_ref().map(|daemon| daemon.started);
        if written.zip(started).is_some_and(|(written, started)| written < started) {
            self.remember_loaded(now);
        }
    }
}

/// `EXPECTED_SHA256|absent current|keep`, with the text on standard input.
pub(super) fn write_daemon_json(guest: &mut Guest, words: &[String], caller: Caller<'_>) -> Reply {
    let ([expected, loaded], Some(text)) = (words, input(caller.script())) else {
        return Reply::unknown("guest", "these arguments of write-daemon-json");
    };
    let actual = guest.files.get(DAEMON_JSON).map_or("absent", |file| file.sha256.as_str());
    let actual = actual.to_owned();
    if actual != *expected {
        let message = format!("{DAEMON_JSON} was changed by someone else in the meantime");
        return Reply::failed(3, message);
    }
    let now = guest.not_older(caller);
    // Docker 20.10 has no `dockerd --validate`.
    if guest.dockerd_installed()
        && !guest.is_old_docker()
        && let Err(why) = Guest::decoded(&text)
    {
        return Reply::failed(1, why);
    }
    if loaded == "current" {
        let text = guest.text(DAEMON_JSON).unwrap_or("{}\n").to_owned();
        guest.write(LOADED, &text, now);
    }
    let is_accepted = loaded == "current" && guest.is_active(DOCKER_SERVICE);
    if is_accepted || guest.text(WROTE) != Some(actual.as_str()) {
        guest.files.remove(PREVIOUS);
        if let Some(previous) = guest.files.get(DAEMON_JSON).cloned() {
            guest.files.insert(PREVIOUS.into(), previous);
        }
    }
    guest.write(DAEMON_JSON, &text, now);
    let sum = guest.files.get(DAEMON_JSON).map(|file| file.sha256.clone()).unwrap_or_default();
    guest.write(WROTE, sum, now);
    Reply::done()
}

/// `record|keep`
pub(super) fn reload_docker(guest: &mut Guest, words: &[String], caller: Caller<'_>) -> Reply {
    let [mode] = words else {
        return Reply::unknown("guest", "these arguments of reload-docker");
    };
    if !guest.is_active(DOCKER_SERVICE) {
        return Reply::failed(1, format!("{DOCKER_SERVICE} is not active, cannot reload."));
    }
    if let Err(why) = guest.reload_dockerd() {
        let reply = Reply::failed(4, format!("dockerd refuses the new {DAEMON_JSON}:\n{why}"));
        if !guest.restore() {
            return reply;
        }
        let _ = guest.reload_dockerd();
        return reply.saying("the previous file is restored; dockerd was not stopped");
    }
    if mode == "record" {
        if !guest.remember_loaded(guest.not_older(caller)) {
            return Reply::failed(1, format!("cp: cannot stat '{DAEMON_JSON}': No such file"));
        }
        guest.accept();
    }
    Reply::done()
}

/// `restore|keep`
pub(super) fn restart_docker(guest: &mut Guest, words: &[String], caller: Caller<'_>) -> Reply {
    let [mode] = words else {
        return Reply::unknown("guest", "these arguments of restart-docker");
    };
    // If the socket's file is missing, a script that names the socket unit restarts that unit.
    let units: &[&str] = match guest.socket {
        None if guest.is_active(DOCKER_SOCKET) && caller.script().contains(DOCKER_SOCKET) => {
            &["restart", DOCKER_SOCKET, DOCKER_SERVICE]
        }
        _ => &["restart", DOCKER_SERVICE],
    };
    let restarted = guest.systemctl_words(units, caller);
    if restarted.code != 0 {
        let why = guest.log.last().cloned().unwrap_or_default();
        let reply = Reply::failed(4, format!("dockerd does not start. Its last messages:\n{why}"));
        if mode != "restore" || !guest.restore() {
            return reply;
        }
        let again = guest.systemctl_words(units, caller);
        let end = match again.code {
            0 => "is restored, and dockerd runs with it",
            _ => "is restored, and dockerd does not start with it either",
        };
        return reply.saying(&format!("the previous {DAEMON_JSON} {end}"));
    }
    guest.files.retain(|path, _| !path.starts_with(settings::RESTART_DUE));
    guest.remember_loaded(caller.now);
    guest.accept();
    restarted
}
