//! `limactl validate`, and the checks that `create` and `edit` make too.

use std::path::Path;

use super::Result;
use super::config::Config;
use super::yaml;
use crate::host::Os;
use crate::simulate::arguments::Arguments;
use crate::simulate::log::Log;
use crate::simulate::reply::{Call, Reply};
use crate::simulate::world::World;

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
        yaml::typed(&text).map_err(|why| format!("failed to unmarshal YAML ({file}): {why}"))?;
        check(world, &text, Path::new("/nonexistent"))
            .map_err(|why| format!("failed to validate YAML file `{file}`: {why}"))?;
        log.info(&format!("`{file}`: OK"));
    }
    Ok(Reply::done())
}

/// Checks the text of an instance's YAML.
pub(super) fn check(world: &World, text: &str, directory: &Path) -> Result<()> {
    let config = Config::fill(world, yaml::typed(text)?, directory);
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
