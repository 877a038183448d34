//! The record: what `cai` manages in one VM, and what of it `cai` created.
//!
//! It answers one question: did `cai` put this here? The machine itself is always observed. The record
//! is on the host, where the guest cannot write, and holds names and hashes, never values. Lima keeps
//! other files in the directory of an instance, and deletes them with it (measured with Lima 2.2.0).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::model::address::Address;
use crate::model::digest::sha256;
use crate::plan::Action;
use crate::resource::{KINDS, Place};

/// The version of the file's format.
const VERSION: u32 = 1;

/// What `cai` manages in one VM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    version: u32,
    /// The `containai.toml` that was applied last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// The resources, by address.
    #[serde(default)]
    pub resources: BTreeMap<String, Entry>,
}

/// One resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Who created it.
    pub origin: Origin,
    /// The keys in it that the file declares, if it shares its keys with others.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub keys: BTreeMap<String, Key>,
    /// The file on the host that belongs to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
}

impl Key {
    /// Whether `cai` set this value.
    fn set(&self, value: &Value) -> bool {
        let hash = hash(value);
        hash == self.sha256 || Some(hash) == self.next
    }
}

/// One key of a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// Who set it.
    pub origin: Origin,
    /// The SHA-256 of the value that was set last, as compact JSON.
    #[serde(default)]
    pub sha256: String,
    /// The SHA-256 of the value that was about to be set. After an interruption either may be there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Who created something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// `cai` began to create it. If it exists after an interrupted run, `cai` created it.
    Creating,
    /// `cai`.
    Created,
    /// It existed before `cai` managed it.
    Found,
}

impl Origin {
    /// Whether `cai` may delete it.
    pub fn is_own(self) -> bool {
        self != Self::Found
    }

    fn finished(self) -> Self {
        if self == Self::Creating { Self::Created } else { self }
    }
}

/// A newer `cai` wrote the record.
#[derive(Debug, thiserror::Error)]
#[error("a newer cai wrote it (format {0}); update cai")]
pub struct NewerRecord(u64);

/// A resource in terms of the record.
#[derive(Debug, Default)]
pub struct Recorded {
    /// Whether it exists.
    pub exists: bool,
    /// Whether the file declares it.
    pub is_declared: bool,
    /// Its keys, if it shares them with others.
    pub keys: Keys,
    /// The file on the host that belongs to it.
    pub path: Option<PathBuf>,
}

/// The keys of a resource that it shares with others.
#[derive(Debug, Default)]
pub struct Keys {
    /// The keys that the file declares.
    pub declared: Map<String, Value>,
    /// The present keys, among them those of others.
    pub present: Map<String, Value>,
    /// The keys that a running program may have loaded, although they are gone from its file.
    pub loaded: Loaded,
    /// Whether everything there was written by `cai`, even without a record.
    pub is_own: bool,
}

/// The keys that a running program has loaded.
#[derive(Debug)]
pub enum Loaded {
    /// These.
    Keys(Map<String, Value>),
    /// Nobody knows.
    Unknown,
}

impl Default for Loaded {
    fn default() -> Self {
        Self::Keys(Map::new())
    }
}

impl Loaded {
    fn may_have(&self, key: &str) -> bool {
        match self {
            Self::Keys(keys) => keys.contains_key(key),
            Self::Unknown => true,
        }
    }
}

/// The keys that are no longer declared.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Undeclared {
    /// Those that `cai` set.
    pub remove: Vec<String>,
    /// Those that `cai` found, or that someone has changed since. They stay.
    pub release: Vec<String>,
}

impl Default for Record {
    fn default() -> Self {
        Self { version: VERSION, file: None, resources: BTreeMap::new() }
    }
}

impl Record {
    /// The path of the record of a VM in this directory.
    pub fn path(directory: &Path) -> PathBuf {
        directory.join("cai.json")
    }

    /// Reads a record. `None` if the text is not a record: then nothing is known, and nothing is removed.
    ///
    /// # Errors
    /// If a newer `cai` wrote it.
    pub fn read(text: &str) -> Result<Option<Self>, NewerRecord> {
        let version = serde_json::from_str::<Value>(text).ok();
        match version.and_then(|record| record.get("version")?.as_u64()) {
            Some(version) if version > u64::from(VERSION) => Err(NewerRecord(version)),
            Some(1..) => Ok(serde_json::from_str(text).ok()),
            _ => Ok(None),
        }
    }

