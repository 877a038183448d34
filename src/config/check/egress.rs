//! The rules of `[egress]`.

use std::net::IpAddr;

use super::Check;
use crate::config::types::{Config, Egress};
use crate::model::egress::NAMESERVER;

/// The most entries that open for one name.
const MOST_ENTRIES: usize = 12;

impl Check<'_, '_> {
    pub(in crate::config) fn egress(&mut self, config: &Config) {
        let Some(egress) = &config.egress else { return };
        let places = self.elements(&["egress", "allow"]);
        let entries = egress.allow.iter().zip(places);
        let entries = entries.map(|(entry, place)| (entry, place.span())).collect();
        self.refuse_twice(entries, |entry| format!("duplicate destination {entry}"));
        let places = self.elements(&["egress", "presets"]);
        let presets = egress.presets.iter().zip(places);
        let presets = presets.map(|(preset, place)| (preset.name(), place.span())).collect();
        self.refuse_twice(presets, |preset| format!("duplicate preset {preset}"));
        self.ports_of_names(config);
        self.name_servers(config);
    }

    /// dnsmasq reads lines of at most 1024 bytes, and a name's sets are on one line.
    fn ports_of_names(&mut self, config: &Config) {
        let Some(policy) = config.egress.as_ref().map(Egress::policy) else { return };
        let places = self.elements(&["egress", "allow"]);
        let entries = config.egress.iter().flat_map(|egress| &egress.allow).zip(places);
        for (entry, place) in entries {
            let opened = entry.name().map_or(0, |name| policy.opened_by(name).len());
            if opened > MOST_ENTRIES {
                let message =
                    format!("{opened} entries open for this name; at most {MOST_ENTRIES} can");
                self.refuse(
                    place.span(),
                    message,
                    "leave out the ports, so that one entry is enough",
                );
                return;
            }
        }
    }

    /// dockerd asks a server on the guest's loopback itself, past the rules, and so it does without any.
    fn name_servers(&mut self, config: &Config) {
        let Some(servers) = config.docker.daemon.get("dns").and_then(|it| it.as_array()) else {
            return;
        };
        let hint = format!("remove it: cai sets {NAMESERVER}, and its resolver answers there");
        let places = self.elements(&["docker", "daemon", "dns"]);
        if let (true, Some(place)) = (servers.is_empty(), self.at(&["docker", "daemon", "dns"])) {
            self.refuse(place.span(), "with [egress], containers need a name server", &*hint);
        }
        for (server, place) in servers.iter().zip(places) {
            let address = server.as_str().and_then(|it| it.parse::<IpAddr>().ok());
            if address.is_none_or(|address| address.to_canonical().is_loopback()) {
                let message = "with [egress], this cannot be a name server: it is on the VM's \
                               loopback, or is not an address";
                self.refuse(place.span(), message, &*hint);
            }
        }
    }
}
