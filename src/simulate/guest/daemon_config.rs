//! The configurations that dockerd refuses, with the messages of dockerd 20.10 (measured).

use std::net::IpAddr;

use serde_json::{Map, Value};

use super::{DAEMON_JSON, Guest};
use crate::model::Ipv4Network;
use crate::model::daemon_key::{DaemonKey, ValueType, knows_runtime};
use crate::model::log_option::{has_log_option, log_driver};

/// Names of flags that dockerd accepts as keys but ignores. The corresponding keys have other
/// names.
const FLAGS: [&str; 12] = [
    "add-runtime",
    "authorization-plugin",
    "default-address-pool",
    "default-ulimit",
    "dns-opt",
    "exec-opt",
    "host",
    "insecure-registry",
    "label",
    "log-opt",
    "registry-mirror",
    "storage-opt",
];
const STORAGE_DRIVERS: [&str; 6] =
    ["btrfs", "fuse-overlayfs", "overlay2", "overlayfs", "vfs", "zfs"];

impl Guest {
    /// Decodes the keys of `daemon.json`. The error is the one that `dockerd --validate` reports,
    /// too.
    pub(super) fn decoded(text: &str) -> Result<Map<String, Value>, String> {
        let failed = |why: String| {
            format!("unable to configure the Docker daemon with file {DAEMON_JSON}: {why}")
        };
        if text.trim().is_empty() {
            return Ok(Map::new());
        }
        let keys: Map<String, Value> =
            serde_json::from_str(text).map_err(|error| failed(error.to_string()))?;
        let is_unknown =
            |key: &&String| DaemonKey::find(key).is_none() && !FLAGS.contains(&key.as_str());
        let unknown: Vec<&str> = keys.keys().filter(is_unknown).map(String::as_str).collect();
        if !unknown.is_empty() {
            let unknown = unknown.join(", ").escape_debug().to_string();
            let what = "the following directives don't match any configuration option";
            return Err(failed(format!("{what}: {unknown}")));
        }
        for (name, value) in &keys {
            let mismatch = DaemonKey::find(name).and_then(|key| key.value.mismatch(value));
            if let Some((path, expected)) = mismatch {
                return Err(failed(undecodable(name, value, &path, expected)));
            }
        }
        Ok(keys)
    }

    /// dockerd's error for decoded keys, on a reload and on start.
    pub(super) fn invalid(keys: &Map<String, Value>) -> Option<String> {
        let labels = texts(keys, "labels");
        if let Some(label) = labels.iter().find(|label| !label.contains('=')) {
            return Some(format!("bad attribute format: {label}"));
        }
        let own = keys.get("runtimes").and_then(Value::as_object);
        if own.is_some_and(|own| own.contains_key("runc")) {
            return Some("runtime name 'runc' is reserved".into());
        }
        let default = keys.get("default-runtime").and_then(Value::as_str).unwrap_or("runc");
        (!knows_runtime(keys, default))
            .then(|| format!("specified default runtime '{default}' does not exist"))
    }

    /// A mirror that dockerd does not accept.
    pub(super) fn invalid_mirror(keys: &Map<String, Value>) -> Option<String> {
        texts(keys, "registry-mirrors").into_iter().find_map(|mirror| {
            let (scheme, rest) = mirror.split_once("://").unwrap_or(("", mirror));
            if !matches!(scheme, "http" | "https") {
                return Some(format!(
                    "invalid mirror: unsupported scheme \"{scheme}\" in \"{mirror}\""
                ));
            }
            let host = rest.strip_suffix('/').unwrap_or(rest);
            host.contains('/').then(|| {
                format!("invalid mirror: path, query, or fragment at end of the URI \"{mirror}\"")
            })
        })
    }

