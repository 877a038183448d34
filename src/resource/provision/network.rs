//! The network keys that Sysbox's package looks for, if they are compatible with the others.

use serde_json::{Map, Value, json};

use crate::model::Ipv4Network;

const BIP: &str = "bip";
const ADDRESS_POOLS: &str = "default-address-pools";
/// The network keys.
pub(super) const KEYS: [&str; 2] = [BIP, ADDRESS_POOLS];
/// The address of the bridge. The first is what Sysbox's package would write.
const BRIDGES: [&str; 4] = ["172.20.0.1/16", "172.21.0.1/16", "172.30.0.1/16", "10.220.0.1/16"];
/// The pools. The first is what Sysbox's package would write.
const POOLS: [&str; 4] = ["172.25.0.0/16", "172.26.0.0/16", "172.31.0.0/16", "10.225.0.0/16"];
/// The length of the prefix of a network that Docker takes from the pool.
const SIZE: u8 = 24;

/// The missing keys among `bip` and `default-address-pools`, if they can be added. dockerd refuses
/// `bip` together with `bridge`, and `fixed-cidr` must be within the bridge's network.
pub(super) fn missing(keys: &Map<String, Value>) -> Map<String, Value> {
    let mut added = Map::new();
    let bridge = network(keys.get(BIP));
    let pools: Vec<Ipv4Network> = pools(keys.get(ADDRESS_POOLS));
    let fixed = network(keys.get("fixed-cidr"));
    if keys.contains_key(BIP) || has_bridge(keys) || fixed.is_some() {
        // The user's own.
    } else if let Some(bip) = fitting(&BRIDGES, &pools) {
        added.insert(BIP.into(), bip.into());
    }
    if !keys.contains_key(ADDRESS_POOLS) {
        let bridge = bridge.or_else(|| network(added.get(BIP))).or(fixed);
        let taken: Vec<Ipv4Network> = bridge.into_iter().collect();
        if let Some(pool) = fitting(&POOLS, &taken) {
            added.insert(ADDRESS_POOLS.into(), self::pool(pool));
        }
    }
    added
}

/// The network keys with a value that `cai` or Sysbox's package chose and that no longer fits beside the
/// other keys. `declared` are the keys of the file, whose values are the user's own.
pub(super) fn displaced(
    keys: &Map<String, Value>,
    declared: &Map<String, Value>,
) -> Vec<&'static str> {
    let is_chosen = |key: &str| {
        !declared.contains_key(key) && keys.get(key).is_some_and(|value| is_chosen(key, value))
    };
    let bridge = network(keys.get(BIP));
    let fixed = network(keys.get("fixed-cidr"));
    let pools = pools(keys.get(ADDRESS_POOLS));
    let mut displaced = Vec::new();
    if is_chosen(BIP)
        && let Some(bridge) = bridge
        && (has_bridge(keys)
            || fixed.is_some_and(|fixed| !bridge.contains(fixed))
            || pools.iter().any(|pool| pool.overlaps(bridge)))
    {
        displaced.push(BIP);
    }
    if is_chosen(ADDRESS_POOLS)
        && let Some(taken) = bridge.or(fixed)
        && pools.iter().any(|pool| pool.overlaps(taken))
    {
        displaced.push(ADDRESS_POOLS);
    }
    displaced
}

/// Whether a value is one that `cai` or Sysbox's package chooses.
pub(super) fn is_chosen(key: &str, value: &Value) -> bool {
    match key {
        BIP => BRIDGES.map(Value::from).contains(value),
        _ => POOLS.map(pool).contains(value),
    }
}

/// A pool of networks, as the value of its key.
fn pool(base: &str) -> Value {
    json!([{"base": base, "size": SIZE}])
}

fn has_bridge(keys: &Map<String, Value>) -> bool {
    keys.get("bridge").and_then(Value::as_str).is_some_and(|name| !name.is_empty())
}

fn network(value: Option<&Value>) -> Option<Ipv4Network> {
    value?.as_str()?.parse().ok()
}

