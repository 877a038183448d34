//! The egress rules: nftables and the units that load them. Names are not resolved here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Caller, Guest, systemd::Unit};
use crate::guest::egress::{LOADED, LOADED_SUMS, RESOLVER_FILES, RULES, UNITS};
use crate::guest::input;
use crate::simulate::reply::Reply;

/// Debian 12's versions.
const PACKAGES: [(&str, &str); 2] =
    [("dnsmasq-base", "2.90-4~deb12u1"), ("nftables", "1.0.6-2+deb12u2")];

/// Lines "PATH MODE BASE64" on standard input.
pub(super) fn install(guest: &mut Guest, caller: Caller<'_>) -> Reply {
    for (name, version) in PACKAGES {
        guest.packages.insert(name.to_owned(), version.to_owned());
    }
    for line in input(caller.script()).unwrap_or_default().lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let [path, mode, text] = words[..] else {
            return Reply::unknown("guest", "this line of egress");
        };
        let text = STANDARD.decode(text).unwrap_or_default();
        guest.write(path, text, caller.now);
        if let Some(file) = guest.files.get_mut(path).filter(|_| mode != "644") {
            file.mode = Some(mode.to_owned());
        }
    }
    for unit in UNITS {
        let running = Unit { active: "active".into(), enabled: "enabled".into() };
        guest.units.insert(unit.to_owned(), running);
    }
    guest.load_egress(caller.now);
    guest.start_egress_resolver(caller.now);
    Reply::done()
}

/// The paths of the files.
pub(super) fn remove(guest: &mut Guest, paths: &[String]) -> Reply {
    guest.egress = None;
    guest.units.retain(|name, _| !UNITS.contains(&name.as_str()));
    guest.files.retain(|path, _| !paths.contains(path) && !path.starts_with("/run/cai-egress/"));
    Reply::done()
}

/// The name, which may be empty, and its port.
pub(super) fn attempt(guest: &Guest, words: &[String]) -> Reply {
    let is_open = guest.egress.is_none();
    let resolves = guest.is_active("cai-egress-dns.service");
    let allowed = if is_open || resolves { "allowed ok\n" } else { "allowed blocked\n" };
    let allowed = if words.first().is_none_or(String::is_empty) { "" } else { allowed };
    Reply::line(format!("{allowed}blocked {}", if is_open { "open" } else { "ok" }))
}

impl Guest {
    /// Loads the rules. nft lists them as they are here; the real one writes them in another form.
    pub(super) fn load_egress(&mut self, now: u64) {
        let Some(rules) = self.text(RULES) else { return };
        let rules = rules.lines().filter(|line| !line.starts_with('#'));
        let rules: Vec<String> = rules.map(str::to_owned).collect();
        let rules = rules.join("\n");
        self.write(LOADED, &rules, now);
        self.remember_sums(LOADED_SUMS[0], &[RULES], now);
        self.egress = Some(rules);
    }

    pub(super) fn start_egress_resolver(&mut self, now: u64) {
        self.remember_sums(LOADED_SUMS[1], &RESOLVER_FILES, now);
    }

    fn remember_sums(&mut self, path: &str, files: &[&str], now: u64) {
        let sums = files.iter().filter_map(|file| Some((file, &self.files.get(*file)?.sha256)));
        let sums: Vec<String> = sums.map(|(file, sum)| format!("{sum}  {file}\n")).collect();
        self.write(path, sums.concat(), now);
    }

    /// `nft -s -t list table inet cai_egress`
    pub(super) fn nft(&self, caller: Caller<'_>) -> Reply {
        match &self.egress {
            _ if !caller.root => Reply::failed(1, "Operation not permitted (you must be root)"),
            Some(rules) => Reply::line(rules.clone()),
            None => Reply::failed(1, "Error: No such file or directory"),
        }
    }
}
