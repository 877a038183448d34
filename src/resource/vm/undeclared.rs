//! The keys of an instance's YAML that the file no longer declares.

use serde_json::{Map, Value};

use super::{ENV, IMMUTABLE};
use crate::lima::{self, Meaning};
use crate::resource::facts::VmFacts;
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