    /// Its text.
    pub fn text(&self) -> String {
        // Only a path that is not UTF-8 cannot be written, and `containai.toml` names none.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// The entry of a resource.
    pub fn entry(&self, address: &Address) -> Option<&Entry> {
        self.resources.get(&unscoped(address))
    }

    /// The addresses of its resources, without those of a kind that this version does not know.
    pub fn addresses(&self) -> impl Iterator<Item = Address> {
        self.resources.keys().filter_map(|address| address.parse().ok())
    }

    /// Whether `cai` created this resource.
    pub fn owns(&self, address: &Address) -> bool {
        self.entry(address).is_some_and(|entry| entry.origin.is_own())
    }

    /// The recorded keys of a resource that are no longer declared.
    pub fn undeclared(&self, address: &Address, keys: &Keys) -> Undeclared {
        let mut undeclared = Undeclared::default();
        for (name, key) in self.entry(address).into_iter().flat_map(|entry| &entry.keys) {
            let present = keys.present.get(name);
            if keys.declared.contains_key(name) {
                continue;
            }
            match present {
                Some(value) if !key.origin.is_own() || !key.set(value) => {
                    undeclared.release.push(name.clone());
                }
                Some(_) => undeclared.remove.push(name.clone()),
                None => {}
            }
        }
        undeclared
    }

    /// Records the intent before the steps of a change, so that an interrupted creation is known as
    /// `cai`'s.
    pub fn begin(&mut self, address: &Address, action: Action, recorded: &Recorded) {
        // The record of a VM is deleted with its directory.
        if !recorded.is_declared || action == Action::Replace {
            return;
        }
        let is_found = recorded.exists && !recorded.keys.is_own;
        let origin = if is_found { Origin::Found } else { Origin::Creating };
        let entry = self.resources.entry(unscoped(address)).or_insert_with(|| Entry::new(origin));
        // It was found once and is gone, so the new one is not the one that was found.
        if !recorded.exists && entry.origin == Origin::Found {
            entry.origin = Origin::Creating;
        }
        entry.path.clone_from(&recorded.path);
        entry.begin(&recorded.keys);
    }

    /// Records the outcome by what exists now: created, found, released or gone.
    pub fn finish(&mut self, address: &Address, action: Action, recorded: &Recorded) {
        let name = unscoped(address);
        let is_released = action == Action::Release && !recorded.is_declared;
        if !recorded.exists || is_released {
            self.resources.remove(&name);
        }
        if !recorded.exists || !recorded.is_declared {
            return;
        }
        if action == Action::Replace {
            self.resources.retain(|other, _| *other != name && is_on_host(other));
        }
        let undeclared = self.undeclared(address, &recorded.keys);
        let is_own = recorded.keys.is_own || action == Action::Replace;
        let origin = if is_own { Origin::Created } else { Origin::Found };
        let entry = self.resources.entry(name).or_insert_with(|| Entry::new(origin));
        entry.origin = entry.origin.finished();
        entry.path.clone_from(&recorded.path);
        entry.finish(&recorded.keys, is_own, &undeclared.release);
    }
}

impl Entry {
    fn new(origin: Origin) -> Self {
        Self { origin, keys: BTreeMap::new(), path: None }
    }

    /// Notes the values that are about to be set.
    fn begin(&mut self, keys: &Keys) {
        for (name, value) in &keys.declared {
            let is_there = keys.present.get(name) == Some(value);
            let origin = if is_there && !keys.is_own { Origin::Found } else { Origin::Creating };
            let key = self.keys.entry(name.clone()).or_insert_with(|| Key::new(origin));
            if !is_there {
                // From now on the value is `cai`'s.
                key.origin = if key.origin.is_own() { key.origin } else { Origin::Creating };
                key.next = Some(hash(value));
            }
        }
    }

    /// Notes the values that are there.
    fn finish(&mut self, keys: &Keys, is_own: bool, released: &[String]) {
        let origin = if is_own { Origin::Created } else { Origin::Found };
        for (name, value) in &keys.declared {
            if keys.present.get(name) == Some(value) {
                let key = self.keys.entry(name.clone()).or_insert_with(|| Key::new(origin));
                (key.sha256, key.next, key.origin) = (hash(value), None, key.origin.finished());
            }
        }
        self.keys.retain(|name, _| {
            let is_there = keys.present.contains_key(name) || keys.loaded.may_have(name);
            keys.declared.contains_key(name) || (is_there && !released.contains(name))
        });
    }
}

impl Key {
    fn new(origin: Origin) -> Self {
        Self { origin, sha256: String::new(), next: None }
    }
}

/// Whether a resource is on this machine and not in the VM.
fn is_on_host(name: &str) -> bool {
    let Ok(Address { kind, .. }) = name.parse() else { return false };
    KINDS.iter().any(|entry| entry.kind == kind && entry.place == Place::Host)
}

/// A record belongs to one VM, so the scope among several files is left out.
fn unscoped(address: &Address) -> String {
    address.clone().scoped(None).to_string()
}

fn hash(value: &Value) -> String {
    sha256(value.to_string().as_bytes())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

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
        let [vm, user, context] =
            [Kind::VM, Kind::USER, Kind::CONTEXT].map(|it| Address::new(it, "a"));
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
}
