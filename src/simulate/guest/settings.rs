//! The settings that dockerd reads when it starts: the proxy, and the certificates.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Caller, DOCKER_SERVICE, Guest};
use crate::guest::input;
use crate::guest::settings::STORE_INCOMPLETE;
use crate::simulate::reply::Reply;

/// The directory of the notes about changes that the running dockerd has not read.
pub(super) const RESTART_DUE: &str = "/var/lib/cai/restart-due/";
const CERTIFICATES: &str = "/usr/local/share/ca-certificates/";

/// `proxy|certificates PATHS_TO_DELETE`, and lines "PATH MODE BASE64" on standard input.
pub(super) fn change(guest: &mut Guest, words: &[String], caller: Caller<'_>) -> Reply {
    let Some((of, delete)) = words.split_first() else {
        return Reply::unknown("guest", "these arguments of settings");
    };
    for line in input(caller.script()).unwrap_or_default().lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let [path, mode, text] = words[..] else {
            return Reply::unknown("guest", "this line of settings");
        };
        guest.write(path, STANDARD.decode(text).unwrap_or_default(), caller.now);
        if let Some(file) = guest.files.get_mut(path).filter(|_| mode != "644") {
            file.mode = Some(mode.to_owned());
        }
    }
    guest.files.retain(|path, _| !delete.contains(path));
    guest.update_store(caller.now);
    guest.files.remove(STORE_INCOMPLETE);
    let note = format!("{RESTART_DUE}{of}");
    match guest.invocation(DOCKER_SERVICE) {
        id if id.is_empty() => drop(guest.files.remove(&note)),
        id => guest.write(&note, id + "\n", caller.now),
    }
    Reply::done()
}

impl Guest {
    /// `update-ca-certificates`: the links follow the files.
    fn update_store(&mut self, now: u64) {
        self.files.retain(|path, _| !path.starts_with("/etc/ssl/certs/cai-"));
        let names = self.files.keys().filter_map(|path| path.strip_prefix(CERTIFICATES));
        let links = names.filter_map(|name| name.strip_suffix(".crt"));
        let links: Vec<String> = links.map(|name| format!("/etc/ssl/certs/{name}.pem")).collect();
        for link in links {
            self.write(&link, "", now);
        }
    }

    /// systemd's InvocationID of a service; empty if it does not run.
    pub(super) fn invocation(&self, unit: &str) -> String {
        let daemon = self.dockerd.as_ref().filter(|_| unit == DOCKER_SERVICE);
        daemon.map_or(String::new(), |daemon| format!("{:032x}", daemon.started))
    }

    /// `grep -H . /var/lib/cai/restart-due/*`
    pub(super) fn restart_due(&self) -> Reply {
        let notes = self.files.iter().filter(|(path, _)| path.starts_with(RESTART_DUE));
        let lines: Vec<String> =
            notes.map(|(path, file)| format!("{path}:{}", file.text)).collect();
        Reply { stdout: lines.concat(), ..Reply::done() }
    }
}
