//! `cai validate`

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

use super::file::{self, File, Source};
use super::{Global, Terminal};
use crate::cli::error::{Error, FileErrors};
use crate::config;
use crate::config::Warning;
use crate::config::diagnostic::Diagnostic;
use crate::host::Host;
use crate::lima::{self, Verdict};
use crate::plan::{Exposure, FORMAT_VERSION};
use crate::reconcile::observe::{self, ask_lima};
use crate::report;
use crate::resource::{Places, template};

pub(super) fn run(host: &dyn Host, global: &Global, terminal: &mut Terminal) -> Result<(), Error> {
    let sources = file::find_all(host, global)?;
    let mut files = Vec::new();
    let mut checked: Vec<(&Source, Vec<Diagnostic>)> = Vec::new();
    for source in &sources {
        let mistakes = match config::parse(&source.text) {
            Ok(config) => {
                terminal.warn(&config);
                let file = source.file(config, host, terminal);
                warn_of_mounts(host, &file, terminal);
                let mistakes = refused_by_lima(host, &file, terminal);
                files.push(file);
                mistakes
            }
            Err(mistakes) => mistakes,
        };
        checked.push((source, mistakes));
    }
    if global.json {
        let files = checked.iter().map(Checked::new).collect();
        terminal.json(&ValidateDocument { format_version: FORMAT_VERSION, files })?;
    }
    let wrong = checked.iter().filter(|(_, mistakes)| !mistakes.is_empty());
    let wrong: Vec<FileErrors> =
        wrong.map(|(source, mistakes)| source.mistakes(mistakes, terminal)).collect();
    if !wrong.is_empty() {
        return Err(Error::Config(wrong));
    }
    file::together(&mut files)?;
    if global.json {
        return Ok(());
    }
    let line = |source: &Source| format!("{} is valid.\n", source.shown());
    terminal.succeed(&sources.iter().map(line).collect::<String>())
}

/// Warns of the mounts that expose more than a project.
fn warn_of_mounts(host: &dyn Host, file: &File, terminal: &mut Terminal) {
    let home = host.env("HOME").map(PathBuf::from);
    let lima_home = observe::lima_home(host).ok();
    let places = Places::new(&file.config, home.as_deref(), lima_home.as_deref());
    for exposure in places.exposed(template(&file.config).get("mounts")) {
        let hint = Exposure::HINT.to_owned();
        terminal.talk(&report::warning(&Warning { message: exposure.to_string(), hint }));
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
}

impl Checked {
    fn new((source, mistakes): &(&Source, Vec<Diagnostic>)) -> Self {
        Self { file: source.shown(), valid: mistakes.is_empty() }
    }
}
