//! The configuration of dnsmasq.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::rules::{PORT, set};
use crate::model::egress::{Entry, Fallback, Host, Policy};

/// The place of a name server's address, which the guest knows.
const SERVER: &str = "@";

/// The names that may be resolved, and those whose subdomains may.
struct Names<'a> {
    /// The entries, by their names without `*.`.
    entries: BTreeMap<&'a str, Vec<&'a Entry>>,
}

impl<'a> Names<'a> {
    fn of(policy: &'a Policy) -> Self {
        let mut entries: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
        for entry in &policy.entries {
            match &entry.to.host {
                Host::Name(name) | Host::Below(name) => {
                    entries.entry(name).or_default().push(entry);
                }
                Host::Network(_) => {}
            }
        }
        Self { entries }
    }

    /// Whether an entry allows this name, and whether one allows all names below it.
    fn allows(&self, name: &str) -> (bool, bool) {
        let own = || self.entries.get(name).into_iter().flatten();
        let is_exact = |entry: &&Entry| matches!(entry.to.host, Host::Name(_));
        let is_below = own().any(|entry| !is_exact(&entry)) || self.parents(name).next().is_some();
        (own().any(|entry| is_exact(entry)), is_below)
    }

    /// The entries for all names below a parent of this one.
    fn parents(&self, name: &str) -> impl Iterator<Item = &'a Entry> {
        let parents = name.match_indices('.').map(|(at, _)| name[at + 1..].to_owned());
        let entries: Vec<&Entry> =
            parents.filter_map(|it| self.entries.get(it.as_str())).flatten().copied().collect();
        entries.into_iter().filter(|entry| matches!(entry.to.host, Host::Below(_)))
    }
}

/// The configuration file. dnsmasq uses the longest name that fits, so each name lists the sets of its
/// parents too. A name and the names below it share their sets.
pub(super) fn configuration(policy: &Policy) -> String {
    let mut text = format!(
        "# Written by cai.\nport={PORT}\nno-resolv\nno-hosts\ncache-size=1000\nmax-ttl=300\n\
         servers-file=/run/cai-egress/servers\n"
    );
    if policy.log {
        text.push_str("log-queries=extra\n");
    }
    if policy.fallback == Fallback::Deny {
        // Other names do not exist. They are not forwarded, so a name cannot carry data away.
        text.push_str("address=/#/\n");
    }
    let names = Names::of(policy);
    for (name, own) in &names.entries {
        let entries = own.iter().copied().chain(names.parents(name));
        let sets = entries.flat_map(|entry| {
            [4, 6].map(|version| format!("{version}#inet#cai_egress#{}", set(entry, version)))
        });
        let _ = writeln!(text, "nftset=/{name}/{}", sets.collect::<Vec<_>>().join(","));
        if policy.fallback == Fallback::Deny && names.allows(name) == (true, false) {
            let _ = writeln!(text, "address=/*.{name}/");
        }
    }
    text
}

/// The servers that answer for each name. The guest's name servers replace the address.
pub(super) fn servers(policy: &Policy) -> String {
    if policy.fallback == Fallback::Allow {
        return format!("server={SERVER}\n");
    }
    let names = Names::of(policy);
    let mut text = String::new();
    for name in names.entries.keys() {
        match names.allows(name) {
            (false, _) => {
                let _ = writeln!(text, "server=/*.{name}/{SERVER}");
            }
            (true, _) => {
                let _ = writeln!(text, "server=/{name}/{SERVER}");
            }
        }
    }
    text
}
