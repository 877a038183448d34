//! A plan: what would change, why, and by which steps. Pure data, made by pure functions.

mod change;
mod destroy;
mod diff;
mod json;
mod reason;
mod step;

use std::borrow::Cow;

use crate::address::Address;
use crate::facts::Facts;
use crate::graph::Graph;

pub use change::{Action, Change, Disruption};
pub use diff::{Line, Origin, text_diff};
pub use json::{
    Explained, ExplainedProblem, FORMAT_VERSION, PlanDocument, ResourceChange, Summary,
};
pub use reason::{Problem, Reason};
pub use step::{Operation, Step};

/// What every resource of a graph would do, in the order in which it would be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// One for each resource, those that change nothing too.
    pub changes: Vec<Change>,
}

/// What a resource may look at while it plans.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// What was observed.
    pub facts: &'a Facts,
    /// What the resources before it in the graph plan.
    pub earlier: &'a [Change],
    /// The disruption that was already tried in this run without the wanted effect, so that the
    /// next stronger one is due.
    pub tried: Disruption,
}

impl<'a> Context<'a> {
    /// The planned changes of a kind, among those before this resource.
    pub fn earlier(&self, kind: crate::address::Kind) -> impl Iterator<Item = &'a Change> {
        self.earlier.iter().filter(move |change| change.address.kind == kind)
    }
}

impl Plan {
    /// Plans every resource of the graph against the facts.
    pub fn new(graph: &Graph, facts: &Facts) -> Self {
        let mut facts = Cow::Borrowed(facts);
        let mut changes = Vec::new();
        for resource in graph.ordered() {
            let context = Context { facts: &facts, earlier: &changes, tried: Disruption::None };
            let change = resource.plan(context);
            // What is in the VM goes with it, and is made anew.
            if change.disruption == Disruption::Replace {
                facts = Cow::Owned(facts.without_vm());
            }
            changes.push(change);
        }
        Self { changes }
    }

    /// Those that are not without effect.
    pub fn effective(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(|change| change.action != Action::NoOp)
    }

    /// Whether nothing would change.
    pub fn is_empty(&self) -> bool {
        self.effective().next().is_none()
    }

    /// What stands in the way of an apply, with the resource it concerns.
    pub fn problems(&self) -> impl Iterator<Item = (&Address, &Problem)> {
        self.changes.iter().filter_map(|change| Some((&change.address, change.problem.as_ref()?)))
    }

    /// How many changes have this action.
    pub fn count(&self, action: Action) -> usize {
        self.changes.iter().filter(|change| change.action == action).count()
    }

    /// How many changes disturb just this much.
    pub fn disrupting(&self, disruption: Disruption) -> usize {
        self.changes.iter().filter(|change| change.disruption == disruption).count()
    }
}
