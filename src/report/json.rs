//! How an apply ended, as one JSON document, for programs.

use std::error::Error as _;

use serde::Serialize;

use super::error::{command_error, hint};
use crate::doctor::Finding;
use crate::host::Failure;
use crate::model::address::Address;
use crate::model::redact;
use crate::plan::{Declared, FORMAT_VERSION, Files};
use crate::reconcile::apply::{ApplyError, Counts, Outcome, Report, ResourceResult};

/// How an apply ended, as `cai apply --json` prints it.
#[derive(Debug, Serialize)]
pub struct ReportDocument<'a> {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// Which file it is of, or which files.
    #[serde(flatten)]
    pub files: Files<'a>,
    /// One for each resource, in the order of the plan.
    pub results: Vec<ResultDocument<'a>>,
    /// How many resources ended in each way.
    pub summary: Counts,
    /// What a look at the engine after that found wrong with it: where provisioning changed, whether a
    /// container starts. Where there is one, `cai` ends with an error, whatever the summary says.
    pub findings: &'a [Finding],
}

/// How one resource ended.
#[derive(Debug, Serialize)]
pub struct ResultDocument<'a> {
    /// `vm.containai-secure`.
    pub address: &'a Address,
    /// `unchanged`, `applied`, `skipped`, `failed` or `cancelled`.
    pub outcome: &'static str,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// What it depends on, where it was skipped because that failed or was skipped itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<&'a Address>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorDocument>,
}

/// Why a resource failed.
#[derive(Debug, Serialize)]
pub struct ErrorDocument {
    /// What a person is told.
    pub text: String,
    /// The causes of that, the nearest first.
    pub causes: Vec<String>,
    /// The command that failed, and what it left; `null` where it was no command.
    pub command: Option<CommandDocument>,
    /// What to do; `null` where nobody knows.
    pub hint: Option<String>,
}

/// A command that failed.
#[derive(Debug, Serialize)]
pub struct CommandDocument {
    /// As one would type it, long arguments cut.
    pub line: String,
    /// How it ended, such as `exit status 1`; `null` where it did not end by itself.
    pub status: Option<String>,
    /// All that was read of its standard output, without what looks like a secret.
    pub stdout: String,
    /// All that was read of its standard error, likewise.
    pub stderr: String,
}

impl<'a> ReportDocument<'a> {
    /// The document of a report for these files, and of what was found after it.
    pub fn new(report: &'a Report, findings: &'a [Finding], declared: &[Declared<'a>]) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            files: Files::new(declared),
            results: report.results.iter().map(ResultDocument::new).collect(),
            summary: report.counts(),
            findings,
        }
    }
}

impl<'a> ResultDocument<'a> {
    fn new(result: &'a ResourceResult) -> Self {
        let (because, error) = match &result.outcome {
            Outcome::Skipped { because } => (Some(because), None),
            Outcome::Failed(error) => (None, Some(ErrorDocument::new(error))),
            Outcome::Unchanged | Outcome::Applied | Outcome::Cancelled => (None, None),
        };
        Self {
            address: &result.address,
            outcome: result.outcome.word(),
            // More digits would pretend a precision that nobody needs.
            seconds: (result.took.as_secs_f64() * 1e3).round() / 1e3,
            because,
            error,
        }
    }
}

impl ErrorDocument {
    fn new(error: &ApplyError) -> Self {
        let mut causes = Vec::new();
        let mut next = error.source();
        // What a command did is told once, below.
        while let (Some(cause), None) = (next, command_error(error)) {
            causes.push(cause.to_string());
            next = cause.source();
        }
        let command = command_error(error).map(|error| {
            let (stdout, stderr) = error.streams().unwrap_or_default();
            let (stdout, stderr) = (redact::foreign(stdout), redact::foreign(stderr));
            let status = match &error.failure {
                Failure::Status(output) | Failure::Unreadable { output, .. } => {
                    Some(output.status.to_string())
                }
                _ => None,
            };
            CommandDocument { line: error.command.to_string(), status, stdout, stderr }
        });
        Self { text: error.to_string(), causes, command, hint: hint(error) }
    }
}
