//! Errors as a JSON document for programs.

use std::error::Error;

use anstream::adapter::strip_str;
use schemars::JsonSchema;
use serde::Serialize;

use super::error::write_causes;
use super::on_a_line;
use crate::config::Warning;
use crate::config::diagnostic;
use crate::config::layers::{Provenance, Sources};
use crate::doctor::Severity;
use crate::model::address::Address;
use crate::plan::{FORMAT_VERSION, Problem};

/// An error, as `--json` prints it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Diagnostic {
    /// The severity.
    pub severity: Severity,
    /// What is wrong.
    pub summary: String,
    /// More about it, such as the causes and the output of a failed command.
    pub detail: Option<String>,
    /// What to do.
    pub hint: Option<String>,
    /// The resource; `null` if it is not about a resource.
    pub address: Option<Address>,
    /// The configuration file; `null` if it is not about the content of a file.
    pub file: Option<String>,
    /// The line in the file, counted from 1; `null` if it is about the whole file.
    pub line: Option<usize>,
    /// The column in the line, in characters and counted from 1.
    pub column: Option<usize>,
}

/// The errors of a command, if it prints no other document.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DiagnosticsDocument {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// At least one error.
    pub diagnostics: Vec<Diagnostic>,
}

impl DiagnosticsDocument {
    /// The document of these errors.
    pub fn new(diagnostics: Vec<Diagnostic>) -> Self {
        Self { format_version: FORMAT_VERSION, diagnostics }
    }
}

impl Diagnostic {
    /// An error with only a summary.
    pub fn new(summary: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            summary: summary.into(),
            detail: None,
            hint: None,
            address: None,
            file: None,
            line: None,
            column: None,
        }
    }

    /// An error with its causes.
    pub fn of_error(error: &(dyn Error + 'static), hint: Option<&str>) -> Self {
        let mut detail = String::new();
        write_causes(&mut detail, error);
        let detail = strip_str(&detail).to_string();
        let lines: Vec<&str> = detail.lines().map(|line| line.trim_start_matches("  ")).collect();
        let detail = Some(lines.join("\n").trim().to_owned()).filter(|detail| !detail.is_empty());
        Self { detail, hint: hint.map(str::to_owned), ..Self::new(error.to_string()) }
    }

    /// A problem of a plan.
    pub fn of_problem(address: &Address, problem: &Problem) -> Self {
        Self {
            hint: Some(problem.hint()),
            address: Some(address.clone()),
            ..Self::new(problem.to_string())
        }
    }

    /// A warning about a valid file.
    pub fn of_warning(warning: &Warning, origin: &Provenance) -> Self {
        let place = origin.place(&warning.key);
        Self {
            severity: Severity::Warning,
            hint: Some(warning.hint.clone()),
            file: place.map(|place| on_a_line(&place.layer.shown).into_owned()),
            line: place.map(|place| place.line()),
            ..Self::new(warning.message.as_str())
        }
    }

    /// An error in one of these files.
    pub fn of_file(error: &diagnostic::Diagnostic, sources: &Sources) -> Self {
        let place = sources.at(error.span.as_ref().map_or(0, |span| span.start));
        let shown = place.map(|place| on_a_line(&place.layer.shown).into_owned());
        let column = place.filter(|_| error.span.is_some()).map(|it| it.line_and_column());
        let also = error.also.iter().filter_map(|(span, label)| {
            Some(format!("{}: {label}", on_a_line(&sources.at(span.start)?.to_string())))
        });
        let detail: Vec<String> = error.label.iter().cloned().chain(also).collect();
        Self {
            detail: (!detail.is_empty()).then(|| detail.join("\n")),
            hint: error.hint.clone(),
            file: shown,
            line: column.map(|(line, _)| line),
            column: column.map(|(_, column)| column),
            ..Self::new(error.message.as_str())
        }
    }
}
