use serde_json::{Map, json};

use super::*;
use crate::model::address::Kind;

fn map(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

fn keys(declared: Value, present: Value) -> Recorded {
    let keys = Keys { declared: map(declared), present: map(present), ..Keys::default() };
    Recorded { exists: true, is_declared: true, keys, path: None }
}

fn daemon() -> Address {
    Address::new(Kind::PROVISION, "daemon")
}

#[test]
fn a_record_survives_being_written_and_a_newer_one_is_refused() {
    let mut record = Record::default();
    record.begin(&daemon(), Action::Update, &keys(json!({"mtu": 1400}), json!({})));
    assert_eq!(Record::read(&record.text()).unwrap(), Some(record.clone()));
    let newer = record.text().replacen("\"version\": 1", "\"version\": 2", 1);
    assert!(Record::read(&newer).unwrap_err().to_string().contains("update cai"));
    for wrong in ["[", "{}", "{\"version\": 0}", &record.text()[..40]] {
        assert_eq!(Record::read(wrong).unwrap(), None, "{wrong}");
    }
}

#[test]
fn what_was_begun_and_exists_was_created() {
    let user = Address::new(Kind::USER, "bob");
    let (gone, there) = (
        Recorded { is_declared: true, ..Recorded::default() },
        Recorded { exists: true, is_declared: true, ..Recorded::default() },
    );
    let mut record = Record::default();
    record.begin(&user, Action::Create, &gone);
    record.finish(&user, Action::NoOp, &there);
    assert_eq!(record.entry(&user).unwrap().origin, Origin::Created);
    // Another run finds it, which changes nothing.
    record.begin(&user, Action::Update, &there);
    assert!(record.owns(&user));
    let mut record = Record::default();
    record.finish(&user, Action::NoOp, &there);
    assert!(!record.owns(&user));
    // Someone deleted it, and cai creates another one.
    record.begin(&user, Action::Create, &gone);
    record.finish(&user, Action::NoOp, &there);
    assert!(record.owns(&user));
}

#[test]
fn a_key_that_was_set_is_removed_and_a_found_or_changed_one_is_released() {
    let mut record = Record::default();
    let declared = json!({"mtu": 1400, "debug": true, "bip": "10.0.0.1/24"});
    record.begin(&daemon(), Action::Update, &keys(declared.clone(), json!({"debug": true})));
    record.finish(&daemon(), Action::Update, &keys(declared.clone(), declared));
    let now = keys(json!({}), json!({"mtu": 1400, "debug": true, "bip": "10.9.0.1/24"}));
    let undeclared = record.undeclared(&daemon(), &now.keys);
    assert_eq!(undeclared.remove, ["mtu"]);
    assert_eq!(undeclared.release, ["bip", "debug"]);
    record.finish(&daemon(), Action::Update, &now);
    let left: Vec<&String> = record.entry(&daemon()).unwrap().keys.keys().collect();
    assert_eq!(left, ["mtu"]);
    // dockerd still runs with it.
    let mut gone = keys(json!({}), json!({}));
    gone.keys.loaded = Loaded::Keys(map(json!({"mtu": 1400})));
    record.finish(&daemon(), Action::Update, &gone);
    assert_eq!(record.entry(&daemon()).unwrap().keys.len(), 1);
    gone.keys.loaded = Loaded::Unknown;
    record.finish(&daemon(), Action::Update, &gone);
    assert_eq!(record.entry(&daemon()).unwrap().keys.len(), 1);
    gone.keys.loaded = Loaded::default();
    record.finish(&daemon(), Action::Update, &gone);
    assert!(record.entry(&daemon()).unwrap().keys.is_empty());
}

#[test]
fn after_an_interruption_either_value_is_cais_own() {
    let mut record = Record::default();
    let (one, two) = (json!({"mtu": 1400}), json!({"mtu": 1450}));
    record.begin(&daemon(), Action::Update, &keys(one.clone(), json!({})));
    record.finish(&daemon(), Action::Update, &keys(one.clone(), one.clone()));
    record.begin(&daemon(), Action::Update, &keys(two.clone(), one.clone()));
    // The step failed, and the old value is still there.
    record.finish(&daemon(), Action::NoOp, &keys(two.clone(), one.clone()));
    for present in [one, two] {
        let now = keys(json!({}), present);
        assert_eq!(record.undeclared(&daemon(), &now.keys).remove, ["mtu"]);
    }
}

#[test]
fn a_found_value_that_cai_changed_is_cais_own() {
    let mut record = Record::default();
    let (found, new) = (json!({"mtu": 1400}), json!({"mtu": 1450}));
    record.finish(&daemon(), Action::NoOp, &keys(found.clone(), found.clone()));
    record.begin(&daemon(), Action::Update, &keys(new.clone(), found));
    record.finish(&daemon(), Action::Update, &keys(new.clone(), new.clone()));
    assert_eq!(record.undeclared(&daemon(), &keys(json!({}), new).keys).remove, ["mtu"]);
}

#[test]
fn a_failed_creation_leaves_nothing() {
    let user = Address::new(Kind::USER, "bob");
    let gone = Recorded { is_declared: true, ..Recorded::default() };
    let mut record = Record::default();
    record.begin(&user, Action::Create, &gone);
    record.finish(&user, Action::NoOp, &gone);
    assert_eq!(record.entry(&user), None);
}

#[test]
fn a_replaced_vm_takes_what_was_in_it_out_of_the_record() {
    let [vm, user, context] = [Kind::VM, Kind::USER, Kind::CONTEXT].map(|it| Address::new(it, "a"));
    let mut record = Record::default();
    let found = keys(json!({"cpus": 4}), json!({"cpus": 4}));
    for address in [&vm, &user, &context] {
        record.finish(address, Action::NoOp, &found);
    }
    // While the old VM may still be there, all of it stays.
    let before = record.clone();
    record.begin(&vm, Action::Replace, &found);
    assert_eq!(record, before);
    record.finish(&vm, Action::Replace, &found);
    assert_eq!(record.entry(&user), None);
    assert!(record.entry(&context).is_some());
    assert_eq!(record.entry(&vm).unwrap().keys["cpus"].origin, Origin::Created);
}
