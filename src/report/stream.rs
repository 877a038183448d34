//! The JSON Lines of a command that changes something, in the shape of `terraform apply -json`.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use super::error::hint;
use super::json::seconds;
use super::plan::summary;
use super::{Diagnostic, ReportDocument};
use crate::doctor::Finding;
use crate::model::address::Address;
use crate::model::duration;
use crate::plan::{Action, Change, Counts, Declared, FORMAT_VERSION, Impact, Plan, ResourceChange};
use crate::reconcile::apply::{Outcome, Report, ResourceResult};

/// One line of the output of `cai apply --json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Line<'a> {
    /// The level.
    #[serde(rename = "@level")]
    pub level: Level,
    /// The message for a person.
    #[serde(rename = "@message")]
    pub message: String,
    /// The time when it was printed, such as `2026-11-29T19:00:00.000000Z`.
    #[serde(rename = "@timestamp")]
    pub timestamp: String,
    /// The type and its data.
    #[serde(flatten)]
    pub what: What<'a>,
}

/// The level of a line.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Progress.
    Info,
    /// Something was not done.
    Warn,
    /// Something failed.
    Error,
}

/// The type of a line, and its data.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum What<'a> {
    /// The first line.
    Version {
        /// The version of `cai`.
        cai: &'static str,
        /// [`FORMAT_VERSION`].
        format_version: u32,
    },
    /// A change of the plan.
    PlannedChange {
        /// The change, as in `cai plan --json`.
        change: Box<PlannedChange<'a>>,
    },
    /// The counts of the plan and, as the last line, those of the result.
    ChangeSummary {
        /// The counts.
        changes: Changes,
        /// The containers that the plan affects; only in the summary of the plan.
        #[serde(skip_serializing_if = "Option::is_none")]
        containers: Option<Impact<'a>>,
        /// The result; only in the last line.
        #[serde(flatten)]
        report: Option<Box<ReportDocument<'a>>>,
    },
    /// The steps of a resource start.
    ApplyStart {
        /// The resource.
        hook: Hook<'a>,
    },
    /// A step of a resource starts, ends, or has output.
    ApplyProgress {
        /// The resource.
        hook: Hook<'a>,
    },
    /// A resource was applied.
    ApplyComplete {
        /// The resource.
        hook: Hook<'a>,
    },
    /// A resource failed, was skipped, or was not finished.
    ApplyErrored {
        /// The resource.
        hook: Hook<'a>,
    },
    /// An error.
    Diagnostic {
        /// The error.
        diagnostic: Box<Diagnostic>,
    },
}

/// A resource.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ResourceName<'a> {
    /// Its address.
    pub addr: &'a Address,
    /// Its kind.
    pub resource_type: &'static str,
}

/// A change of the plan.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PlannedChange<'a> {
    /// The resource.
    pub resource: ResourceName<'a>,
    /// The change.
    #[serde(flatten)]
    pub change: ResourceChange<'a>,
}

/// The number of changes.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Changes {
    /// The counts.
    #[serde(flatten)]
    pub counts: Counts,
    /// `plan`; in the last line `apply`, `destroy`, `start`, `stop` or `restart`.
    pub operation: &'static str,
}

/// The progress of a resource.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Hook<'a> {
    /// The resource.
    pub resource: ResourceName<'a>,
    /// The action of the change.
    pub action: &'static str,
    /// The time since the start of the resource.
    pub elapsed_seconds: f64,
    /// The step, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<&'a str>,
    /// What happens to the step, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<StepStatus>,
    /// The newest line of the output of the step's command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<&'a str>,
    /// The outcome, if the resource is finished.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<&'static str>,
}

/// What happens to a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StepStatus {
    /// It starts.
    Started,
    /// Its command prints something.
    Running,
    /// It ends, without an error.
    Finished,
}

impl<'a> ResourceName<'a> {
    fn new(addr: &'a Address) -> Self {
        Self { addr, resource_type: addr.kind.name() }
    }
}

impl<'a> Hook<'a> {
    /// The hook of a resource after this time.
    pub fn new(address: &'a Address, action: Action, took: Duration) -> Self {
        Self {
            resource: ResourceName::new(address),
            action: action.word(),
            elapsed_seconds: seconds(took),
            step: None,
            status: None,
            output: None,
            outcome: None,
        }
    }
}

impl<'a> Line<'a> {
    fn new(level: Level, message: String, what: What<'a>) -> Self {
        Self { level, message, timestamp: String::new(), what }
    }

