//! `cai render`

use std::io;

use serde_json::{Map, Value};

use super::{Global, Terminal, file};
use crate::cli::error::Error;
use crate::config::Config;
use crate::host::Host;
use crate::lima;
use crate::model::redact::{self, SENSITIVE};
use crate::resource::template;

/// The comment above YAML that lacks secrets.
const WITHOUT: &str = "# Secrets are left out, so this differs from the YAML that Lima gets.\n";

pub(super) fn run(
    host: &dyn Host,
    global: &Global,
    config: bool,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    let mut file = file::load(host, global, terminal)?;
    if config {
        let merged = file.config.merged();
        if global.json {
            let merged = serde_json::to_value(&merged);
            let mut merged = merged.map_err(|error| Error::Output(error.into()))?;
            // Only texts: in this document, `sensitive` is a key of the file.
            hide(&mut merged, &|text| terminal.hidden().redactor().shown(text));
            return terminal.write_json(&merged);
        }
        let text =
            toml::to_string(&merged).map_err(|error| Error::Output(io::Error::other(error)))?;
        let shown = terminal.hidden().redactor().shown(&text);
        let is_whole = shown == text && file.config.is_shown_whole();
        let remark = if is_whole { "" } else { "# Secrets are left out.\n" };
        return terminal.raw(&(remark.to_owned() + &shown));
    }
    let (keys, is_whole) = shown(&file.config);
    if global.json {
        return terminal.foreign_json(&keys);
    }
    let remark = if is_whole { "" } else { WITHOUT };
    terminal.raw(&(remark.to_owned() + &lima::to_yaml(&keys)))
}

/// Replaces the texts of a document.
fn hide(document: &mut Value, shown: &dyn Fn(&str) -> String) {
    match document {
        Value::String(text) => *text = shown(text),
        Value::Array(list) => list.iter_mut().for_each(|value| hide(value, shown)),
        Value::Object(map) => map.values_mut().for_each(|value| hide(value, shown)),
        _ => {}
    }
}

/// The keys without secrets, and whether nothing was left out.
fn shown(config: &Config) -> (Map<String, Value>, bool) {
    let keys = template(config);
    let mut shown: Map<String, Value> =
        keys.iter().map(|(key, value)| (key.clone(), redact::value(key, value))).collect();
    if let Some(Value::Object(env)) = shown.get_mut("env") {
        for (_, value) in env.iter_mut().filter(|(name, value)| config.hides(name, value)) {
            *value = SENSITIVE.into();
        }
        for (name, variable) in &config.vm.env {
            let instead = match (&variable.value, &variable.source) {
                _ if variable.sensitive => SENSITIVE.to_owned(),
                (None, Some(from)) => format!("(the value of {from})"),
                _ => continue,
            };
            env.insert(name.to_string(), instead.into());
        }
    }
    let is_whole = shown == keys;
    (shown, is_whole)
}
