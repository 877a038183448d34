//! `limactl validate`, and the checks that `create` and `edit` make too.

use std::path::Path;

use serde_json::Value;

use super::Result;
use super::config::{self, Config};
use crate::host::Os;
use crate::simulate::arguments::Arguments;
use crate::simulate::log::Log;
use crate::simulate::reply::{Call, Reply};
use crate::simulate::world::World;

/// A key, the Go type that it must have, and how to tell.
type Expectation = (&'static str, &'static str, fn(&Value) -> bool);

const TYPES: &[Expectation] = &[
    ("cpus", "int", Value::is_u64),
    ("memory", "string", Value::is_string),
    ("disk", "string", Value::is_string),
    ("vmType", "string", Value::is_string),
    ("images", "[]limatype.Image", Value::is_array),
    ("mounts", "[]limatype.Mount", Value::is_array),
    ("provision", "[]limatype.Provision", Value::is_array),
    ("probes", "[]limatype.Probe", Value::is_array),
    ("portForwards", "[]limatype.PortForward", Value::is_array),
];

pub(super) fn validate(
    world: &mut World,
    arguments: &Arguments,
    _: &Call<'_>,
    log: &mut Log,
) -> Result {
    for file in &arguments.words {
        let text = world
            .file(file.as_ref())
            .ok_or_else(|| format!("open {file}: no such file or directory"))?;
        types(&text).map_err(|why| format!("failed to unmarshal YAML ({file}): {why}"))?;
        check(world, &text, Path::new("/nonexistent"))
            .map_err(|why| format!("failed to validate YAML file `{file}`: {why}"))?;
        log.info(&format!("`{file}`: OK"));
    }
    Ok(Reply::done())
}

fn types(text: &str) -> Result<Value> {
    let value = config::parse(text)?;
    for (key, name, is) in TYPES {
        if value.get(key).is_some_and(|value| !value.is_null() && !is(value)) {
            return Err(format!("cannot unmarshal field `{key}` into type {name}"));
        }
    }
    Ok(value)
}

/// Checks the text of an instance's YAML.
pub(super) fn check(world: &World, text: &str, directory: &Path) -> Result<()> {
    let config = Config::fill(world, types(text)?, directory);
    let vm_type = config.vm_type();
    let known = match world.computer.platform.os {
        Os::MacOs => ["vz", "qemu"].contains(&vm_type),
        Os::Linux => vm_type == "qemu",
    };
    if !known {
        return Err(format!("unknown or unsupported VM type: {vm_type}"));
    }
    if config.0.get("images").is_none() {
        return Err("field `images` must be set".into());
    }
    for size in ["memory", "disk"] {
        if config.bytes(size).is_none() {
            return Err(format!("field `{size}` has an invalid value"));
        }
    }
    if config.number("/cpus") == 0 {
        return Err("field `cpus` must be set".into());
    }
    Ok(())
}
