//! Planning: compares every resource of a graph with the observed facts.

use std::borrow::Cow;

use super::graph::Graph;
use crate::plan::{Change, Disruption, Plan};
use crate::resource::facts::Facts;
use crate::resource::{PlanContext, Resource};

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
            PlanContext { facts: &self.facts, earlier: &self.changes, tried: Disruption::None };
        let change = resource.plan(context);
        // Everything in the VM is replaced with it.
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
}
