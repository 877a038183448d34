//! The record: what `cai` manages in one VM, and what of it `cai` created.
//!
//! It answers one question: did `cai` put this here? The machine itself is always observed. The record
//! is on the host, where the guest cannot write, and holds names and hashes, never values. A forward has
//! no name, so its ports and paths are its name. Lima keeps other files in the directory of an instance,
//! and deletes them with it (measured with Lima 2.2.0).

mod recorded;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::recorded::{Keys, Loaded, Recorded, UndeclaredKeys};
use crate::model::address::Address;
use crate::model::digest::sha256;
use crate::plan::Action;
use crate::resource::{KINDS, Placement};

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
    pub fn undeclared(&self, address: &Address, keys: &Keys) -> UndeclaredKeys {
        let mut undeclared = UndeclaredKeys::default();
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
    KINDS.iter().any(|entry| entry.kind == kind && entry.place == Placement::Host)
}

/// A record belongs to one VM, so the scope among several files is left out.
fn unscoped(address: &Address) -> String {
    address.clone().scoped(None).to_string()
}

fn hash(value: &Value) -> String {
    sha256(value.to_string().as_bytes())
}
