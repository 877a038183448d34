//! `limactl validate`, and the checks that `create` and `edit` share with it.

use std::path::Path;

use serde_json::Value;

use super::config::FilledConfig;
use super::{Job, LimactlResult, rules, yaml};
use crate::host::Os;
use crate::simulate::log::Log;
use crate::simulate::reply::Reply;
use crate::simulate::world::World;

/// The path for a command's standard input.
const STDIN: &str = "/dev/stdin";

pub(super) fn validate(Job { world, arguments, call, log }: Job<'_>) -> LimactlResult {
    for file in &arguments.words {
        let text = match file.as_str() {
            STDIN => call.text().map(str::to_owned),
            path => world.file(path.as_ref()),
        };
        let text = text.ok_or_else(|| format!("open {file}: no such file or directory"))?;
        let given = yaml::typed(&text)
            .map_err(|why| format!("failed to unmarshal YAML ({file}): {why}"))?;
        warn(&given, log);
        // Only `create` and `edit` check the limits of the driver.
        refuse(&given).map_err(|refusal| match refusal {
            Refusal::Unread(why) => why,
            Refusal::Invalid(why) => format!("failed to validate YAML file `{file}`: {why}"),
        })?;
        log.info(&format!("`{file}`: OK"));
    }
    Ok(Reply::done())
}

/// Why Lima refuses a YAML.
pub(super) enum Refusal {
    /// Lima failed before it applied the defaults.
    Unread(String),
    /// Lima refused the YAML after that. `edit` saves such a YAML as `lima.REJECTED.yaml`.
    Invalid(String),
}

impl Refusal {
    pub(super) fn text(self) -> String {
        match self {
            Self::Unread(why) | Self::Invalid(why) => why,
        }
    }
}

/// Warns about a key that Lima does not know.
fn warn(given: &Value, log: &mut Log) {
    if let Some(error) = rules::unknown_key(given) {
        log.line("warning", rules::NOT_STRICT, Some(("error", &error)));
    }
}

fn refuse(given: &Value) -> std::result::Result<(), Refusal> {
    if let Some(why) = rules::unused_param(given) {
        return Err(Refusal::Unread(why));
    }
    let named = given.get("vmType").and_then(Value::as_str).unwrap_or("qemu");
    if !["qemu", "vz", "wsl2"].contains(&named) {
        return Err(Refusal::Unread(format!("vmType `{named}` is not a registered driver")));
    }
    rules::refusal(given).map_or(Ok(()), |why| Err(Refusal::Invalid(why)))
}

/// Checks the text of an instance's YAML as `create` and `edit` do.
pub(super) fn check(
    world: &World,
    text: &str,
    directory: &Path,
    log: &mut Log,
) -> std::result::Result<(), Refusal> {
    let given = yaml::typed(text).map_err(Refusal::Unread)?;
    warn(&given, log);
    refuse(&given)?;
    let config = FilledConfig::fill(world, given, directory);
    let vm_type = config.vm_type();
    let known = match world.computer.platform.os {
        Os::MacOs => ["vz", "qemu"].contains(&vm_type),
        Os::Linux => vm_type == "qemu",
    };
    if !known {
        return Err(Refusal::Unread(format!("unknown or unsupported VM type: {vm_type}")));
    }
    Ok(())
}
