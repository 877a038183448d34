use serde_json::json;

use super::*;

#[test]
fn no_key_is_listed_twice() {
    let names: std::collections::BTreeSet<&str> = DAEMON_KEYS.iter().map(|key| key.name).collect();
    assert_eq!(names.len(), DAEMON_KEYS.len());
}

#[test]
fn the_wrong_part_of_a_value_is_found() {
    let mismatch = |name: &str, value: Value| DaemonKey::find(name).unwrap().value.mismatch(&value);
    let path = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        mismatch("log-opts", json!({"tag": "x", "max-file": 3})),
        Some((path(&["max-file"]), ValueType::Text))
    );
    assert_eq!(
        mismatch("default-ulimits", json!({"nofile": 65536})),
        Some((path(&["nofile"]), ValueType::Object))
    );
    assert_eq!(mismatch("labels", json!(["a=b", 3])), Some((path(&["1"]), ValueType::Text)));
    assert_eq!(mismatch("mtu", json!("1500")), Some((path(&[]), ValueType::Number)));
    assert_eq!(mismatch("mtu", json!(1.5)), Some((path(&[]), ValueType::Number)));
    for (name, value) in [
        ("default-shm-size", json!("64M")),
        ("live-restore", json!(null)),
        ("default-address-pools", json!([{"base": "10.0.0.0/8", "size": 24}])),
    ] {
        assert_eq!(mismatch(name, value.clone()), None, "{name} {value}");
    }
}

#[test]
fn only_the_image_store_among_the_features_needs_a_restart() {
    let (old, new) = (json!({"buildkit": false}), json!({"buildkit": true}));
    assert_eq!(effect("features", Some(&old), Some(&new)), Effect::Reload);
    let new = json!({"buildkit": true, "containerd-snapshotter": true});
    assert_eq!(effect("features", Some(&old), Some(&new)), Effect::HidesData);
    assert_eq!(effect("features", None, Some(&new)), Effect::HidesData);
    assert_eq!(effect("not-in-the-table", None, Some(&old)), Effect::Restart);
}
