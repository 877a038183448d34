//! The rules for nft.

use std::fmt::Write as _;

use ipnet::IpNet;

use crate::model::digest::sha256;
use crate::model::egress::{DefaultPolicy, DestinationHost, EgressEntry, PRIVATE, Policy};

/// The table, with its family.
const RULES_TABLE: &str = "inet cai_egress";
/// The port of the resolver.
pub(super) const PORT: u16 = 5300;

/// The mark on connections that began with a source address which is not behind the bridge. A container can
/// forge such a packet to itself, and what it then sends would count as a reply (measured: it reached
/// 169.254.169.254).
const SPOOFED: &str = "0x1";

/// The name of the set with the addresses of an entry with a name.
pub(super) fn set(entry: &EgressEntry, version: u8) -> String {
    let sum = sha256(entry.to.to_string().as_bytes());
    format!("h{}_{version}", &sum[..12])
}

/// The mark on the connections that an entry allows. If the entry leaves, the mark is no longer accepted, and
/// the connection is judged again: it ends, or another entry allows it.
fn mark(policy: &Policy, entry: &EgressEntry) -> String {
    marked(&format!("{}, block_private = {}", entry.to, policy.block_private))
}

/// A mark other than [`SPOOFED`].
fn marked(what: &str) -> String {
    format!("0xc{}", &sha256(what.as_bytes())[..7])
}

/// The mark on the connections that `default = "allow"` lets through.
fn default_mark(policy: &Policy) -> String {
    marked(&format!("default, block_private = {}", policy.block_private))
}

/// The table with its sets and chains. It is loaded into an empty table, or into one whose rules were
/// flushed and whose sets keep their addresses.
pub(super) fn rules(policy: &Policy) -> String {
    let mut text = format!("table {RULES_TABLE} {{\n");
    for entry in named(policy) {
        for (version, kind) in [(4, "ipv4_addr"), (6, "ipv6_addr")] {
            // The time after which an address is forgotten that a name no longer has.
            let name = set(entry, version);
            let _ = write!(
                text,
                "  set {name} {{\n    type {kind}\n    flags timeout\n    timeout 1h\n  }}\n"
            );
        }
    }
    text.push_str(&chains(policy));
    text.push_str("}\n");
    text
}

fn named(policy: &Policy) -> impl Iterator<Item = &EgressEntry> {
    policy.entries.iter().filter(|entry| !matches!(entry.to.host, DestinationHost::Network(_)))
}

/// The guest's own multicast comes back on a bridge, such as systemd-resolved's LLMNR, so it is dropped
/// without a log entry.
fn chains(policy: &Policy) -> String {
    let mut text = String::from(
        "  chain forward {
    type filter hook forward priority filter - 10; policy accept;
    meta iifkind \"bridge\" jump egress
  }
",
    );
    let _ = write!(
        text,
        "  chain egress {{
    fib saddr . iif oif missing ct mark set {SPOOFED}
    ct mark != {SPOOFED} ct direction reply accept
    ct mark != {SPOOFED} ct state related accept
    meta oifkind \"bridge\" accept
"
    );
    text.push_str(&decisions(policy, true));
    text.push_str("  }\n");
    let is_open = policy.default == DefaultPolicy::Allow && !policy.block_private;
    let decisions = if is_open { "    accept\n".to_owned() } else { decisions(policy, false) };
    let _ = write!(
        text,
        "  chain input {{
    type filter hook input priority filter - 10; policy accept;
    meta iifkind \"bridge\" jump guest
    meta l4proto {{ tcp, udp }} th dport {PORT} iifname != \"lo\" drop
  }}
  chain guest {{
    meta l4proto {{ icmp, ipv6-icmp }} accept
    fib saddr . iif oif missing drop
    ct direction reply accept
    ct state related accept
    meta pkttype {{ broadcast, multicast }} drop
    ct status dnat meta l4proto {{ tcp, udp }} th dport {PORT} accept
{decisions}  }}
"
    );
    let log = if policy.log {
        "    limit rate 20/second burst 100 packets log prefix \"cai-egress: \"\n"
    } else {
        ""
    };
    let _ = write!(
        text,
        "  chain refuse {{
    counter
{log}    reject with icmpx admin-prohibited
  }}
  chain names {{
    type nat hook prerouting priority dstnat - 10; policy accept;
    meta iifkind \"bridge\" meta l4proto {{ tcp, udp }} th dport 53 fib daddr oifname != {{ \"docker0\", \"br-*\" }} redirect to :{PORT}
  }}
"
    );
    text
}

/// The rules that decide about a new connection, and about one whose entry has left. The guest's own
/// addresses count as private: only an entry with an address opens them.
fn decisions(policy: &Policy, is_forwarded: bool) -> String {
    let mut text = String::new();
    let mut rule = |line: String| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "    {line}");
    };
    let mut marks: Vec<String> = policy.entries.iter().map(|entry| mark(policy, entry)).collect();
    if policy.default == DefaultPolicy::Allow {
        marks.push(default_mark(policy));
    }
    if !marks.is_empty() {
        rule(format!("ct mark {{ {} }} accept", marks.join(", ")));
    }
    for entry in &policy.entries {
        if let DestinationHost::Network(network) = &entry.to.host {
            rule(format!("{} {network}{}", family(network), allowed(policy, entry)));
        }
    }
    if !is_forwarded {
        rule("jump refuse".into());
        return text;
    }
    if policy.block_private {
        for is_v6 in [false, true] {
            let networks = PRIVATE.iter().map(|(network, _)| *network);
            let networks: Vec<&str> = networks.filter(|it| it.contains(':') == is_v6).collect();
            let family = if is_v6 { "ip6 daddr" } else { "ip daddr" };
            rule(format!("{family} {{ {} }} jump refuse", networks.join(", ")));
        }
    }
    for entry in named(policy) {
        for (version, family) in [(4, "ip daddr"), (6, "ip6 daddr")] {
            rule(format!("{family} @{}{}", set(entry, version), allowed(policy, entry)));
        }
    }
    rule(match policy.default {
        DefaultPolicy::Allow => format!("ct mark set {} accept", default_mark(policy)),
        DefaultPolicy::Deny => "jump refuse".into(),
    });
    text
}

fn family(network: &IpNet) -> &'static str {
    match network {
        IpNet::V4(_) => "ip daddr",
        IpNet::V6(_) => "ip6 daddr",
    }
}

/// The end of a rule that allows an entry.
fn allowed(policy: &Policy, entry: &EgressEntry) -> String {
    let port = entry.to.port;
    let port = port.map(|port| format!(" meta l4proto {{ tcp, udp }} th dport {port}"));
    format!("{} ct mark set {} accept", port.unwrap_or_default(), mark(policy, entry))
}
