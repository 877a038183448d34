//! A plan: what would change, why, and by which steps. Pure data, made by pure functions.

mod change;
mod client;
mod declared;
mod destroy;
mod diff;
mod hides;
mod json;
mod promise;
mod reason;
mod saved;
mod step;

use std::borrow::Cow;
use std::time::Duration;

use crate::address::Address;
use crate::facts::Facts;
use crate::graph::Graph;
use crate::resource::Resource;

pub use change::{Action, Change, Disruption, by_start};
pub use client::ClientProblem;
pub use declared::{Declared, Files};
pub use diff::{Line, Origin, text_diff};
pub use hides::{Hides, Stored, loss_hint};
pub use json::{
    Explained, ExplainedProblem, FORMAT_VERSION, PlanDocument, ResourceChange, Summary,
};
pub use promise::Unshown;
pub use reason::{Problem, Reason};
pub use saved::{SavedFile, SavedPlan, SavedPlanError};
pub use step::{Operation, Ready, Step, Wait};

/// What every resource of a graph would do, in the order in which it would be done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// One for each resource, those that change nothing too.
    pub changes: Vec<Change>,
    /// The most that the command of one step may take; without it, each has a limit of its own.
    pub limit: Option<Duration>,
    /// The VM whose data the user agreed in advance to hide.
    pub may_hide: Option<String>,
}

/// What a resource may look at while it plans.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// What was observed.
    pub facts: &'a Facts,
    /// What the resources of the same file before it in the graph plan.
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

    /// Whether a resource before this one gives up its value of an attribute.
    pub fn frees(&self, address: &Address, attribute: &str) -> bool {
        self.earlier.iter().any(|change| {
            change.address == *address
                && change.problem.is_none()
                && change.changed().iter().any(|changed| changed == attribute)
        })
    }
}

/// The plan of one file while it is made.
struct FilePlan<'a> {
    facts: Cow<'a, Facts>,
    changes: Vec<Change>,
}

impl<'a> FilePlan<'a> {
    fn new(facts: &'a Facts) -> Self {
        Self { facts: Cow::Borrowed(facts), changes: Vec::new() }
    }

    fn plan(&mut self, resource: &dyn Resource) {
        let context =
            Context { facts: &self.facts, earlier: &self.changes, tried: Disruption::None };
        let change = resource.plan(context);
        // What is in the VM goes with it, and is made anew.
        if change.disruption == Disruption::Replace {
            self.facts = Cow::Owned(self.facts.without_vm());
        }
        self.changes.push(change);
    }
}

impl Plan {
    /// Plans every resource of the graph against the facts: those of each of its files, in the
    /// order of the files.
    pub fn new(graph: &Graph, facts: &[Facts]) -> Self {
        let mut files: Vec<FilePlan<'_>> = facts.iter().map(FilePlan::new).collect();
        for node in graph.ordered() {
            if let Some(file) = files.get_mut(node.file) {
                file.plan(node.resource.as_ref());
            }
        }
        let mut planned: Vec<_> = files.into_iter().map(|file| file.changes.into_iter()).collect();
        // The order is the same as above, so the next of a file is the node's own.
        let changes = graph
            .ordered()
            .filter_map(|node| Some(planned.get_mut(node.file)?.next()?.scoped(node.scope())));
        Self { changes: changes.collect(), ..Self::default() }
    }

    /// Gives the command of each step this long, if any limit was asked for.
    #[must_use]
    pub fn limited(mut self, limit: Option<Duration>) -> Self {
        self.limit = limit;
        self
    }

    /// Allows the apply to hide data of this VM, even if that was unknown to the plan.
    #[must_use]
    pub fn hiding_data_of(mut self, vm: Option<String>) -> Self {
        self.may_hide = vm;
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
