//! Lima's YAML, shared by the simulated `limactl` and the tests' stand-in for it: parsing, the
//! types of values, and Lima's defaults (`list --json` of Lima 2.2.0).

use serde_json::{Map, Value, json};

use super::rules;
pub use crate::model::lima_yaml::bytes;

/// A key, the Go type that it requires, and a check of the type.
type Expectation = (&'static str, &'static str, fn(&Value) -> bool);

const TYPES: &[Expectation] = &[
    ("cpus", "int", Value::is_u64),
    ("memory", "string", is_text),
    ("disk", "string", is_text),
    ("vmType", "string", Value::is_string),
    ("images", "[]limatype.Image", Value::is_array),
    ("mounts", "[]limatype.Mount", Value::is_array),
    ("provision", "[]limatype.Provision", Value::is_array),
    ("probes", "[]limatype.Probe", Value::is_array),
    ("portForwards", "[]limatype.PortForward", Value::is_array),
];

/// Lima converts numbers and booleans to strings.
fn is_text(value: &Value) -> bool {
    rules::as_text(value).is_some()
}

/// The machine whose defaults are used.
#[derive(Debug, Clone, Copy)]
pub struct MachineDefaults<'a> {
    /// The default type of VM.
    pub vm_type: &'a str,
    /// The architecture.
    pub arch: &'a str,
    /// The number of CPUs.
    pub cpus: usize,
    /// The host's user, after whom the guest's user is named.
    pub user: &'a str,
    /// The home directory of the guest's user.
    pub home: &'a str,
    /// The uid of the guest's user.
    pub uid: u32,
}

/// Parses a YAML. An empty text is an empty mapping.
///
/// # Errors
/// If it is not a mapping.
pub fn parse(text: &str) -> Result<Value, String> {
    match serde_yaml::from_str(text) {
        Ok(Value::Null) => Ok(Value::Object(Map::new())),
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err("cannot unmarshal the document into a mapping".into()),
        Err(error) => Err(error.to_string()),
    }
}

/// Parses a YAML and checks the types of its values.
///
/// # Errors
/// If it cannot be parsed, or a value has the wrong type.
pub fn typed(text: &str) -> Result<Value, String> {
    let value = parse(text)?;
    for (key, name, is) in TYPES {
        if value.get(key).is_some_and(|value| !value.is_null() && !is(value)) {
            return Err(format!("cannot unmarshal field `{key}` into type {name}"));
        }
    }
    Ok(value)
}

/// Adds the defaults to a YAML and to the entries of its lists. Templates are not expanded.
pub fn filled(machine: &MachineDefaults<'_>, given: Value) -> Value {
    let mut config = json!({
        "vmType": machine.vm_type,
        "os": "Linux",
        "arch": machine.arch,
        "images": [],
        "cpus": machine.cpus.min(4),
        "memory": "4GiB",
        "disk": "100GiB",
        "mounts": [],
        "mountInotify": false,
        "ssh": {
            "localPort": 0, "loadDotSSHPubKeys": false, "forwardAgent": false,
            "forwardX11": false, "forwardX11Trusted": false,
        },
        "firmware": {"legacyBIOS": false},
        "audio": {"device": "", "interface": ""},
        "video": {"display": "none"},
        "provision": [],
        "upgradePackages": false,
        "containerd": {"system": false, "user": false},
        "guestInstallPrefix": "/usr/local",
        "probes": [],
        "portForwards": [],
        "hostResolver": {"enabled": true, "ipv6": false},
        "propagateProxyEnv": true,
        "caCerts": {"removeDefaults": false},
        "plain": false,
        "timezone": "Etc/UTC",
        "nestedVirtualization": false,
        "user": {
            "name": machine.user, "comment": "", "home": machine.home, "shell": "/bin/bash",
            "uid": machine.uid, "passwordlessSudo": true,
        },
        "tpm": false,
    });
    merge(&mut config, given);
    fill_entries(&mut config);
    config
}

/// Merges `over` into `under`: mappings by key, other values as a whole. A null keeps the default.
fn merge(under: &mut Value, over: Value) {
    match (under, over) {
        (_, Value::Null) => {}
        (Value::Object(under), Value::Object(over)) => {
            for (key, value) in over {
                merge(under.entry(key).or_insert(Value::Null), value);
            }
        }
        (under, over) => *under = over,
    }
}

fn fill_entries(config: &mut Value) {
    let arch = config["arch"].clone();
    for image in entries(config, "images") {
        default(image, "arch", arch.clone());
        for part in ["kernel", "initrd"] {
            if let Some(part) = image.get_mut(part) {
                default(part, "arch", arch.clone());
            }
        }
    }
    for provision in entries(config, "provision") {
        default(provision, "mode", json!("system"));
    }
    let probes = entries(config, "probes");
    let count = probes.len();
    for (index, probe) in probes.iter_mut().enumerate() {
        default(probe, "mode", json!("readiness"));
        default(probe, "description", json!(format!("user probe {}/{count}", index + 1)));
    }
    for forward in entries(config, "portForwards") {
        default(forward, "guestIPMustBeZero", json!(false));
        default(forward, "guestIP", json!("127.0.0.1"));
        default(forward, "guestPortRange", json!([1, 65535]));
        default(forward, "hostIP", json!("127.0.0.1"));
        default(forward, "hostPortRange", json!([0, 0]));
        default(forward, "proto", json!("any"));
    }
}

/// The entries of a list, mutable.
pub fn entries<'a>(config: &'a mut Value, key: &str) -> &'a mut [Value] {
    config.get_mut(key).and_then(Value::as_array_mut).map_or(&mut [], Vec::as_mut_slice)
}

/// The YAML without empty lists, as `limactl list` shows it.
pub fn without_empty_lists(mut config: Value) -> Value {
    if let Value::Object(map) = &mut config {
        map.retain(|_, value| value.as_array().is_none_or(|list| !list.is_empty()));
    }
    config
}

fn default(entry: &mut Value, key: &str, value: Value) {
    if let Value::Object(map) = entry {
        map.entry(key).or_insert(value);
    }
}
