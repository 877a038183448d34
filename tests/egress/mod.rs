//! The rules of `[egress]` and their resolver, on the kernel's real firewall. The suite runs as root if
//! `CAI_TEST_EGRESS` is set. Otherwise it is reported as ignored.

mod dns;
mod network;

use libtest_mimic::Trial;

use crate::support::trials;
use network::{Network, Place, echoes, wait};

use Place::{Container, Guest, Internet, Nested, Other};

pub fn trials() -> Vec<Trial> {
    let all = trials![
        only_listed_names_are_resolved_and_reached,
        an_entry_with_a_port_opens_that_port_only,
        an_address_is_closed_before_its_name_was_looked_up,
        private_addresses_and_metadata_are_closed_whatever_a_name_says,
        the_guest_itself_is_closed_to_containers_and_they_to_nobody,
        a_name_that_moves_is_reached_at_its_new_address,
        a_change_ends_only_connections_that_are_no_longer_allowed,
        a_forged_connection_opens_nothing,
        an_address_is_added_again_after_its_time,
        a_private_connection_ends_when_private_addresses_are_blocked,
        without_its_resolver_everything_new_is_closed,
        allowing_by_default_still_blocks_private_addresses,
        a_change_of_the_rules_in_force_is_noticed,
    ];
    let is_possible = network::is_possible();
    all.into_iter().map(|trial| trial.with_ignored_flag(!is_possible)).collect()
}

/// The response code for a name that does not exist.
const NO_SUCH_NAME: u8 = 3;

fn only_listed_names_are_resolved_and_reached() {
    let network =
        Network::new("allow = [\"github.com\", \"*.githubusercontent.com\", \"www.example\"]");
    for (place, port) in [(Container, 80), (Other, 443), (Nested, 80)] {
        assert!(!network.look_up(place, "github.com").addresses.is_empty(), "{place:?}");
        assert!(network.reaches(place, "203.0.113.10", port), "{place:?}");
        for name in
            ["api.github.com", "evil.example", "githubusercontent.com", "cdn.example", "com"]
        {
            let answer = network.look_up(place, name);
            assert_eq!(answer.code, NO_SUCH_NAME, "{place:?}, {name}");
            assert!(answer.addresses.is_empty(), "{place:?}, {name}");
        }
        assert!(!network.reaches(place, "203.0.113.20", 443), "{place:?}");
    }
    // IPv6, DNS over TCP, all names below one, and a name that is an alias of another one.
    assert!(network.reaches(Container, "2001:db8:99::10", 443));
    assert!(!network.reaches(Container, "2001:db8:99::20", 443));
    let answer =
        network.query_of(Container, "192.0.2.53", "raw.githubusercontent.com", true).unwrap();
    assert_eq!(answer.addresses, ["203.0.113.12".parse::<std::net::IpAddr>().unwrap()]);
    assert!(network.reaches(Other, "203.0.113.12", 80));
    assert!(!network.look_up(Container, "www.example").addresses.is_empty());
    assert!(network.reaches(Container, "203.0.113.30", 80));
    // A name that is not allowed is not asked for, so it cannot carry data away.
    let queries = network.queries();
    assert!(queries.contains("query[A] github.com"), "{queries}");
    for name in ["evil.example", "api.github.com", "cdn.example from"] {
        assert!(!queries.contains(&format!("] {name}")), "{name}: {queries}");
    }
}

fn an_entry_with_a_port_opens_that_port_only() {
    let network =
        Network::new("allow = [\"github.com:443\", \"10.1.2.0/24:80\", \"203.0.113.40\"]");
    assert!(!network.look_up(Container, "github.com").addresses.is_empty());
    for (address, port, is_open) in [
        ("203.0.113.10", 443, true),
        ("203.0.113.10", 80, false),
        ("2001:db8:99::10", 443, true),
        ("2001:db8:99::10", 80, false),
        ("10.1.2.3", 80, true),
        ("10.1.2.3", 443, false),
        ("203.0.113.40", 80, true),
        ("203.0.113.40", 443, true),
    ] {
        assert_eq!(network.reaches(Container, address, port), is_open, "{address}:{port}");
    }
}

