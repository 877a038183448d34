//! The result of an apply, as a JSON document for programs.

use std::error::Error as _;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use super::error::{command_error, hint};
use crate::doctor::Finding;
use crate::host::Failure;
use crate::model::address::Address;
use crate::model::redact;
use crate::plan::{Counts, Declared, FORMAT_VERSION};
use crate::reconcile::apply::{ApplyError, Outcome, Outcomes, Report, ResourceResult};

/// The result of an apply, as `cai apply --json` prints it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ReportDocument<'a> {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The files, with the VM that each declares.
    pub files: &'a [Declared<'a>],
    /// One entry per resource, in the order of the plan.
    pub results: Vec<ResultDocument<'a>>,
    /// The number of changes that were made, and of resources that were not changed.
    pub summary: ReportSummary,
    /// The findings of the check after the apply: if provisioning changed, whether a container
    /// starts. With a finding, `cai` exits with an error regardless of the summary.
    pub findings: &'a [Finding],
}

/// The number of changes that were made, and of resources that were not changed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ReportSummary {
    /// The changes, counted like those of a plan.
    #[serde(flatten)]
    pub counts: Counts,
    /// Resources that failed.
    pub failed: usize,
    /// Resources that were skipped because another one failed.
    pub skipped: usize,
    /// Resources that were not finished because of an interrupt.
    pub cancelled: usize,
}

impl ReportSummary {
    fn new(report: &Report) -> Self {
        let Outcomes { failed, skipped, cancelled, .. } = report.outcomes();
        Self { counts: report.counts(), failed, skipped, cancelled }
    }
}

/// The outcome of one resource.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ResultDocument<'a> {
    /// `vm.containai-secure`.
    pub address: &'a Address,
    /// `unchanged`, `applied`, `skipped`, `failed` or `cancelled`.
    pub outcome: &'static str,
    /// The duration in seconds.
    pub seconds: f64,
    /// The dependency that failed or was skipped, if the resource was skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<&'a Address>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorDocument>,
}

/// Why a resource failed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ErrorDocument {
    /// The message for the user.
    pub text: String,
    /// The causes of the message, the nearest first.
    pub causes: Vec<String>,
    /// The failed command and its output; `null` if it was not a command.
    pub command: Option<CommandDocument>,
    /// How to fix it; `null` if unknown.
    pub hint: Option<String>,
}

/// A command that failed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CommandDocument {
    /// The command line, with long arguments shortened.
    pub line: String,
    /// The exit status, such as `exit status 1`; `null` if it did not exit.
    pub status: Option<String>,
    /// Its standard output, limited in size and without values that look like secrets.
    pub stdout: String,
    /// Its standard error, likewise.
    pub stderr: String,
}

impl<'a> ReportDocument<'a> {
    /// The document of a report for these files, and of the findings after it.
    pub fn new(report: &'a Report, findings: &'a [Finding], declared: &'a [Declared<'a>]) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            files: declared,
            results: report.results.iter().map(ResultDocument::new).collect(),
            summary: ReportSummary::new(report),
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
            seconds: seconds(result.took),
            because,
            error,
        }
    }
}

/// Milliseconds are precise enough.
pub(super) fn seconds(took: Duration) -> f64 {
    (took.as_secs_f64() * 1e3).round() / 1e3
}

impl ErrorDocument {
    fn new(error: &ApplyError) -> Self {
        let mut causes = Vec::new();
        let mut next = error.source();
        // The error of a command is in `command`, not in `causes`.
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
