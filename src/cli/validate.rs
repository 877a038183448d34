//! `cai validate`

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Serialize;

use super::file::{self, ConfigFile, Source};
use super::{Global, Terminal};
use crate::cli::error::{Error, FileErrors};
use crate::config::diagnostic::Diagnostic;
use crate::config::{Config, Warning};
use crate::doctor::Severity;
use crate::host::Host;
use crate::lima::{self, Verdict};
use crate::plan::{Exposure, FORMAT_VERSION};
use crate::reconcile::observe::{self, ask_lima};
use crate::report;
use crate::resource::{Places, mount_key, template};

pub(super) fn run(
    host: &dyn Host,
    global: &Global,
    explain: bool,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    let (mut files, mut wrong) = (Vec::new(), Vec::new());
    let (mut checked, mut warnings) = (Vec::new(), Vec::new());
    for (path, source) in sources(host, global)? {
        let source = match source {
            Ok(source) => source,
            Err(error) => {
                let file = report::on_a_line(&path.display().to_string()).into_owned();
                checked.push(Checked { file, valid: false, settings: None });
                wrong.push(unread(&error));
                continue;
            }
        };
        let (mistakes, settings) = match source.config() {
            Ok(config) => {
                let file = warned_of(host, &source, config, &mut warnings, terminal);
                let mistakes = refused_by_lima(host, &file, &mut warnings, terminal);
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
        let format_version = FORMAT_VERSION;
        terminal.json(&ValidateDocument { format_version, files: checked, warnings })?;
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
    let line = |file: &ConfigFile| format!("{} is valid.\n", file.shown);
    terminal.succeed(&files.iter().map(line).collect::<String>())
}

/// A path, and its file or why it cannot be read.
type Found = (PathBuf, Result<Source, Error>);

/// The files that the command line names, or the nearest one. An unreadable file does not hide the others.
fn sources(host: &dyn Host, global: &Global) -> Result<Vec<Found>, Error> {
    if global.files.is_empty() {
        return match file::find(host, global) {
            Ok(found) => found.map(|it| vec![(it.path.clone(), Ok(it))]).ok_or(Error::NoFile),
            Err(error) => match error.path().map(Path::to_owned) {
                Some(path) => Ok(vec![(path, Err(error))]),
                None => Err(error),
            },
        };
    }
    let paths = global.files.iter().map(|path| file::within(global, path));
    Ok(paths.map(|path| (path.clone(), file::source(host, path))).collect())
}

fn unread(error: &Error) -> FileErrors {
    FileErrors { text: report::error(error, error.hint()), diagnostics: error.diagnostics() }
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

/// The valid file, after its warnings were printed.
fn warned_of(
    host: &dyn Host,
    source: &Source,
    config: Config,
    warnings: &mut Vec<report::Diagnostic>,
    terminal: &mut Terminal,
) -> ConfigFile {
    let own = config.warnings();
    let file = source.file(config, host, terminal);
    let origin = &file.config.origin;
    for warning in own.iter().chain(&of_mounts(host, &file)) {
        terminal.warn_of(warning, origin);
        warnings.push(report::Diagnostic::of_warning(warning, origin));
    }
    file
}

/// The warnings about mounts that expose more than a project.
fn of_mounts(host: &dyn Host, file: &ConfigFile) -> Vec<Warning> {
    let home = host.env("HOME").map(PathBuf::from);
    let lima_home = observe::lima_home(host).ok();
    let places = Places::new(&file.config, home.as_deref(), lima_home.as_deref());
    let exposed = places.exposed(template(&file.config).get("mounts")).into_iter();
    let warning = |exposure: Exposure| {
        let key = mount_key(&file.config, &exposure.location);
        Warning::new(key, exposure.to_string(), Exposure::HINT)
    };
    exposed.map(warning).collect()
}

/// The errors that `limactl validate` finds. Empty if no accepted version of Lima is installed.
fn refused_by_lima(
    host: &dyn Host,
    file: &ConfigFile,
    warnings: &mut Vec<report::Diagnostic>,
    terminal: &mut Terminal,
) -> Vec<Diagnostic> {
    let config = &file.config;
    let asked = observe::accepted_limactl(host, &config.lima).and_then(|limactl| {
        let yaml = lima::to_yaml(&template(config));
        Ok(limactl.map(|limactl| ask_lima(host, &limactl.validate(yaml))).transpose()?)
    });
    let verdict = match asked {
        Ok(verdict) => verdict.unwrap_or_default(),
        Err(error) => {
            let warning = format!("Lima could not check {}: {error}", file.shown);
            terminal.complain(&warning);
            warnings.push(of_lima(warning, file));
            return Vec::new();
        }
    };
    // Unknown keys have been reported.
    for warning in verdict.warnings.iter().filter(|it| !it.starts_with(Verdict::UNKNOWN_KEY)) {
        let warning = format!("Lima warns: {warning}");
        terminal.talk(&warning);
        warnings.push(of_lima(warning, file));
    }
    let refusal =
        verdict.refusal.map(|why| Diagnostic::new(format!("Lima refuses this VM: {why}")));
    refusal.into_iter().collect()
}

fn of_lima(warning: String, file: &ConfigFile) -> report::Diagnostic {
    let (severity, file) = (Severity::Warning, Some(file.shown.clone()));
    report::Diagnostic { severity, file, ..report::Diagnostic::new(warning) }
}

/// The checked files, as `cai validate --json` prints them.
#[derive(Serialize, JsonSchema)]
pub(super) struct ValidateDocument {
    format_version: u32,
    files: Vec<Checked>,
    /// The schema has them as one key with the errors of the command.
    #[serde(rename = "diagnostics", skip_serializing_if = "Vec::is_empty")]
    #[schemars(skip)]
    warnings: Vec<report::Diagnostic>,
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