fn an_address_is_closed_before_its_name_was_looked_up() {
    let network = Network::new("allow = [\"github.com\"]");
    assert!(!network.reaches(Container, "203.0.113.10", 80));
    assert!(!network.look_up(Other, "github.com").addresses.is_empty());
    assert!(network.reaches(Container, "203.0.113.10", 80));
}

fn private_addresses_and_metadata_are_closed_whatever_a_name_says() {
    // These names have private addresses.
    let network = Network::new("allow = [\"rebind.example\", \"*.github.com\"]");
    for name in ["rebind.example", "inside.github.com"] {
        assert!(!network.look_up(Container, name).addresses.is_empty(), "{name}");
    }
    for address in ["10.9.9.9", "169.254.169.254", "100.100.100.200", "fd00:ec2::254"] {
        assert!(!network.reaches(Container, address, 80), "{address}");
        assert!(network.reaches(Guest, address, 80), "{address}");
    }
    network.apply("allow = [\"rebind.example\", \"10.9.9.9:80\"]");
    assert!(network.reaches(Container, "10.9.9.9", 80));
}

fn the_guest_itself_is_closed_to_containers_and_they_to_nobody() {
    let mut network = Network::new("allow = [\"github.com\"]");
    network.serve(Guest, "172.17.0.1", 8080);
    network.serve(Guest, "192.168.5.15", 22);
    network.serve(Container, "172.17.0.2", 8000);
    assert!(!network.reaches(Container, "172.17.0.1", 8080));
    assert!(!network.reaches(Other, "192.168.5.15", 22));
    // Ports that are published, and containers among themselves, are Docker's business.
    assert!(network.reaches(Guest, "172.17.0.2", 8000));
    assert!(network.reaches(Internet, "172.17.0.2", 8000));
    assert!(network.reaches(Other, "172.17.0.2", 8000));
    // The resolver only answers what was redirected to it.
    for (place, address) in [(Internet, "192.168.5.15"), (Container, "172.17.0.1")] {
        assert!(network.connect(place, address, 5300).is_none(), "{place:?}");
    }
    network.apply("allow = [\"172.17.0.1:8080\"]");
    assert!(network.reaches(Container, "172.17.0.1", 8080));
}

fn a_name_that_moves_is_reached_at_its_new_address() {
    let network = Network::new("allow = [\"github.com\"]");
    assert!(!network.look_up(Container, "github.com").addresses.is_empty());
    network.rename("203.0.113.10", "203.0.113.40");
    // The resolver forgets the old answer after its lifetime; flushing its cache stands in for that.
    network.flush_cache();
    let new = "203.0.113.40".parse().unwrap();
    wait("the new address", || network.look_up(Container, "github.com").addresses.contains(&new));
    assert!(network.reaches(Container, "203.0.113.40", 443));
}

fn a_change_ends_only_connections_that_are_no_longer_allowed() {
    let network = Network::new("allow = [\"github.com:443\", \"raw.githubusercontent.com\"]");
    for name in ["github.com", "raw.githubusercontent.com"] {
        assert!(!network.look_up(Container, name).addresses.is_empty());
    }
    let mut stays = network.connect(Container, "203.0.113.10", 443).unwrap();
    let mut ends = network.connect(Other, "203.0.113.12", 80).unwrap();
    assert!(echoes(&mut stays) && echoes(&mut ends));
    // An address whose time in the set is over keeps its connection as well.
    let listed = network.nft(&["list", "table", "inet", "cai_egress"]);
    let set = listed.split("set ").find(|set| set.contains("203.0.113.10 ")).unwrap();
    let set = set.split(' ').next().unwrap();
    network.nft(&["flush", "set", "inet", "cai_egress", set]);
    network.apply("allow = [\"github.com:443\", \"api.github.com\"]");
    assert!(echoes(&mut stays));
    assert!(!echoes(&mut ends));
    assert!(network.connect(Container, "203.0.113.12", 80).is_none());
    // The entry that left has no set any more.
    let sets = network.nft(&["list", "table", "inet", "cai_egress"]).matches("set h").count();
    assert_eq!(sets, 4);
}

