//! The rules of `[egress]`.

use std::net::IpAddr;

use super::Check;
use crate::config::types::Config;
use crate::model::egress::NAMESERVER;

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
        self.name_servers(config);
    }

    /// dockerd asks a server on the guest's loopback itself, past the rules.
    fn name_servers(&mut self, config: &Config) {
        let servers = config.docker.daemon.get("dns").and_then(|it| it.as_array());
        let places = self.elements(&["docker", "daemon", "dns"]);
        for (server, place) in servers.into_iter().flatten().zip(places) {
            let address = server.as_str().and_then(|it| it.parse::<IpAddr>().ok());
            if address.is_some_and(|address| address.is_loopback()) {
                let message =
                    "with [egress], containers cannot use a name server on the VM's loopback";
                let hint =
                    format!("remove it: cai sets {NAMESERVER}, and its resolver answers there");
                self.refuse(place.span(), message, hint);
            }
        }
    }
}
