//! The outcome of an apply.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::host::{ArchiveError, CommandError, Failure};
use crate::model::address::Address;
use crate::plan::{Action, Change, Problem, Reason, Unshown};
use crate::reconcile::observe::ObserveError;
use crate::reconcile::record::WriteRecordError;

/// The outcome of one resource.
#[derive(Debug)]
pub enum Outcome {
    /// It needed no change.
    Unchanged,
    /// It was changed and has converged.
    Applied,
    /// It was not changed.
    Skipped {
        /// The dependency that failed or was skipped.
        because: Address,
    },
    /// It failed.
    Failed(ApplyError),
    /// It was not finished because of an interrupt.
    Cancelled,
}

impl Outcome {
    /// The name of the outcome.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::Applied => "applied",
            Self::Skipped { .. } => "skipped",
            Self::Failed(_) => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl From<ApplyError> for Outcome {
    fn from(error: ApplyError) -> Self {
        match error {
            ApplyError::Interrupted => Self::Cancelled,
            error => Self::Failed(error),
        }
    }
}

/// The outcome of one resource, and its duration.
#[derive(Debug)]
pub struct ResourceResult {
    /// The resource.
    pub address: Address,
    /// Its action: that of the plan or, if that was known only after apply, what was done.
    pub action: Action,
    /// Its outcome.
    pub outcome: Outcome,
    /// Its duration.
    pub took: Duration,
}

/// The outcomes of all resources, in the order of the plan.
#[derive(Debug, Default)]
pub struct Report {
    /// One result per resource.
    pub results: Vec<ResourceResult>,
    /// The total duration.
    pub took: Duration,
}

/// The number of resources with each outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the count of the outcome of that name")]
pub struct Outcomes {
    pub applied: usize,
    pub unchanged: usize,
    pub failed: usize,
    pub skipped: usize,
    pub cancelled: usize,
}

/// Why a resource failed.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// A step's command failed.
    #[error(transparent)]
    Command(CommandError),
    /// The machine could not be observed.
    #[error(transparent)]
    Observe(#[from] ObserveError),
    /// A step's file could not be removed.
    #[error("{} could not be removed", path.display())]
    Remove {
        /// The path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A step's file, or the record, could not be written.
    #[error("{} could not be written", path.display())]
    Write {
        /// The path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A step waited for a condition that did not occur.
    #[error("not ready after {}: {what} reported {last:?}", crate::model::duration(*after))]
    NotReady {
        /// The thing that was waited for.
        what: String,
        /// The time waited, in pauses.
        after: Duration,
        /// Its last answer.
        last: String,
    },
    /// A step's archive could not be installed.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// An interrupt came before the next step, or a second one during a step.
    #[error("interrupted")]
    Interrupted,
    /// The change is impossible.
    #[error("{0}")]
    Impossible(Problem),
    /// Its dependencies were applied, but its state still cannot be read.
    #[error("it still cannot be observed")]
    StillUnobservable(Vec<Reason>),
    /// The resource now needs more than the plan showed.
    #[error("{0}")]
    NotShown(Unshown),
    /// All steps succeeded, but it still differs.
    #[error("did not converge: every step succeeded, but it still differs from the file")]
    NotConverged(Box<Change>),
}

impl From<WriteRecordError> for ApplyError {
    fn from(WriteRecordError { path, source }: WriteRecordError) -> Self {
        Self::Write { path, source }
    }
}

impl From<CommandError> for ApplyError {
    fn from(error: CommandError) -> Self {
        match error.failure {
            Failure::Interrupted => Self::Interrupted,
            _ => Self::Command(error),
        }
    }
}