/// A packet with a forged source makes a connection whose reply direction leads outside.
fn a_forged_connection_opens_nothing() {
    let network = Network::new("allow = [\"github.com\"]");
    let inside = "172.17.0.2:7777".parse().unwrap();
    for (address, is_closed) in [("203.0.113.20:9999", true), ("203.0.113.30:9999", false)] {
        let outside: std::net::SocketAddrV4 = address.parse().unwrap();
        network.serve_datagrams(Internet, &outside.ip().to_string(), 9999);
        if !is_closed {
            // Without the rules, the forged connection works: the test can tell.
            network.nft(&["delete", "table", "inet", "cai_egress"]);
        }
        network.forge(Other, outside, inside);
        assert_eq!(network.is_answered(Container, 7777, outside), !is_closed, "{address}");
    }
}

fn an_address_is_added_again_after_its_time() {
    let network = Network::new("allow = [\"github.com\"]");
    for _ in 0..2 {
        assert!(!network.look_up(Container, "github.com").addresses.is_empty());
        assert!(network.reaches(Container, "203.0.113.10", 443));
        // As after an hour.
        let listed = network.nft(&["list", "table", "inet", "cai_egress"]);
        for set in listed.split("set ").skip(1).filter(|it| it.starts_with('h')) {
            let set = set.split(' ').next().unwrap();
            network.nft(&["flush", "set", "inet", "cai_egress", set]);
        }
        assert!(network.connect(Container, "203.0.113.10", 443).is_none());
    }
}

fn a_private_connection_ends_when_private_addresses_are_blocked() {
    let network = Network::new("allow = [\"rebind.example\"]\nblock_private = false");
    assert!(!network.look_up(Container, "rebind.example").addresses.is_empty());
    let mut private = network.connect(Container, "10.9.9.9", 80).unwrap();
    assert!(echoes(&mut private));
    network.apply("allow = [\"rebind.example\"]");
    assert!(!echoes(&mut private));
}

fn without_its_resolver_everything_new_is_closed() {
    let mut network = Network::new("allow = [\"github.com\"]");
    network.stop_resolver();
    assert_eq!(network.query_of(Container, "8.8.8.8", "github.com", false), None);
    assert!(!network.reaches(Container, "203.0.113.10", 80));
    network.start_resolver();
    assert!(!network.look_up(Container, "github.com").addresses.is_empty());
    assert!(network.reaches(Container, "203.0.113.10", 80));
}

fn allowing_by_default_still_blocks_private_addresses() {
    let mut network = Network::new("default = \"allow\"\nallow = [\"10.1.2.3\"]");
    network.serve(Guest, "172.17.0.1", 8080);
    assert!(!network.look_up(Container, "evil.example").addresses.is_empty());
    assert!(network.reaches(Container, "203.0.113.20", 80));
    assert!(network.reaches(Container, "2001:db8:99::20", 80));
    assert!(network.reaches(Container, "10.1.2.3", 80));
    for address in ["10.9.9.9", "169.254.169.254", "fd00:ec2::254"] {
        assert!(!network.reaches(Container, address, 80), "{address}");
    }
    assert!(!network.reaches(Container, "172.17.0.1", 8080));
    network.apply("default = \"allow\"\nblock_private = false");
    assert!(network.reaches(Container, "10.9.9.9", 80));
    assert!(network.reaches(Container, "172.17.0.1", 8080));
    let mut stays = network.connect(Container, "10.9.9.9", 80).unwrap();
    assert!(echoes(&mut stays));
    network.apply("default = \"allow\"");
    assert!(!echoes(&mut stays));
}

fn a_change_of_the_rules_in_force_is_noticed() {
    let network = Network::new("allow = [\"github.com\", \"10.1.2.0/24\"]");
    assert!(network.is_as_loaded());
    assert!(!network.look_up(Container, "github.com").addresses.is_empty());
    assert!(network.is_as_loaded(), "an address in a set is no change");
    network.nft(&["insert", "rule", "inet", "cai_egress", "egress", "accept"]);
    assert!(!network.is_as_loaded());
    network.apply("allow = [\"github.com\", \"10.1.2.0/24\"]");
    assert!(network.is_as_loaded());
    network.nft(&["flush", "ruleset"]);
    assert!(!network.is_as_loaded());
}
