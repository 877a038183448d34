//! The configuration of dnsmasq.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::rules::{PORT, set};
use crate::model::egress::{DefaultPolicy, DestinationHost, Policy};

/// The place of a name server's address, which the guest knows.
const SERVER: &str = "@";

/// The listed names, without `*.`, in order.
fn names(policy: &Policy) -> BTreeSet<&str> {
    policy.entries.iter().filter_map(|entry| entry.to.name()).collect()
}

/// Whether the policy allows this name, and whether it allows all names below it.
fn allows(policy: &Policy, name: &str) -> (bool, bool) {
    let is = |host: DestinationHost| policy.entries.iter().any(|entry| entry.to.covers(&host));
    // No entry can list this name, so only `*.` covers it.
    (is(DestinationHost::Name(name.to_owned())), is(DestinationHost::Name(format!("*.{name}"))))
}

/// The configuration file. An address stays in its set for an hour, and another answer does not
/// extend that. dnsmasq does not add an address that it answers from its cache (measured with 2.90),
/// so there is no cache, and a client asks again before each connection. dnsmasq uses the longest name
/// that fits, so each name lists the sets of its parents too.
pub(super) fn configuration(policy: &Policy) -> String {
    let mut text = format!(
        "# Written by cai.\nport={PORT}\nno-resolv\nno-hosts\ncache-size=0\nmax-ttl=1\n\
         servers-file=/run/cai-egress/servers\n"
    );
    if policy.log {
        text.push_str("log-queries=extra\n");
    }
    if policy.default == DefaultPolicy::Deny {
        // Other names do not exist. They are not forwarded, so a name cannot carry data away.
        text.push_str("address=/#/\n");
    }
    for name in names(policy) {
        let entries = policy.opened_by(name).into_iter();
        let sets = entries.flat_map(|entry| {
            [4, 6].map(|version| format!("{version}#inet#cai_egress#{}", set(entry, version)))
        });
        let _ = writeln!(text, "nftset=/{name}/{}", sets.collect::<Vec<_>>().join(","));
        if policy.default == DefaultPolicy::Deny && allows(policy, name) == (true, false) {
            let _ = writeln!(text, "address=/*.{name}/");
        }
    }
    text
}

/// The servers that answer for each name. The guest's name servers replace the address.
pub(super) fn servers(policy: &Policy) -> String {
    if policy.default == DefaultPolicy::Allow {
        return format!("server={SERVER}\n");
    }
    let line = |name: &str| {
        let (is_allowed, _) = allows(policy, name);
        format!("server=/{}{name}/{SERVER}\n", if is_allowed { "" } else { "*." })
    };
    names(policy).into_iter().map(line).collect()
}
