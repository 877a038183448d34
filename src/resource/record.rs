//! The record: what `cai` manages in one VM, and what of it `cai` created.
//!
//! It answers one question: did `cai` put this here? The machine itself is always observed. The record
//! is on the host, where the guest cannot write, and holds names and hashes, never values. Lima keeps
//! other files in the directory of an instance, and deletes them with it (measured with Lima 2.2.0).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::model::address::{Address, Kind};
use crate::model::digest::sha256;
use crate::plan::Action;

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

/// One key of a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// Who set it.
    pub origin: Origin,
    /// The SHA-256 of its declared value, as compact JSON.
    pub sha256: String,
}

/// Who created something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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

/// A record that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// It is not JSON of this form.
    #[error("it is not a record of cai: {0}")]
    Invalid(#[from] serde_json::Error),
    /// A newer `cai` wrote it.
    #[error("a newer cai wrote it (format {0}); update cai")]
    Newer(u32),
}

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
    /// The keys that a running program has loaded, which may be gone from its file.
    pub loaded: Map<String, Value>,
    /// Whether everything there was written by `cai`, even without a record.
    pub is_own: bool,
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

    /// Reads a record.
    ///
    /// # Errors
    /// When the text is not a record, or a newer `cai` wrote it.
    pub fn read(text: &str) -> Result<Self, RecordError> {
        let version = serde_json::from_str::<Value>(text)?;
        let version = version.get("version").and_then(Value::as_u64).unwrap_or_default();
        match u32::try_from(version) {
            Ok(version) if version <= VERSION => Ok(serde_json::from_str(text)?),
            version => Err(RecordError::Newer(version.unwrap_or(u32::MAX))),
        }
    }

    /// Its text.
    pub fn text(&self) -> String {
        // A map with text as keys can always be written to memory.
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
                Some(value) if !key.origin.is_own() || hash(value) != key.sha256 => {
                    undeclared.release.push(name.clone());
                }
                Some(_) => undeclared.remove.push(name.clone()),
                None => {}
            }
        }
        undeclared
    }

    /// Records what is about to be done to a resource. After an interruption, this tells what `cai`
    /// created.
    pub fn begin(&mut self, address: &Address, action: Action, recorded: &Recorded) {
        if action == Action::Replace {
            self.resources.retain(|name, _| is_on_host(name));
        }
        if !recorded.is_declared {
            return;
        }
        let exists = recorded.exists && action != Action::Replace;
        let is_found = exists && !recorded.keys.is_own;
        let origin = if is_found { Origin::Found } else { Origin::Creating };
        let entry = self.resources.entry(unscoped(address)).or_insert_with(|| Entry {
            origin,
            keys: BTreeMap::new(),
            path: None,
        });
        // It was found once and is gone, so the new one is not the one that was found.
        if !exists && entry.origin == Origin::Found {
            entry.origin = Origin::Creating;
        }
        entry.path.clone_from(&recorded.path);
        entry.update(&recorded.keys, Origin::Creating);
    }

    /// Records that a resource is as declared, released, or gone.
    pub fn finish(&mut self, address: &Address, action: Action, recorded: &Recorded) {
        let name = unscoped(address);
        if !recorded.is_declared {
            if !recorded.exists || action == Action::Release {
                self.resources.remove(&name);
            }
            return;
        }
        if !recorded.exists {
            return;
        }
        let undeclared = self.undeclared(address, &recorded.keys);
        let origin = if recorded.keys.is_own { Origin::Created } else { Origin::Found };
        let entry = self.resources.entry(name).or_insert_with(|| Entry {
            origin,
            keys: BTreeMap::new(),
            path: None,
        });
        entry.origin = entry.origin.finished();
        entry.path.clone_from(&recorded.path);
        entry.update(&recorded.keys, Origin::Created);
        let keys = &recorded.keys;
        entry.keys.retain(|name, key| {
            key.origin = key.origin.finished();
            let is_gone = !keys.present.contains_key(name) && !keys.loaded.contains_key(name);
            keys.declared.contains_key(name) || (!is_gone && !undeclared.release.contains(name))
        });
    }
}

impl Entry {
    /// Adds the declared keys. A new one is `origin`, unless it has the declared value already.
    fn update(&mut self, keys: &Keys, origin: Origin) {
        for (name, value) in &keys.declared {
            let is_found = keys.present.get(name) == Some(value) && !keys.is_own;
            let new = Key {
                origin: if is_found { Origin::Found } else { origin },
                sha256: String::new(),
            };
            self.keys.entry(name.clone()).or_insert(new).sha256 = hash(value);
        }
    }
}

/// Whether a resource is on this machine, and not in the VM.
fn is_on_host(name: &str) -> bool {
    let kind = name.parse().map(|address: Address| address.kind);
    matches!(kind, Ok(Kind::CONTEXT | Kind::SOCKET_CLIENT))
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
        assert_eq!(Record::read(&record.text()).unwrap(), record);
        let newer = record.text().replacen("\"version\": 1", "\"version\": 2", 1);
        assert!(matches!(Record::read(&newer), Err(RecordError::Newer(2))));
        assert!(Record::read("[").is_err() && Record::read("{}").is_err());
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
        gone.keys.loaded = map(json!({"mtu": 1400}));
        record.finish(&daemon(), Action::Update, &gone);
        assert_eq!(record.entry(&daemon()).unwrap().keys.len(), 1);
        gone.keys.loaded = Map::new();
        record.finish(&daemon(), Action::Update, &gone);
        assert!(record.entry(&daemon()).unwrap().keys.is_empty());
    }
}
