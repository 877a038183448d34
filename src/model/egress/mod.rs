//! Where containers may connect: the entries of a policy, and what they decide.

mod destination;
mod presets;

use std::fmt;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use destination::is_below;

pub use destination::{Destination, DestinationHost, Target};
pub use presets::Preset;

/// The networks that `block_private` blocks, and what they are. The addresses of cloud metadata services
/// are link-local, except Alibaba's (in the shared address space) and Amazon's for IPv6 (unique local).
pub const PRIVATE: [(&str, &str); 20] = [
    ("0.0.0.0/8", "reserved addresses, \"this network\""),
    ("10.0.0.0/8", "private addresses"),
    ("100.64.0.0/10", "the shared address space, such as Tailscale's"),
    ("169.254.0.0/16", "link-local addresses, such as cloud metadata"),
    ("172.16.0.0/12", "private addresses"),
    ("192.168.0.0/16", "private addresses"),
    ("168.63.129.16/32", "Azure's host"),
    ("192.0.0.0/24", "reserved addresses, such as Oracle's metadata"),
    ("198.18.0.0/15", "addresses for benchmarks"),
    ("240.0.0.0/4", "reserved addresses"),
    ("64:ff9b::a00:0/104", "private addresses through NAT64"),
    ("64:ff9b::6440:0/106", "the shared address space through NAT64"),
    ("64:ff9b::a9fe:0/112", "link-local addresses through NAT64"),
    ("64:ff9b::ac10:0/108", "private addresses through NAT64"),
    ("64:ff9b::c0a8:0/112", "private addresses through NAT64"),
    ("64:ff9b:1::/48", "a local NAT64"),
    ("2002::/16", "IPv4 addresses through 6to4"),
    ("fc00::/7", "unique local addresses"),
    ("fe80::/10", "link-local addresses"),
    ("fec0::/10", "site-local addresses"),
];

/// The name server in the containers' `resolv.conf`. The address is reserved for documentation, so nothing
/// answers there without the redirection. The gateway's address would be that of Docker's bridge inside a
/// Sysbox container.
pub const NAMESERVER: &str = "192.0.2.53";

/// The answer to a connection that no entry allows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DefaultPolicy {
    /// Refuse it.
    #[default]
    Deny,
    /// Let it through.
    Allow,
}

/// An entry, and the place in the file that it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EgressEntry {
    /// Where connections may go.
    pub to: Destination,
    /// `allow`, or the preset.
    pub from: String,
}

/// The rules for the connections of containers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The answer to a connection that no entry allows.
    pub default: DefaultPolicy,
    /// The allowed destinations, without duplicates.
    pub entries: Vec<EgressEntry>,
    /// Whether private and link-local addresses are blocked, unless an entry with an address allows them.
    pub block_private: bool,
    /// Whether refused connections and names are logged.
    pub log: bool,
}

/// What a policy decides about a connection, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// An entry allows it.
    Listed(EgressEntry),
    /// Another entry allows this host on other ports only.
    OtherPorts(Vec<EgressEntry>),
    /// `default = "allow"` lets it through.
    ByDefault,
    /// `block_private` blocks it: the network, and what it is.
    Private(&'static str, &'static str),
    /// No entry allows it.
    Unlisted,
}

impl Decision {
    /// Whether the connection is allowed.
    pub fn allows(&self) -> bool {
        matches!(self, Self::Listed(_) | Self::ByDefault)
    }
}

impl Policy {
    /// Decides about a connection to a target. Without a port, an entry for any port of it counts.
    pub fn decide(&self, target: &Target) -> Decision {
        let is_listed = self.entries.iter().any(|entry| entry.to.covers(&target.host));
        let host: Vec<&EgressEntry> = match &target.host {
            _ if !is_listed => Vec::new(),
            DestinationHost::Name(name) | DestinationHost::Below(name) => self.opened_by(name),
            DestinationHost::Network(_) => {
                self.entries.iter().filter(|entry| entry.to.covers(&target.host)).collect()
            }
        };
        let (fits, others): (Vec<&EgressEntry>, Vec<&EgressEntry>) =
            host.into_iter().partition(|entry| entry.to.takes(target.port));
        if let Some(entry) = fits.first() {
            return Decision::Listed((*entry).clone());
        }
        if let Some((network, what)) = self.private(&target.host) {
            return Decision::Private(network, what);
        }
        if self.default == DefaultPolicy::Allow {
            return Decision::ByDefault;
        }
        if others.is_empty() {
            return Decision::Unlisted;
        }
        Decision::OtherPorts(others.into_iter().cloned().collect())
    }

