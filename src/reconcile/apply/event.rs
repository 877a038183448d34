//! What happens during an apply, as one stream that reporters and tests see.

use std::time::Duration;

use crate::model::address::Address;
use crate::plan::{Change, Step};
use crate::reconcile::apply::{ApplyError, Outcome, ResourceResult};

/// Something that happened.
#[derive(Debug)]
pub enum Event<'a> {
    /// A resource's steps begin; this is what they do, planned with fresh facts.
    ResourceStarted(&'a Change),
    /// A step of this resource begins.
    StepStarted(&'a Address, &'a Step),
    /// The newest line that the command of this resource's step has printed.
    StepSays(&'a Address, &'a str),
    /// A step of this resource ended well, after this time.
    StepFinished(&'a Address, &'a Step, Duration),
    /// A step of this resource failed, or was interrupted.
    StepFailed(&'a Address, &'a Step, &'a ApplyError),
    /// A resource ended.
    ResourceFinished(&'a ResourceResult),
}

/// Who hears of what happens, from whatever thread it happens in.
pub type Listener<'a> = &'a (dyn Fn(&Event<'_>) + Sync);

impl Event<'_> {
    /// Whether a resource is not as it should be by this.
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
