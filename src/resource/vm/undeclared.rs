//! The keys of an instance's YAML that the file declares, leaves out, or no longer declares.

use serde_json::{Map, Value};

use super::{Desired, ENV, IMMUTABLE, MOUNTS};
use crate::config::Config;
use crate::lima::{self, DISKS, Meaning};
use crate::resource::facts::{Facts, VmFacts};
use crate::resource::record::Keys;

/// The keys that always have entries of `cai`, and the disk, which Lima cannot shrink.
const ALWAYS: [&str; 5] = ["provision", "probes", "portForwards", "containerd", "disk"];
/// How the record names a variable.
const VARIABLE: &str = "env.";

/// The keys that an instance's YAML should have.
pub(super) struct Wanted {
    /// The values; `null` for a key to be removed.
    pub(super) keys: Map<String, Value>,
    /// The keys that are removed or lose an entry.
    pub(super) removed: Vec<String>,
}

/// The keys as the record names them. Each variable is a separate key.
pub(super) fn keys(declared: Map<String, Value>, yaml: &Map<String, Value>, is_own: bool) -> Keys {
    let present = flattened(yaml.clone());
    Keys { declared: flattened(declared), present, is_own, ..Keys::default() }
}

fn flattened(mut keys: Map<String, Value>) -> Map<String, Value> {
    if let Some(Value::Object(variables)) = keys.shift_remove(ENV) {
        keys.extend(variables.into_iter().map(|(name, it)| (format!("{VARIABLE}{name}"), it)));
    }
    keys.retain(|key, _| !IMMUTABLE.contains(&key.as_str()) && !ALWAYS.contains(&key.as_str()));
    keys
}

/// The declared keys with the entries of others, and without undeclared ones.
pub(super) fn wanted(
    declared: &Map<String, Value>,
    vm: &VmFacts,
    remove: &[String],
    meaning: &Meaning<'_>,
) -> Wanted {
    let mut keys = lima::merged(declared, &vm.yaml, meaning);
    let (variables, removed): (Vec<&String>, Vec<&String>) =
        remove.iter().partition(|key| key.starts_with(VARIABLE));
    let mut removed: Vec<String> = removed.into_iter().cloned().collect();
    for key in &removed {
        // Mounts have a default of `cai`.
        keys.entry(key.clone()).or_insert(Value::Null);
    }
    if !variables.is_empty() {
        let mut env = match keys.get(ENV).or_else(|| vm.yaml.get(ENV)) {
            Some(Value::Object(env)) => env.clone(),
            _ => Map::new(),
        };
        for variable in variables {
            env.shift_remove(variable.strip_prefix(VARIABLE).unwrap_or(variable));
        }
        let env = if env.is_empty() { Value::Null } else { env.into() };
        keys.insert(ENV.into(), env);
        removed.push(ENV.into());
    }
    Wanted { keys, removed }
}

impl Desired<'_> {
    /// The keys of its YAML, in terms of the record.
    pub(super) fn recorded_keys(&self, vm: &VmFacts, facts: &Facts) -> Keys {
        // The YAML of a VM that `cai` made is its own work, also without a record.
        let is_own = vm.managed && facts.recorded(&self.address).is_none();
        let mut keys = keys(self.declared(), &vm.yaml, is_own);
        // A list that has `cai`'s default again is done.
        keys.present.retain(|key, value| {
            !self.defaulted.contains(&key.as_str()) || self.keys.get(key) != Some(value)
        });
        keys
    }

    /// The keys that the file names.
    pub(super) fn declared(&self) -> Map<String, Value> {
        // The disk for Docker's data is an entry among those of others, and belongs to the guest's resource.
        let is_shared = |key: &str| key == DISKS && !self.config.vm.lima.contains_key(DISKS);
        let named = self.keys.iter();
        let named =
            named.filter(|(key, _)| !self.defaulted.contains(&key.as_str()) && !is_shared(key));
        named.map(|(key, value)| (key.clone(), value.clone())).collect()
    }
}

/// The keys that the file leaves out, and that a new VM has all the same.
pub(super) fn defaulted(config: &Config) -> Vec<&'static str> {
    let left_out = config.vm.left_out;
    let keys = [(left_out.images, "images"), (left_out.mounts, MOUNTS)];
    keys.into_iter().filter_map(|(is_left_out, key)| is_left_out.then_some(key)).collect()
}
