//! The keys of an instance's YAML that the file declares, leaves out, or no longer declares.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Desired, ENV, IMMUTABLE, MOUNTS, is_same, meaning};
use crate::config::Config;
use crate::lima::{self, DISKS, GUEST_SOCKET, Meaning};
use crate::resource::facts::{Facts, VmFacts};
use crate::resource::record::Keys;

/// The keys that always have entries of `cai`, and the disk, which Lima cannot shrink.
const ALWAYS: [&str; 5] = ["provision", "probes", "portForwards", "containerd", "disk"];
const FORWARDS: &str = "portForwards";
/// How the record names a forward.
const FORWARD: &str = "portForwards.";
/// How the record names a variable.
const VARIABLE: &str = "env.";

/// The keys that an instance's YAML should have.
pub(super) struct Wanted {
    /// The values; `null` for a key to be removed.
    pub(super) keys: Map<String, Value>,
    /// The keys that are removed or lose an entry.
    pub(super) removed: Vec<String>,
}

/// Whether the record names this key.
fn is_recorded(key: &str) -> bool {
    !IMMUTABLE.contains(&key) && !ALWAYS.contains(&key)
}

/// The keys that the record names. Some of the others hold whole scripts, so they are not copied.
fn flattened<'a>(keys: impl Iterator<Item = (&'a String, &'a Value)>) -> Map<String, Value> {
    let (mut named, mut variables) = (Map::new(), Map::new());
    for (key, value) in keys.filter(|(key, _)| is_recorded(key)) {
        if key != ENV {
            named.insert(key.clone(), value.clone());
        } else if let Value::Object(env) = value {
            let env = env.iter().map(|(name, it)| (format!("{VARIABLE}{name}"), it.clone()));
            variables.extend(env);
        }
    }
    named.extend(variables);
    named
}

/// Each forward, except that of the engine's socket, as the record names it.
fn forwards(list: Option<&Value>) -> impl Iterator<Item = (String, Value)> {
    let list = list.and_then(Value::as_array).into_iter().flatten();
    list.filter(|forward| forward["guestSocket"] != GUEST_SOCKET).filter_map(|forward| {
        // Others may write the keys in another order.
        let keys: BTreeMap<_, _> = forward.as_object()?.iter().collect();
        Some((format!("{FORWARD}{}", serde_json::to_string(&keys).ok()?), true.into()))
    })
}

/// The forwards among the names of recorded keys.
pub(in crate::resource) fn recorded_forwards<'a>(
    keys: impl Iterator<Item = &'a String>,
) -> Vec<Value> {
    let forwards = keys.filter_map(|key| key.strip_prefix(FORWARD));
    forwards.filter_map(|json| serde_json::from_str(json).ok()).collect()
}

/// The declared keys with the entries of others, and without undeclared ones.
pub(super) fn wanted(
    declared: &Map<String, Value>,
    vm: &VmFacts,
    remove: &[String],
    meaning: &Meaning<'_>,
) -> Wanted {
    let mut keys = lima::merged(declared, &vm.yaml, &recorded_forwards(remove.iter()), meaning);
    let remove = remove.iter().filter(|key| !key.starts_with(FORWARD));
    let (variables, removed): (Vec<&String>, Vec<&String>) =
        remove.partition(|key| key.starts_with(VARIABLE));
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
    /// The removed keys, without forwards of ends in the guest that the file forwards in another way.
    pub(super) fn without_replaced(&self, remove: &[String]) -> Vec<String> {
        let end = |forward: &Value| {
            ["guestSocket", "guestPort", "guestPortRange"].map(|key| forward[key].clone())
        };
        let declared = self.keys.get(FORWARDS).and_then(Value::as_array);
        let declared: Vec<_> = declared.into_iter().flatten().map(end).collect();
        let is_replaced = |key: &&String| {
            recorded_forwards(std::iter::once(*key)).iter().any(|it| declared.contains(&end(it)))
        };
        remove.iter().filter(|key| !is_replaced(key)).cloned().collect()
    }

    /// The keys of its YAML, in terms of the record.
    pub(super) fn recorded_keys(&self, vm: &VmFacts, facts: &Facts) -> Keys {
        // The YAML of a VM that `cai` made is its own work, also without a record.
        let is_own = vm.managed && facts.recorded(&self.address).is_none();
        let keys = vm.yaml.iter().filter(|(key, _)| is_recorded(key) || *key == FORWARDS);
        let mut yaml: Map<_, _> = keys.map(|(key, value)| (key.clone(), value.clone())).collect();
        for (key, declared) in self.declared() {
            // What someone else wrote in another form is as declared.
            if let Some(actual) = yaml.get_mut(key)
                && is_same(key, Some(actual), declared, vm, false, &meaning(facts, key))
            {
                actual.clone_from(declared);
            }
        }
        let meaning = meaning(facts, FORWARDS);
        let declared = self.keys.get(FORWARDS).and_then(Value::as_array);
        let there = yaml.get_mut(FORWARDS).and_then(Value::as_array_mut);
        for forward in there.into_iter().flatten() {
            let mut own = declared.into_iter().flatten();
            if let Some(own) = own.find(|own| meaning.is_same_entry(FORWARDS, own, forward)) {
                forward.clone_from(own);
            }
        }
        let mut keys = self.keys_of(&yaml, is_own);
        // A list that has `cai`'s default again is done.
        keys.present.retain(|key, value| {
            !self.defaulted.contains(&key.as_str()) || self.keys.get(key) != Some(value)
        });
        keys
    }

    /// The keys as the record names them. Each variable is a separate key. So is each forward of an adopted VM,
    /// which lacks the boot script that lists them.
    pub(super) fn keys_of(&self, yaml: &Map<String, Value>, is_own: bool) -> Keys {
        let (mut declared, mut present) = (flattened(self.declared()), flattened(yaml.iter()));
        if self.config.vm.adopted {
            declared.extend(forwards(self.keys.get(FORWARDS)));
            present.extend(forwards(yaml.get(FORWARDS)));
        }
        Keys { declared, present, is_own, ..Keys::default() }
    }

    /// The keys that the file names.
    fn declared(&self) -> impl Iterator<Item = (&String, &Value)> {
        // The disk for Docker's data is an entry among those of others, and belongs to the guest's resource.
        let is_shared = |key: &str| key == DISKS && !self.config.vm.lima.contains_key(DISKS);
        let is_named = move |key: &str| !self.defaulted.contains(&key) && !is_shared(key);
        self.keys.iter().filter(move |(key, _)| is_named(key))
    }
}

/// The keys that the file leaves out, and that a new VM has all the same.
pub(super) fn defaulted(config: &Config) -> Vec<&'static str> {
    let left_out = config.vm.left_out;
    let keys = [(left_out.images, "images"), (left_out.mounts, MOUNTS)];
    keys.into_iter().filter_map(|(is_left_out, key)| is_left_out.then_some(key)).collect()
}
