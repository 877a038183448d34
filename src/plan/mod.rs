//! A plan: what would change, why, and by which steps. Pure data, made by pure functions.

mod change;
mod client;
mod code;
mod counts;
mod declared;
mod diff;
mod disruption;
mod exposure;
mod finding;
mod hides;
mod impact;
mod json;
mod loss;
mod observation;
mod problem;
mod promise;
mod reason;
mod saved;
mod side_effect;
mod step;

use std::collections::BTreeSet;
use std::time::Duration;

use crate::model::address::Address;

pub use change::{Action, Change};
pub use client::ClientProblem;
pub use code::Code;
pub use counts::Counts;
pub use declared::Declared;
pub use diff::{DiffLine, LineKind, text_diff};
pub use disruption::{Disruption, Fallback, by_start};
pub use exposure::Exposure;
pub use finding::{Finding, Repair, Severity};
pub use hides::{Hides, Stored};
pub use impact::Impact;
pub use json::{Explained, ExplainedProblem, FORMAT_VERSION, PlanDocument, ResourceChange};
pub use loss::Loss;
pub use observation::Observation;
pub use problem::Problem;
pub use promise::Unshown;
pub use reason::{DaemonKeys, Reason};
pub use saved::{SavedFile, SavedPlan, SavedPlanError};
pub use side_effect::SideEffect;
pub use step::{Ready, Step, StepAction, Wait};

/// What every resource of a graph would do, in the order in which it would be done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// One for each resource, those that change nothing too.
    pub changes: Vec<Change>,
    /// The addresses that it is limited to; empty for everything.
    pub targets: Vec<String>,
    /// The most that the command of one step may take; without it, each has a limit of its own.
    pub limit: Option<Duration>,
    /// The VMs whose data the user agreed in advance to hide.
    pub may_hide: Vec<String>,
}

impl Plan {
    /// Gives the command of each step this long, if any limit was asked for.
    #[must_use]
    pub fn limited(mut self, limit: Option<Duration>) -> Self {
        self.limit = limit;
        self
    }

    /// Allows the apply to hide data of these VMs, even if that was unknown to the plan.
    #[must_use]
    pub fn hiding_data_of(mut self, vms: Vec<String>) -> Self {
        self.may_hide = vms;
        self
    }

    /// The changes of each file that has any, with the VM that is their scope where there are
    /// several files. What all share comes first.
    pub fn by_file(&self) -> impl Iterator<Item = &[Change]> {
        self.changes.chunk_by(|one, next| one.address.scope == next.address.scope)
    }

    /// Those that are not without effect.
    pub fn effective(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(|change| change.action != Action::NoOp)
    }

    /// The VMs that another file was applied to last, each with that file.
    pub fn other_files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.changes.iter().filter_map(|change| {
            let file = change.reasons.iter().find_map(|reason| match reason {
                Reason::OtherFile(file) | Reason::AppliedFrom(file) => Some(file.as_str()),
                _ => None,
            });
            Some((change.address.name(), file?))
        })
    }

    /// Whether nothing would change.
    pub fn is_empty(&self) -> bool {
        self.effective().next().is_none()
    }

    /// What stands in the way of an apply, with the resource it concerns.
    pub fn problems(&self) -> impl Iterator<Item = (&Address, &Problem)> {
        self.changes.iter().filter_map(|change| Some((&change.address, change.problem.as_deref()?)))
    }

    /// The number of changes.
    pub fn counts(&self) -> Counts {
        self.changes.iter().map(|change| change.action).collect()
    }

    /// In how many VMs changes disturb just this much.
    pub fn disrupting(&self, disruption: Disruption) -> usize {
        let changes = self.changes.iter().filter(|change| change.disruption == disruption);
        let vms: BTreeSet<_> = changes.map(|change| &change.address.scope).collect();
        vms.len()
    }
}