    /// The first line.
    pub fn version() -> Self {
        let cai = env!("CARGO_PKG_VERSION");
        let what = What::Version { cai, format_version: FORMAT_VERSION };
        Self::new(Level::Info, format!("cai {cai}"), what)
    }

    /// The lines of a plan.
    pub fn planned(plan: &'a Plan) -> impl Iterator<Item = Self> {
        let changes = plan.changes.iter().filter(|change| !change.is_without_effect());
        changes.map(Self::planned_change).chain([Self::plan_summary(plan)])
    }

    fn planned_change(change: &'a Change) -> Self {
        let message = format!("{}: plan to {}", change.address, change.action.word());
        let resource = ResourceName::new(&change.address);
        let change = Box::new(PlannedChange { resource, change: ResourceChange::new(change) });
        Self::new(Level::Info, message, What::PlannedChange { change })
    }

    fn plan_summary(plan: &'a Plan) -> Self {
        let changes = Changes { counts: plan.counts(), operation: "plan" };
        let message = format!("Plan:{}", summary(plan, None));
        let containers = Some(plan.impact());
        Self::new(Level::Info, message, What::ChangeSummary { changes, containers, report: None })
    }

    /// The last line: the result of this operation, with the message for a person.
    pub fn finished(
        operation: &'static str,
        message: &str,
        report: &'a Report,
        findings: &'a [Finding],
        declared: &'a [Declared<'a>],
    ) -> Self {
        let changes = Changes { counts: report.counts(), operation };
        let failed = report.failed() || !findings.is_empty();
        let level = match failed {
            true => Level::Error,
            false if report.interrupted() => Level::Warn,
            false => Level::Info,
        };
        let report = Some(Box::new(ReportDocument::new(report, findings, declared)));
        Self::new(
            level,
            message.to_owned(),
            What::ChangeSummary { changes, containers: None, report },
        )
    }

    /// The steps of a resource start.
    pub fn started(hook: Hook<'a>) -> Self {
        let message = format!("{}: {} started", hook.resource.addr, hook.action);
        Self::new(Level::Info, message, What::ApplyStart { hook })
    }

    /// A step of a resource.
    pub fn progress(hook: Hook<'a>) -> Self {
        let took = duration(Duration::from_secs_f64(hook.elapsed_seconds));
        let said = match (hook.status, hook.output) {
            (Some(StepStatus::Started), _) => " started".into(),
            (Some(StepStatus::Finished), _) => format!(" finished ({took})"),
            (_, output) => format!(" ({took}): {}", output.unwrap_or_default()),
        };
        let step = hook.step.unwrap_or_default();
        let message = format!("{}: {step}{said}", hook.resource.addr);
        Self::new(Level::Info, message, What::ApplyProgress { hook })
    }

    /// The end of a resource.
    pub fn resource_finished(result: &'a ResourceResult) -> Vec<Self> {
        let ResourceResult { address, action, outcome, took } = result;
        let mut hook = Hook::new(address, *action, *took);
        hook.outcome = Some(outcome.word());
        let action = action.word();
        match outcome {
            Outcome::Unchanged => Vec::new(),
            Outcome::Applied => {
                let message = format!("{address}: {action} complete after {}", duration(*took));
                vec![Self::new(Level::Info, message, What::ApplyComplete { hook })]
            }
            Outcome::Skipped { because } => {
                let message = format!("{address}: skipped, because {because} was not applied");
                vec![Self::new(Level::Warn, message, What::ApplyErrored { hook })]
            }
            Outcome::Cancelled => {
                let message = format!("{address}: {action} not finished");
                vec![Self::new(Level::Warn, message, What::ApplyErrored { hook })]
            }
            Outcome::Failed(error) => {
                let message = format!("{address}: {action} failed");
                let diagnostic = Diagnostic {
                    address: Some(address.clone()),
                    ..Diagnostic::of_error(error, hint(error).as_deref())
                };
                let errored = Self::new(Level::Error, message, What::ApplyErrored { hook });
                vec![errored, Self::diagnostic(diagnostic)]
            }
        }
    }

    /// An error.
    pub fn diagnostic(diagnostic: Diagnostic) -> Self {
        let message = format!("error: {}", diagnostic.summary);
        let diagnostic = Box::new(diagnostic);
        Self::new(Level::Error, message, What::Diagnostic { diagnostic })
    }
}
