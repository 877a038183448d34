//! What makes the elements of an array of tables the same in two layers.

use toml::de::{DeTable, DeValue};

use crate::config::types::GUEST_IP;
use crate::model::clean_path;

/// The keys that identify the elements of an array. Each group is a part of the identity: the first
/// of its keys that an element has.
type IdentityKeys = &'static [&'static [&'static str]];

const ARRAYS: [(&str, IdentityKeys); 8] = [
    ("files", &[&["path"]]),
    ("groups", &[&["name"]]),
    ("socket_clients", &[&["context"], &["container", "service"]]),
    ("sysbox.packages", &[&["arch"]]),
    ("users", &[&["name"]]),
    ("vm.images", &[&["arch"]]),
    // Without `mount_point`, a directory is mounted at its own path.
    ("vm.mounts", &[&["mount_point", "location"]]),
    (
        "vm.port_forwards",
        &[&["guest_port", "guest_ports", "guest_socket"], &["guest_ip"], &["proto"]],
    ),
];

/// What a missing key of an identity stands for.
const DEFAULTS: [(&str, &str); 2] = [("guest_ip", GUEST_IP), ("proto", "any")];

/// Arrays of tables whose elements are only added: nothing in them says that two are the same.
const LISTS: [&str; 1] = ["trust"];

/// Tables that are one value: a source of a value does not merge with another source.
const VALUES: [&str; 3] = ["vm.env.*", "proxy.username", "proxy.password"];

/// The keys that belong to another one: if a higher layer sets that, theirs must come with it.
const DEPENDENT: [(&str, &str, &[&str]); 5] = [
    ("files", "content", &["source"]),
    ("files", "source", &["content"]),
    ("sysbox.packages", "url", &["sha256"]),
    // A mount that replaces another one is writable only if it says so.
    ("vm.mounts", "location", &["writable"]),
    ("vm.images", "location", &["digest", "kernel", "kernel_cmdline", "initrd"]),
];

/// Whether the elements of the array at this path are merged one by one.
pub(super) fn is_merged(path: &[String]) -> bool {
    let path = path.join(".");
    ARRAYS.iter().any(|(array, _)| *array == path) || LISTS.contains(&path.as_str())
}

/// Whether the table at this path is replaced as a whole.
pub(super) fn is_value(path: &[String]) -> bool {
    let is_at = |pattern: &&str| {
        let mut parts = pattern.split('.');
        path.iter().all(|key| parts.next().is_some_and(|part| part == "*" || part == key))
            && parts.next().is_none()
    };
    VALUES.iter().any(is_at)
}

/// The identity of an element of the array at this path. `None` if it is like no other one.
pub(super) fn identity(path: &[String], element: &DeTable<'_>) -> Option<Vec<Option<String>>> {
    let path = path.join(".");
    let (_, keys) = ARRAYS.iter().find(|(array, _)| *array == path)?;
    let own = |names: &[&str]| names.iter().find_map(|name| element.get(*name).map(text));
    let default = |names: &[&str]| {
        let (_, value) = DEFAULTS.iter().find(|(name, _)| names.contains(name))?;
        Some((*value).to_owned())
    };
    let part = |names: &&[&str]| match own(names).or_else(|| default(names)) {
        // "~/a" and "~/a/" are the same directory.
        Some(directory) if path == "vm.mounts" => Some(clean_path(&directory)),
        part => part,
    };
    Some(keys.iter().map(part).collect())
}

/// A value in one form: "/a" and "/a/" are the same directory.
pub(super) fn same(path: &[String], key: &str, value: toml::Value) -> toml::Value {
    match value {
        toml::Value::String(text) if path == ["vm", "mounts"] && key == "location" => {
            clean_path(&text).into()
        }
        value => value,
    }
}

/// The keys of an element that belong to this key, which a higher layer sets.
pub(super) fn dependent(path: &[String], key: &str) -> &'static [&'static str] {
    let path = path.join(".");
    let found = DEPENDENT.iter().find(|(array, of, _)| *array == path && *of == key);
    found.map_or(&[], |(.., keys)| keys)
}

fn text(value: &toml::Spanned<DeValue<'_>>) -> String {
    match value.get_ref() {
        DeValue::String(text) => text.to_string(),
        _ => super::value::plain(value).to_string(),
    }
}
