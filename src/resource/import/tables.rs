//! The tables for a VM's images and mounts, from Lima's YAML.

use serde_json::Value;
use toml::{Table, Value as Toml};

use crate::resource::facts::VmFacts;

/// The first image of each architecture, which is the one that Lima takes.
pub(super) fn images(vm: &VmFacts) -> Vec<Toml> {
    let mut images: Vec<Toml> = Vec::new();
    for image in vm.yaml.get("images").and_then(Value::as_array).into_iter().flatten() {
        let mut table = Table::new();
        for key in ["arch", "location", "digest"] {
            if let Some(text) = image.get(key).and_then(Value::as_str) {
                table.insert(key.into(), text.into());
            }
        }
        for (path, key) in [
            ("/kernel/location", "kernel"),
            ("/kernel/cmdline", "kernel_cmdline"),
            ("/initrd/location", "initrd"),
        ] {
            if let Some(text) = image.pointer(path).and_then(Value::as_str) {
                table.insert(key.into(), text.into());
            }
        }
        if images.iter().all(|other| other.get("arch") != table.get("arch")) {
            images.push(table.into());
        }
    }
    images
}

pub(super) fn mounts(vm: &VmFacts) -> Vec<Toml> {
    let mounts = vm.yaml.get("mounts").and_then(Value::as_array).into_iter().flatten();
    let mounts = mounts.map(|mount| {
        let mut table = Table::new();
        for (key, name) in [("location", "location"), ("mountPoint", "mount_point")] {
            if let Some(text) = mount.get(key).and_then(Value::as_str) {
                table.insert(name.into(), text.into());
            }
        }
        if let Some(writable) = mount.get("writable").and_then(Value::as_bool) {
            table.insert("writable".into(), writable.into());
        }
        Toml::Table(table)
    });
    mounts.collect()
}
