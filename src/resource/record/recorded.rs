//! What a resource tells the record, and what the record answers about its keys.

use std::path::PathBuf;

use serde_json::{Map, Value};

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
    pub(super) fn may_have(&self, key: &str) -> bool {
        match self {
            Self::Keys(keys) => keys.contains_key(key),
            Self::Unknown => true,
        }
    }
}

/// The keys that are no longer declared.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct UndeclaredKeys {
    /// Those that `cai` set.
    pub remove: Vec<String>,
    /// Those that `cai` found, or that someone has changed since. They stay.
    pub release: Vec<String>,
}