    /// The entries that open for the addresses of an allowed name: those of the longest listed name that it
    /// is or is below, and those for all names below a parent of it. The resolver cannot tell a name from
    /// the names below it, so both open both (dnsmasq's `nftset`).
    pub fn opened_by(&self, name: &str) -> Vec<&EgressEntry> {
        let base = self.entries.iter().filter_map(|entry| entry.to.name());
        let base = base.filter(|base| name == *base || is_below(name, base));
        let Some(base) = base.max_by_key(|base| base.len()) else { return Vec::new() };
        let opens = |entry: &&EgressEntry| match &entry.to.host {
            DestinationHost::Name(own) => own == base,
            DestinationHost::Below(own) => own == base || is_below(base, own),
            DestinationHost::Network(_) => false,
        };
        self.entries.iter().filter(opens).collect()
    }

    fn private(&self, host: &DestinationHost) -> Option<(&'static str, &'static str)> {
        let DestinationHost::Network(host) = host else { return None };
        let mut networks = PRIVATE.iter().filter(|_| self.block_private);
        let within = |network: &str| network.parse().is_ok_and(|it: IpNet| it.contains(host));
        networks.find(|(network, _)| within(network)).copied()
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listed(EgressEntry { to, from }) => write!(f, "allowed by {to} ({from})"),
            Self::ByDefault => f.write_str("allowed by default = \"allow\""),
            Self::Private(network, what) => {
                write!(f, "blocked by block_private: {network} ({what})")
            }
            Self::Unlisted => f.write_str("blocked: no entry allows it"),
            Self::OtherPorts(entries) => {
                let entries: Vec<String> = entries.iter().map(|it| it.to.to_string()).collect();
                let entries = entries.join(", ");
                write!(f, "blocked: this port is not allowed; allowed for this host: {entries}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(default: DefaultPolicy, block_private: bool) -> Policy {
        let entries = [
            ("github.com", "allow"),
            ("*.githubusercontent.com:443", "preset github"),
            ("10.1.2.0/24:5432", "allow"),
        ];
        let entries =
            entries.map(|(to, from)| EgressEntry { to: to.parse().unwrap(), from: from.into() });
        Policy { default, entries: entries.into(), block_private, log: false }
    }

    fn decided(policy: &Policy, target: &str) -> String {
        policy.decide(&target.parse().unwrap()).to_string()
    }

    #[test]
    fn an_entry_allows_its_host_on_its_port() {
        let deny = policy(DefaultPolicy::Deny, true);
        for (target, why) in [
            ("github.com", "allowed by github.com (allow)"),
            ("GitHub.com.:22", "allowed by github.com (allow)"),
            ("api.github.com", "blocked: no entry allows it"),
            (
                "raw.githubusercontent.com:443",
                "allowed by *.githubusercontent.com:443 (preset github)",
            ),
            ("githubusercontent.com:443", "blocked: no entry allows it"),
            (
                "raw.githubusercontent.com:80",
                "blocked: this port is not allowed; allowed for this host: *.githubusercontent.com:443",
            ),
            ("10.1.2.9:5432", "allowed by 10.1.2.0/24:5432 (allow)"),
            ("10.1.2.9:80", "blocked by block_private: 10.0.0.0/8 (private addresses)"),
            (
                "169.254.169.254:80",
                "blocked by block_private: 169.254.0.0/16 (link-local addresses, such as cloud metadata)",
            ),
            ("[fd00:ec2::254]:80", "blocked by block_private: fc00::/7 (unique local addresses)"),
            ("203.0.113.9", "blocked: no entry allows it"),
        ] {
            assert_eq!(decided(&deny, target), why, "{target}");
        }
    }

    #[test]
    fn a_name_and_the_names_below_it_share_their_ports() {
        let entries =
            ["github.com:22", "*.github.com:443", "api.github.com:8443", "example.com:80"];
        let entry = |to: &str| EgressEntry { to: to.parse().unwrap(), from: "allow".into() };
        let policy =
            Policy { entries: entries.map(entry).into(), ..policy(DefaultPolicy::Deny, true) };
        for (target, allows) in [
            ("github.com:443", true),
            ("gist.github.com:22", true),
            ("api.github.com:443", true),
            ("api.github.com:8443", true),
            ("api.github.com:22", false),
            ("gist.github.com:8443", false),
            ("www.example.com:80", false),
        ] {
            assert_eq!(policy.decide(&target.parse().unwrap()).allows(), allows, "{target}");
        }
    }

    #[test]
    fn the_default_decides_about_the_rest() {
        let allow = policy(DefaultPolicy::Allow, true);
        assert_eq!(decided(&allow, "203.0.113.9"), "allowed by default = \"allow\"");
        assert_eq!(decided(&allow, "example.com:80"), "allowed by default = \"allow\"");
        assert!(!allow.decide(&"100.100.100.200".parse().unwrap()).allows());
        let open = policy(DefaultPolicy::Allow, false);
        assert!(open.decide(&"100.100.100.200".parse().unwrap()).allows());
    }

    #[test]
    fn private_networks_have_no_host_bits() {
        for (network, _) in PRIVATE {
            let parsed: IpNet = network.parse().unwrap();
            assert_eq!(parsed.trunc().to_string(), network);
        }
    }
}
