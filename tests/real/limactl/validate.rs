//! `limactl validate`, and the checks that `create` and `edit` make too.
use std::path::Path;
use std::process::ExitCode;

use containai::simulate::yaml;
use serde_json::Value;

use super::command_line::Parsed;
use super::config::Config;
use super::{Result, log, quote, unknown};

/// The keys of a Lima YAML file.
const KEYS: [&str; 42] = [
    "additionalDisks",
    "arch",
    "audio",
    "base",
    "caCerts",
    "containerd",
    "copyToHost",
    "cpuType",
    "cpus",
    "disk",
    "dns",
    "env",
    "firmware",
    "guestInstallPrefix",
    "hostResolver",
    "images",
    "memory",
    "message",
    "minimumLimaVersion",
    "mountInotify",
    "mountType",
    "mountTypesUnsupported",
    "mounts",
    "nestedVirtualization",
    "networks",
    "os",
    "osOpts",
    "param",
    "plain",
    "portForwards",
    "probes",
    "propagateProxyEnv",
    "provision",
    "rosetta",
    "ssh",
    "timezone",
    "tpm",
    "upgradePackages",
    "user",
    "video",
    "vmOpts",
    "vmType",
];

pub(super) fn validate(arguments: &Parsed) -> Result<ExitCode> {
    for file in &arguments.positional {
        let text = std::fs::read_to_string(file)
            .map_err(|_| format!("open {file}: no such file or directory"))?;
        warn_of_unknown_keys(&text, file);
        types(&text, file)?;
        check(&text, file, Path::new("/nonexistent/instance")).map_err(|error| {
            format!("failed to validate YAML file {}: {error}", quote::name(file))
        })?;
        log::info(&format!("{}: OK", quote::name(file)));
    }
    Ok(ExitCode::SUCCESS)
}

/// Warns of keys that are not Lima's, which it then ignores.
pub(super) fn warn_of_unknown_keys(text: &str, file: &str) {
    let Ok(Value::Object(map)) = yaml::parse(text) else {
        return;
    };
    for key in map.keys().filter(|key| !KEYS.contains(&key.as_str())) {
        log::line(
            "warning",
            "Non-strict YAML detected; please check for typos",
            &[("comment", file), ("error", &format!("unknown field \"{key}\""))],
        );
    }
}

/// Checks the text of an instance's YAML.
pub(super) fn check(text: &str, file: &str, dir: &Path) -> Result<()> {
    types(text, file)?;
    let config = Config::fill(text, dir)?;
    if config.text("/vmType") != "qemu" {
        return Err(format!("unknown or unsupported VM type: {}", config.text("/vmType")));
    }
    if config.list("images").is_empty() {
        return Err("field `images` must be set".to_owned());
    }
    if config.text("/arch") != "x86_64" {
        return Err(unknown(&format!("the arch `{}`", config.text("/arch"))));
    }
    if config.number("/cpus") == 0 {
        return Err("field `cpus` must be set".to_owned());
    }
    config.bytes("memory").map_err(|_| "field `memory` has an invalid value".to_owned())?;
    config.bytes("disk").map_err(|_| "field `disk` has an invalid value".to_owned())?;
    for (index, provision) in config.list("provision").iter().enumerate() {
        let mode = provision["mode"].as_str().unwrap_or_default();
        if !matches!(mode, "system" | "user" | "boot") {
            return Err(unknown(&format!("`provision[{index}].mode: {mode}`")));
        }
    }
    Ok(())
}

fn types(text: &str, file: &str) -> Result<()> {
    yaml::typed(text)
        .map(drop)
        .map_err(|error| format!("failed to unmarshal YAML ({file}): {error}"))
}
