//! How an apply ended.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use crate::host::{ArchiveError, CommandError, Failure};
use crate::model::address::Address;
use crate::plan::{Change, Problem, Reason, Unshown};
use crate::reconcile::observe::ObserveError;
use crate::reconcile::record::WriteRecordError;

/// How one resource ended.
#[derive(Debug)]
pub enum Outcome {
    /// It was as it should be.
    Unchanged,
    /// It was changed, and is as it should be.
    Applied,
    /// It was not touched.
    Skipped {
        /// What it depends on, which failed or was skipped itself.
        because: Address,
    },
    /// It is not as it should be.
    Failed(ApplyError),
    /// It was not finished, because there was an interrupt.
    Cancelled,
}

impl Outcome {
    /// One word for it.
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

/// How one resource ended, and how long it took.
#[derive(Debug)]
pub struct ResourceResult {
    /// Which.
    pub address: Address,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took.
    pub took: Duration,
}

/// How all resources ended, in the order of the plan.
#[derive(Debug, Default)]
pub struct Report {
    /// One for each.
    pub results: Vec<ResourceResult>,
    /// How long all of it took.
    pub took: Duration,
}

/// How many resources ended in each way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "each is the count of the outcome of that name")]
pub struct Counts {
    pub applied: usize,
    pub unchanged: usize,
    pub failed: usize,
    pub skipped: usize,
    pub cancelled: usize,
}

/// Why a resource is not as it should be.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// A step's command failed.
    #[error(transparent)]
    Command(CommandError),
    /// The machine could not be looked at.
    #[error(transparent)]
    Observe(#[from] ObserveError),
    /// A step's file could not be removed.
    #[error("{} could not be removed", path.display())]
    Remove {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A step's file, or the record, could not be written.
    #[error("{} could not be written", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What a step waited for did not come.
    #[error("not ready after {}: {what} says {last:?}", crate::model::duration(*after))]
    NotReady {
        /// What was asked.
        what: String,
        /// How long it was waited for, in pauses.
        after: Duration,
        /// What it said last.
        last: String,
    },
    /// A step's archive could not be installed.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// There was an interrupt: before the next step, or a second one in the middle of it.
    #[error("interrupted")]
    Interrupted,
    /// It cannot be done.
    #[error("{0}")]
    Impossible(Problem),
    /// What it needs was applied, and still it cannot be looked at.
    #[error("it still cannot be looked at")]
    StillUnobservable(Vec<Reason>),
    /// The resource now needs more than the plan showed.
    #[error("{0}")]
    NotShown(Unshown),
    /// All steps succeeded, and it is not as it should be.
    #[error("did not converge: every step succeeded, and it still differs")]
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
