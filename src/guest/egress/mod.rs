//! What enforces an egress policy in the guest: firewall rules of their own table, a resolver that puts the
//! addresses of allowed names into the rules, and the units that start both before Docker.
//!
//! Measured with nftables 1.0.6 and dnsmasq 2.90 (Debian 12):
//! - A drop in any base chain is final, so a table of its own works with both of Docker's firewalls.
//! - `meta iifkind "bridge"` matches the bridge of every Docker network, whatever its name.
//! - Queries are redirected to the resolver, whatever server a container asks. A container in a user-defined
//!   network asks dockerd, which asks a server on the guest's loopback itself (systemd-resolved's, on
//!   Ubuntu). Such a query would not be redirected, so `daemon.json` gets
//!   [`NAMESERVER`](crate::model::egress::NAMESERVER).
//! - dnsmasq adds only addresses that a server answers, not those in its cache.
//! - dnsmasq forwards every name to the servers of `resolv.conf`, even with `address=/#/` and
//!   `server=/NAME/#`. With `no-resolv` and `server=/NAME/ADDRESS`, it forwards allowed names only.

mod resolver;
mod rules;

use super::GuestFile;
use crate::model::egress::Policy;

/// The unit of the resolver.
pub const RESOLVER_UNIT: &str = "cai-egress-dns.service";
/// The units.
pub const UNITS: [&str; 2] = ["cai-egress.service", RESOLVER_UNIT];
/// The file with the rules. Its first line holds the policy.
pub const RULES: &str = "/etc/cai/egress.nft";
/// The rules as nft listed them after they were loaded.
pub const LOADED: &str = "/run/cai-egress/loaded";
/// The checksums of the files that the rules in force and the running resolver come from.
pub const LOADED_SUMS: [&str; 2] = ["/run/cai-egress/rules.sum", "/run/cai-egress/resolver.sum"];
/// The files of the resolver.
pub const RESOLVER_FILES: [&str; 2] = [RESOLVER, SERVERS];
/// The text before the policy in the first line of the rules.
pub const HEADER: &str = "# Written by cai for: ";

/// The program that loads the rules, runs the resolver and prints the log.
pub const PROGRAM: &str = "/etc/cai/egress";
/// The units, and the drop-in that makes Docker require them.
const UNIT_FILES: [&str; 3] = [
    "/etc/systemd/system/cai-egress.service",
    "/etc/systemd/system/cai-egress-dns.service",
    "/etc/systemd/system/docker.service.d/50-cai-egress.conf",
];
/// The paths of all files.
pub const PATHS: [&str; 7] =
    [RULES, RESOLVER, SERVERS, PROGRAM, UNIT_FILES[0], UNIT_FILES[1], UNIT_FILES[2]];
const RESOLVER: &str = "/etc/cai/egress-dns.conf";
const SERVERS: &str = "/etc/cai/egress-servers";

/// The files that enforce a policy. `header` describes it in one line.
pub fn files(policy: &Policy, header: &str) -> Vec<GuestFile> {
    let file = GuestFile::new;
    vec![
        file(RULES, "644", format!("{HEADER}{header}\n{}", rules::rules(policy))),
        file(RESOLVER, "644", resolver::configuration(policy)),
        file(SERVERS, "644", resolver::servers(policy)),
        file(PROGRAM, "755", include_str!("program.sh").to_owned()),
        file(UNIT_FILES[0], "644", include_str!("rules.service").to_owned()),
        file(UNIT_FILES[1], "644", include_str!("resolver.service").to_owned()),
        file(UNIT_FILES[2], "644", include_str!("docker.conf").to_owned()),
    ]
}