    /// The error that prevents a daemon with these keys from starting.
    pub(super) fn unstartable(&self, keys: &Map<String, Value>) -> Option<String> {
        let text =
            |key: &str| keys.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        if text("bridge").is_some() && text("bip").is_some() {
            let why =
                "You specified -b & --bip, mutually exclusive options. Please specify only one";
            return Some(why.into());
        }
        if let Some(driver) = text("storage-driver")
            && !STORAGE_DRIVERS.contains(&driver)
        {
            return Some("error initializing graphdriver: driver not supported".into());
        }
        if let Some(path) = text("seccomp-profile").filter(|path| path.starts_with('/'))
            && !self.files.contains_key(path)
        {
            let why = format!("open {path}: no such file or directory");
            return Some(format!("opening seccomp profile ({path}) failed: {why}"));
        }
        if let Some(user) = text("userns-remap")
            && user != "default"
            && !self.users.contains_key(user.split(':').next().unwrap_or_default())
        {
            return Some(format!(
                "Error during uid lookup for \"{user}\": getent unable to find entry \"{user}\" in \
                 passwd database"
            ));
        }
        Self::unusable_network(keys)
            .map(|why| format!("Error initializing network controller: {why}"))
            .or_else(|| Self::invalid_mirror(keys))
            .or_else(|| unknown_log_opt(keys).map(|why| format!("failed to set log opts: {why}")))
    }

    fn unusable_network(keys: &Map<String, Value>) -> Option<String> {
        let network = |text: &str| text.parse::<Ipv4Network>().ok();
        if let Some(bip) = keys.get("bip").and_then(Value::as_str).filter(|bip| !bip.is_empty()) {
            match network(bip) {
                None => return Some(format!("invalid CIDR address: {bip}")),
                Some(bridge) if bridge.is_network() => {
                    return Some(format!(
                        "Error creating default \"bridge\" network: failed to allocate gateway \
                         ({}): Address already in use",
                        bridge.address()
                    ));
                }
                Some(_) => {}
            }
        }
        let pools = keys.get("default-address-pools").and_then(Value::as_array);
        pools.into_iter().flatten().find_map(|pool| {
            let base = pool.get("base").and_then(Value::as_str).unwrap_or_default();
            let size = pool.get("size").and_then(Value::as_u64).unwrap_or_default();
            let why = match prefix(base) {
                None => format!("invalid base pool \"{base}\": invalid CIDR address: {base}"),
                Some(prefix) if size < prefix => format!("invalid pools size: {size}"),
                Some(_) => return None,
            };
            Some(format!("error obtaining controller instance: {why}"))
        })
    }
}

fn texts<'a>(keys: &'a Map<String, Value>, key: &str) -> Vec<&'a str> {
    let list = keys.get(key).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).collect()
}

/// The prefix length of an IPv4 or IPv6 network.
fn prefix(network: &str) -> Option<u64> {
    let (address, prefix) = network.split_once('/')?;
    let most = if address.parse::<IpAddr>().ok()?.is_ipv4() { 32 } else { 128 };
    prefix.parse().ok().filter(|bits| *bits <= most)
}

/// An option that the log driver does not know.
fn unknown_log_opt(keys: &Map<String, Value>) -> Option<String> {
    let driver = log_driver(keys);
    let options = keys.get("log-opts").and_then(Value::as_object)?;
    let unknown = options.keys().find(|it| has_log_option(driver, it) == Some(false))?;
    Some(format!("unknown log opt '{unknown}' for {driver} log driver"))
}

/// The error of Go's decoder for a value of the wrong type.
fn undecodable(name: &str, value: &Value, path: &[String], expected: ValueType) -> String {
    let part = path.iter().try_fold(value, |value, step| match value {
        Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        value => value.get(step),
    });
    let found = match part.unwrap_or(value) {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let expected = match expected {
        ValueType::Bool => "bool",
        ValueType::Number => "int",
        ValueType::Text => "string",
        ValueType::Texts => "[]string",
        ValueType::TextMap => "map[string]string",
        ValueType::BoolMap => "map[string]bool",
        ValueType::ObjectMap | ValueType::Objects | ValueType::Object => "struct",
    };
    format!("json: cannot unmarshal {found} into Go struct field Config.{name} of type {expected}")
}
