//! Planning: compares every resource of a graph with the observed facts.

use std::borrow::Cow;

use super::graph::{Graph, Node};
use crate::host::parallel::each;
use crate::plan::{Change, Disruption, Plan};
use crate::resource::PlanContext;
use crate::resource::facts::Facts;

/// How many files one thread plans in a row. They share equal attributes.
const IN_A_ROW: usize = 50;

impl Plan {
    /// Plans every resource of the graph against the facts, which are in the order of the files.
    pub fn new(graph: &Graph, facts: &[Facts]) -> Self {
        let files = graph.files();
        let mut changes = Vec::with_capacity(files.iter().map(Vec::len).sum());
        for own in each(files.chunks(IN_A_ROW), |files| of_files(files, facts)) {
            changes.extend(own);
        }
        Self { changes, ..Self::default() }
    }
}

fn of_files(files: &[Vec<&Node>], facts: &[Facts]) -> Vec<Change> {
    let mut changes: Vec<Change> = Vec::with_capacity(files.iter().map(Vec::len).sum());
    for nodes in files {
        let mut own = of_file(nodes, facts);
        // Most of many files are alike.
        let previous = changes.len().saturating_sub(own.len());
        own.iter_mut().zip(&changes[previous..]).for_each(|(own, it)| own.share(it));
        changes.extend(own);
    }
    changes
}

fn of_file(nodes: &[&Node], facts: &[Facts]) -> Vec<Change> {
    let mut changes = Vec::with_capacity(nodes.len());
    let Some(facts) = nodes.first().and_then(|node| facts.get(node.file)) else { return changes };
    let mut facts = Cow::Borrowed(facts);
    for node in nodes {
        let context = PlanContext { facts: &facts, earlier: &changes, tried: Disruption::None };
        let change = node.resource.plan(context);
        // Everything in the VM is replaced with it.
        if change.disruption == Disruption::Replace {
            facts = Cow::Owned(facts.without_vm());
        }
        changes.push(change);
    }
    let scoped = changes.into_iter().zip(nodes).map(|(change, node)| change.scoped(node.scope()));
    scoped.collect()
}
