//! The events of an apply, for reporters and tests.

use std::time::Duration;

use crate::model::address::Address;
use crate::plan::{Change, Step};
use crate::reconcile::apply::{ApplyError, Outcome, ResourceResult};

/// An event.
#[derive(Debug)]
pub enum Event<'a> {
    /// The steps of a resource start; the change is planned with fresh facts.
    ResourceStarted(&'a Change),
    /// A step of this resource starts.
    StepStarted(&'a Address, &'a Step),
    /// The newest line of output from a step's command.
    StepSays(&'a Address, &'a str),
    /// A step of this resource succeeded after this time.
    StepFinished(&'a Address, &'a Step, Duration),
    /// A step of this resource failed, or was interrupted.
    StepFailed(&'a Address, &'a Step, &'a ApplyError),
    /// A resource is finished.
    ResourceFinished(&'a ResourceResult),
}

/// The receiver of events, which are sent from any thread.
pub type Listener<'a> = &'a (dyn Fn(&Event<'_>) + Sync);

impl Event<'_> {
    /// Whether a resource failed or was skipped.
    pub fn is_failure(&self) -> bool {
        matches!(
            self,
            Self::ResourceFinished(ResourceResult {
                outcome: Outcome::Failed(_) | Outcome::Skipped { .. },
                ..
            })
        )
    }
}
