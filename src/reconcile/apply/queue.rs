//! Selects the next resource: each waits for its dependencies, and for nothing else.

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::{Outcome, ResourceResult};
use crate::model::address::{Address, Kind};
use crate::reconcile::graph::{Edge, Graph, Node};

/// The resources of a graph during an apply by several threads.
pub(super) struct Queue<'a> {
    graph: &'a Graph,
    state: Mutex<State>,
    /// Signals the end of a resource.
    ended: Condvar,
}

struct State {
    /// For each position, the number of dependencies that have not ended.
    waiting: Vec<usize>,
    /// The positions that are ready to run.
    ready: BTreeSet<usize>,
    /// The files whose accounts are being changed.
    accounts: BTreeSet<usize>,
    running: usize,
    /// For each position, its result.
    results: Vec<Option<ResourceResult>>,
}

/// A resource that may run now.
pub(super) struct Turn<'q, 'a> {
    queue: &'q Queue<'a>,
    pub(super) position: usize,
    pub(super) node: &'a Node,
    /// The dependency that failed or was skipped, if any.
    pub(super) because: Option<Address>,
}

impl<'a> Queue<'a> {
    pub(super) fn new(graph: &'a Graph) -> Self {
        let count = graph.ordered().count();
        let waiting: Vec<usize> = (0..count).map(|it| graph.before(it).count()).collect();
        let ready = (0..count).filter(|position| waiting[*position] == 0).collect();
        let results = (0..count).map(|_| None).collect();
        let accounts = BTreeSet::new();
        let state = State { waiting, ready, accounts, running: 0, results };
        Self { graph, state: Mutex::new(state), ended: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a resource that may run; `None` if none is left.
    pub(super) fn next(&self) -> Option<Turn<'_, 'a>> {
        let mut state = self.lock();
        loop {
            if let Some((position, node)) = state.take(self.graph) {
                let because = state.stands_in_the_way(self.graph, position);
                return Some(Turn { queue: self, position, node, because });
            }
            if state.running == 0 {
                return None;
            }
            state = self.ended.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// All results, in the order of the graph.
    pub(super) fn results(self) -> Vec<ResourceResult> {
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        state.results.into_iter().flatten().collect()
    }
}

impl Turn<'_, '_> {
    /// Records the result of the resource.
    pub(super) fn end(self, result: ResourceResult) {
        let mut state = self.queue.lock();
        if let Some(place) = state.results.get_mut(self.position) {
            *place = Some(result);
        }
        for (after, _) in self.queue.graph.after(self.position) {
            if let Some(waiting) = state.waiting.get_mut(after) {
                *waiting -= 1;
                if *waiting == 0 {
                    state.ready.insert(after);
                }
            }
        }
    }
}

/// Also runs if the thread panics, so that the others do not wait forever.
impl Drop for Turn<'_, '_> {
    fn drop(&mut self) {
        let mut state = self.queue.lock();
        state.running -= 1;
        if changes_accounts(self.node) {
            state.accounts.remove(&self.node.file);
        }
        drop(state);
        self.queue.ended.notify_all();
    }
}

impl State {
    /// The first resource in the order that may run now.
    fn take<'a>(&mut self, graph: &'a Graph) -> Option<(usize, &'a Node)> {
        let free = |node: &&Node| !(changes_accounts(node) && self.accounts.contains(&node.file));
        let nodes =
            self.ready.iter().filter_map(|position| Some((*position, graph.at(*position)?)));
        let (position, node) = nodes.into_iter().find(|(_, node)| free(node))?;
        self.ready.remove(&position);
        self.running += 1;
        if changes_accounts(node) {
            self.accounts.insert(node.file);
        }
        Some((position, node))
    }

    /// The first dependency that failed or was skipped.
    fn stands_in_the_way(&self, graph: &Graph, position: usize) -> Option<Address> {
        let required = graph.before(position).filter(|(_, edge)| *edge == Edge::Requires);
        let results = required
            .filter_map(|(position, _)| Some((position, self.results.get(position)?.as_ref()?)));
        let failed = results
            .filter(|(_, result)| !matches!(result.outcome, Outcome::Applied | Outcome::Unchanged));
        let first = failed.min_by_key(|(position, _)| *position);
        first.map(|(_, result)| result.address.clone())
    }
}

/// The accounts and groups of one guest are changed one at a time, in the order of the file: they
/// share a database, and a new one without a declared id gets the next free id.
fn changes_accounts(node: &Node) -> bool {
    matches!(node.address.kind, Kind::GROUP | Kind::USER | Kind::GROUP_MEMBERSHIP)
}