fn pools(value: Option<&Value>) -> Vec<Ipv4Network> {
    let pools = value.and_then(Value::as_array).into_iter().flatten();
    pools.filter_map(|pool| network(pool.get("base"))).collect()
}

/// The first candidate that overlaps with no network in use.
fn fitting<'a>(candidates: &[&'a str], taken: &[Ipv4Network]) -> Option<&'a str> {
    let is_free = |candidate: &&&str| {
        let network: Option<Ipv4Network> = candidate.parse().ok();
        network.is_some_and(|network| !taken.iter().any(|other| other.overlaps(network)))
    };
    candidates.iter().find(is_free).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn added(keys: Value) -> Value {
        Value::Object(missing(keys.as_object().unwrap()))
    }

    #[test]
    fn the_packages_values_are_added_where_nothing_is_declared() {
        let pools = json!([{"base": "172.25.0.0/16", "size": 24}]);
        assert_eq!(
            added(json!({})),
            json!({"bip": "172.20.0.1/16", "default-address-pools": pools})
        );
        // An empty name is dockerd's default bridge.
        assert_eq!(added(json!({"bridge": ""}))["bip"], "172.20.0.1/16");
    }

    #[test]
    fn no_bip_is_added_that_dockerd_refuses() {
        let pools = json!([{"base": "172.25.0.0/16", "size": 24}]);
        for keys in [json!({"bridge": "none"}), json!({"fixed-cidr": "10.1.0.0/24"})] {
            assert_eq!(added(keys.clone()), json!({"default-address-pools": pools}), "{keys}");
        }
    }

    #[test]
    fn a_chosen_value_gives_way_to_those_that_it_does_not_fit() {
        let given_up = |keys: Value, declared: Value| {
            displaced(keys.as_object().unwrap(), declared.as_object().unwrap())
        };
        let both = |bip: &str, base: &str| json!({"bip": bip, "default-address-pools": pool(base)});
        let chosen = both("172.20.0.1/16", "172.25.0.0/16");
        assert_eq!(given_up(chosen, json!({})), [""; 0]);
        let pools = both("172.25.0.1/16", "172.25.0.0/16");
        assert_eq!(given_up(pools, json!({"bip": "172.25.0.1/16"})), [ADDRESS_POOLS]);
        let bridge = both("172.20.0.1/16", "172.16.0.0/12");
        assert_eq!(given_up(bridge, json!({"default-address-pools": []})), [BIP]);
        for other in [json!({"bridge": "none"}), json!({"fixed-cidr": "10.9.0.0/24"})] {
            let mut keys = other.clone();
            keys["bip"] = "10.220.0.1/16".into();
            assert_eq!(given_up(keys, other), [BIP]);
        }
        // The user's own, who sees the mistake.
        let own = json!({"bridge": "none", "bip": "172.20.0.1/16"});
        assert_eq!(given_up(own.clone(), own), [""; 0]);
        let foreign = json!({"bridge": "none", "bip": "10.0.0.1/24"});
        assert_eq!(given_up(foreign, json!({"bridge": "none"})), [""; 0]);
    }

    #[test]
    fn nothing_is_added_that_overlaps() {
        let pool = |base: &str| json!([{"base": base, "size": 24}]);
        let with = |key: &str, value: Value| added(json!({ key: value }));
        assert_eq!(
            with("bip", json!("172.25.0.1/16"))["default-address-pools"],
            pool("172.26.0.0/16")
        );
        assert_eq!(
            with("fixed-cidr", json!("172.25.4.0/24"))["default-address-pools"],
            pool("172.26.0.0/16")
        );
        assert_eq!(with("default-address-pools", pool("172.16.0.0/12"))["bip"], "10.220.0.1/16");
        assert_eq!(with("default-address-pools", pool("172.20.0.0/16"))["bip"], "172.21.0.1/16");
        let all = json!([{"base": "0.0.0.0/0", "size": 24}]);
        assert_eq!(with("default-address-pools", all), json!({}));
    }
}
