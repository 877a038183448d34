//! What happens during an apply, as one stream that reporters and tests see.

use std::time::Duration;

use crate::apply::{Outcome, ResourceResult};
use crate::plan::{Change, Step};

/// Something that happened.
#[derive(Debug)]
pub enum Event<'a> {
    /// A resource's steps begin; this is what they do, planned with fresh facts.
    ResourceStarted(&'a Change),
    /// A step begins.
    StepStarted(&'a Step),
    /// A step ended well, after this time.
    StepFinished(&'a Step, Duration),
    /// The step that began last failed.
    StepFailed,
    /// A resource ended.
    ResourceFinished(&'a ResourceResult),
}

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
