//! `cai validate`

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

use super::file::{self, File, Source};
use super::{Global, Terminal};
use crate::cli::error::Error;
use crate::config::diagnostic::Diagnostic;
use crate::config::{Config, Warning};
use crate::host::Host;
use crate::lima::{self, Verdict};
use crate::plan::{Exposure, FORMAT_VERSION};
use crate::reconcile::observe::{self, ask_lima};
use crate::report;
use crate::resource::{Places, template};

pub(super) fn run(
    host: &dyn Host,
    global: &Global,
    explain: bool,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    let sources = file::find_all(host, global)?;
    let (mut files, mut wrong, mut checked) = (Vec::new(), Vec::new(), Vec::new());
    for source in &sources {
        let (mistakes, settings) = match source.config() {
            Ok(config) => {
                terminal.warn(&config);
                let file = source.file(config, host, terminal);
                warn_of_mounts(host, &file, terminal);
                let mistakes = refused_by_lima(host, &file, terminal);
                let settings = explain.then(|| settings(&file.config));
                files.push(file);
                (mistakes, settings)
            }
            Err(mistakes) => (mistakes, None),
        };
        let valid = mistakes.is_empty();
        checked.push(Checked { file: source.shown(), valid, settings });
        if !valid {
            wrong.push(source.mistakes(&mistakes, terminal));
        }
    }
    if global.json {
        terminal.json(&ValidateDocument { format_version: FORMAT_VERSION, files: checked })?;
    }
    if !wrong.is_empty() {
        return Err(Error::Config(wrong));
    }
    file::together(&mut files)?;
    if global.json {
        return Ok(());
    }
    if explain {
        let width = terminal.layout().width;
        let explained = files.iter().map(|file| report::origin(&file.config, width));
        return terminal.data(&explained.collect::<Vec<_>>().join("\n"));
    }
    let line = |source: &Source| format!("{} is valid.\n", source.shown());
    terminal.succeed(&sources.iter().map(line).collect::<String>())
}

fn settings(config: &Config) -> Vec<SettingDocument> {
    let place = |offset: usize| {
        let place = config.origin.sources.at(offset)?;
        Some(PlaceDocument { file: place.layer.shown.clone(), line: place.line() })
    };
    let settings = config.origin.values(&config.shown()).into_iter();
    let settings = settings.filter_map(|(key, value, setting)| {
        let replaces = setting.replaced.iter().filter_map(|span| place(span.start)).collect();
        Some(SettingDocument { key, value, place: place(setting.span.start)?, replaces })
    });
    settings.collect()
}

/// Warns of the mounts that expose more than a project.
fn warn_of_mounts(host: &dyn Host, file: &File, terminal: &mut Terminal) {
    let home = host.env("HOME").map(PathBuf::from);
    let lima_home = observe::lima_home(host).ok();
    let places = Places::new(&file.config, home.as_deref(), lima_home.as_deref());
    for exposure in places.exposed(template(&file.config).get("mounts")) {
        let origin = &file.config.origin;
        let key = origin.element("vm.mounts", "location", &exposure.location, "location");
        let warning = Warning::new(key, exposure.to_string(), Exposure::HINT);
        terminal.warn_of(&warning, origin);
    }
}

/// The errors that `limactl validate` finds. Empty if no accepted version of Lima is installed.
fn refused_by_lima(host: &dyn Host, file: &File, terminal: &mut Terminal) -> Vec<Diagnostic> {
    let config = &file.config;
    let asked = observe::accepted_limactl(host, &config.lima).and_then(|limactl| {
        let yaml = lima::to_yaml(&template(config));
        Ok(limactl.map(|limactl| ask_lima(host, &limactl.validate(yaml))).transpose()?)
    });
    let verdict = match asked {
        Ok(verdict) => verdict.unwrap_or_default(),
        Err(error) => {
            terminal.complain(&format!("Lima could not check {}: {error}", file.shown));
            return Vec::new();
        }
    };
    // Unknown keys have been reported.
    for warning in verdict.warnings.iter().filter(|it| !it.starts_with(Verdict::UNKNOWN_KEY)) {
        terminal.talk(&format!("Lima warns: {warning}"));
    }
    let refusal =
        verdict.refusal.map(|why| Diagnostic::new(format!("Lima refuses this VM: {why}")));
    refusal.into_iter().collect()
}

/// The checked files, as `cai validate --json` prints them.
#[derive(Serialize, JsonSchema)]
pub(super) struct ValidateDocument {
    format_version: u32,
    files: Vec<Checked>,
}

/// One file.
#[derive(Serialize, JsonSchema)]
struct Checked {
    file: String,
    /// Whether it is free of errors, which `diagnostics` lists.
    valid: bool,
    /// The values that the file and its layers set, with `--explain`.
    #[serde(skip_serializing_if = "Option::is_none")]
    settings: Option<Vec<SettingDocument>>,
}

/// A value and its place.
#[derive(Serialize, JsonSchema)]
struct SettingDocument {
    /// Its key: `vm.mounts[0].location`.
    key: String,
    /// Its value in TOML, without secrets.
    value: String,
    /// Its place.
    #[serde(flatten)]
    place: PlaceDocument,
    /// The places of the values that it replaces, the lowest layer first.
    replaces: Vec<PlaceDocument>,
}

/// A place in a file.
#[derive(Serialize, JsonSchema)]
struct PlaceDocument {
    file: String,
    /// The line, counted from 1.
    line: usize,
}
