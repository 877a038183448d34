//! `limactl validate`, and the checks that `create` and `edit` share with it.
use std::path::Path;
use std::process::ExitCode;

use containai::simulate::Arguments;
use containai::simulate::{rules, yaml};

use super::config::Config;
use super::{Result, log, quote, unknown};

pub(super) fn validate(arguments: &Arguments) -> Result<ExitCode> {
    for file in &arguments.words {
        let text = std::fs::read_to_string(file)
            .map_err(|_| format!("open {file}: no such file or directory"))?;
        warn_of_unknown_keys(&text, file);
        refuse(&text, file)?.map_or(Ok(()), |why| {
            Err(format!("failed to validate YAML file {}: {why}", quote::name(file)))
        })?;
        log::info(&format!("{}: OK", quote::name(file)));
    }
    Ok(ExitCode::SUCCESS)
}

/// Warns about a key that Lima does not know and ignores.
pub(super) fn warn_of_unknown_keys(text: &str, file: &str) {
    let Ok(given) = yaml::parse(text) else { return };
    if let Some(error) = rules::unknown_key(&given) {
        log::line("warning", rules::NOT_STRICT, &[("comment", file), ("error", &error)]);
    }
}

/// The reason for which Lima refuses a configuration after parsing it, if any.
fn refuse(text: &str, file: &str) -> Result<Option<String>> {
    let given =
        yaml::typed(text).map_err(|error| format!("failed to unmarshal YAML ({file}): {error}"))?;
    match rules::unused_param(&given) {
        Some(why) => Err(why),
        None => Ok(rules::refusal(&given)),
    }
}

/// Checks the text of an instance's YAML. `Ok(Some(…))` is the reason for which `edit` saves it
/// elsewhere.
pub(super) fn check(text: &str, file: &str, dir: &Path) -> Result<Option<String>> {
    if let Some(why) = refuse(text, file)? {
        return Ok(Some(why));
    }
    let config = Config::fill(text, dir)?;
    if config.text("/vmType") != "qemu" {
        return Err(format!("unknown or unsupported VM type: {}", config.text("/vmType")));
    }
    if config.text("/arch") != "x86_64" {
        return Err(unknown(&format!("the arch `{}`", config.text("/arch"))));
    }
    for (index, provision) in config.list("provision").iter().enumerate() {
        let mode = provision["mode"].as_str().unwrap_or_default();
        if !matches!(mode, "system" | "user" | "boot") {
            return Err(unknown(&format!("`provision[{index}].mode: {mode}`")));
        }
    }
    Ok(None)
}
