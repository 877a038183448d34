//! The network keys that Sysbox's package looks for, if they are compatible with the others.

use serde_json::{Map, Value, json};

use crate::model::Ipv4Network;

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
    let bridge = network(keys.get("bip"));
    let pools: Vec<Ipv4Network> = pools(keys.get("default-address-pools"));
    let fixed = network(keys.get("fixed-cidr"));
    if keys.contains_key("bip") || has_bridge(keys) || fixed.is_some() {
        // The user's own.
    } else if let Some(bip) = fitting(&BRIDGES, &pools) {
        added.insert("bip".into(), bip.into());
    }
    if !keys.contains_key("default-address-pools") {
        let bridge = bridge.or_else(|| network(added.get("bip"))).or(fixed);
        let taken: Vec<Ipv4Network> = bridge.into_iter().collect();
        if let Some(pool) = fitting(&POOLS, &taken) {
            let pools = json!([{"base": pool, "size": SIZE}]);
            added.insert("default-address-pools".into(), pools);
        }
    }
    added
}

/// Whether Sysbox's package added this `bip` to a file with `bridge`. dockerd does not start with
/// both.
pub(super) fn is_bip_refused(keys: &Map<String, Value>) -> bool {
    has_bridge(keys) && keys.get("bip").and_then(Value::as_str) == Some(BRIDGES[0])
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
        let refused = json!({"bridge": "none", "bip": "172.20.0.1/16"});
        assert!(is_bip_refused(refused.as_object().unwrap()));
        let own = json!({"bridge": "none", "bip": "10.0.0.1/24"});
        assert!(!is_bip_refused(own.as_object().unwrap()), "that is the user's mistake to see");
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
