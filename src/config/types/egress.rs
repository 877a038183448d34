use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::egress::{DefaultPolicy, Destination, EgressEntry, Policy, Preset};

/// `[egress]`: where containers may connect. Rules in the VM enforce it, for IPv4 and IPv6, on every
/// bridge network. Root in the VM can remove them: anyone who can use the Docker socket, and privileged
/// containers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Egress {
    /// What happens to a connection that no entry allows.
    #[serde(default)]
    pub default: DefaultPolicy,
    /// The allowed destinations: names, all names below one (`*.example.com`), addresses or networks,
    /// each with `:PORT` for a single port.
    #[serde(default)]
    pub allow: Vec<Destination>,
    /// Named lists of destinations that are also allowed.
    #[serde(default)]
    pub presets: Vec<Preset>,
    /// Whether private, link-local and cloud metadata addresses, and the VM itself, are blocked even if
    /// `default` or a name allows them. An address or network in `allow` opens them.
    #[serde(default = "yes")]
    pub block_private: bool,
    /// Whether the VM logs refused connections and names, for `cai logs egress`.
    #[serde(default)]
    pub log: bool,
}

fn yes() -> bool {
    true
}

impl Egress {
    /// The policy. Duplicate entries count once.
    pub fn policy(&self) -> Policy {
        let own = self.allow.iter().map(|to| (to.clone(), "allow".to_owned()));
        let preset = |preset: &Preset| {
            let from = format!("preset {}", preset.name());
            preset.destinations().map(move |to| (to, from.clone()))
        };
        let mut entries: Vec<EgressEntry> = Vec::new();
        for (to, from) in own.chain(self.presets.iter().flat_map(preset)) {
            if !entries.iter().any(|entry| entry.to == to) {
                entries.push(EgressEntry { to, from });
            }
        }
        let Self { default, block_private, log, .. } = *self;
        Policy { default, entries, block_private, log }
    }
}
