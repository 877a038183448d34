//! Applies a plan in its order, and observes the machine again after each resource.

pub mod event;
mod file_apply;
mod outcome;
mod queue;
mod run;
mod sequence;
mod wait;

use std::thread;
use std::time::{Duration, Instant};

pub use outcome::{ApplyError, Outcome, Outcomes, Report, ResourceResult};
pub use sequence::in_sequence;

use crate::config::Config;
use crate::host::Host;
use crate::host::parallel::AT_ONCE;
use crate::model::address::Kind;
use crate::plan::{Action, Change, Counts, Plan};
use crate::reconcile::apply::event::{Event, Listener};
use crate::reconcile::graph::Graph;
use crate::resource::facts::Facts;
use file_apply::FileApply;
use queue::Queue;

/// Applies a plan of these files as [`apply_fresh`] does, with a new observation of the machine.
pub fn apply(
    host: &dyn Host,
    configs: &[&Config],
    graph: &Graph,
    plan: &Plan,
    notify: Listener<'_>,
) -> Report {
    apply_fresh(host, configs, graph, plan, None, notify)
}

/// Applies a plan of these files. Each resource is planned again with fresh facts just before its
/// steps run; after them, it must have no changes. Independent resources are applied in parallel.
/// `facts` are those of the plan if they are still fresh, that is, if the user was not asked in
/// between.
///
/// A failure stops only the resources that depend on it.
pub fn apply_fresh(
    host: &dyn Host,
    configs: &[&Config],
    graph: &Graph,
    plan: &Plan,
    facts: Option<Vec<Facts>>,
    notify: Listener<'_>,
) -> Report {
    let began = Instant::now();
    // Lima is installed once for all files.
    let installs = plan.effective().any(|change| change.address.kind == Kind::LIMA_INSTALL);
    let mut facts = facts.filter(|_| !installs).into_iter().flatten();
    let files =
        configs.iter().map(|config| FileApply::new(host, config, plan, facts.next(), notify));
    let files: Vec<_> = files.collect();
    let queue = Queue::new(graph);
    let work = || {
        while let Some(turn) = queue.next() {
            let started = Instant::now();
            let shown = plan.changes.get(turn.position);
            let planned = shown.map_or(Action::NoOp, |change| change.action);
            let (outcome, done) = match (&turn.because, files.get(turn.node.file).zip(shown)) {
                _ if host.interrupted() => (Outcome::Cancelled, planned),
                (Some(because), _) => (Outcome::Skipped { because: because.clone() }, planned),
                (None, Some((file, shown))) => file
                    .apply(turn.node, shown)
                    .unwrap_or_else(|error| (Outcome::from(error), planned)),
                // A resource without a planned change.
                (None, None) => (Outcome::Unchanged, planned),
            };
            let address = turn.node.address.clone();
            let action = if planned == Action::Deferred { done } else { planned };
            let result = ResourceResult { address, action, outcome, took: started.elapsed() };
            notify(&Event::ResourceFinished(&result));
            turn.end(result);
        }
    };
    thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(plan.changes.len()) {
            scope.spawn(work);
        }
    });
    for (index, file) in files.iter().enumerate() {
        // If this fails, the next run writes the record.
        let _ = file.settle(graph, index);
    }
    Report { results: queue.results(), took: began.elapsed() }
}

impl Report {
    /// The report of a plan without changes.
    pub fn of_nothing(plan: &Plan) -> Self {
        let unchanged = |change: &Change| ResourceResult {
            address: change.address.clone(),
            action: change.action,
            outcome: Outcome::Unchanged,
            took: Duration::ZERO,
        };
        Self { results: plan.changes.iter().map(unchanged).collect(), took: Duration::ZERO }
    }

    /// Whether a resource failed.
    pub fn failed(&self) -> bool {
        self.results.iter().any(|result| matches!(result.outcome, Outcome::Failed(_)))
    }

    /// Whether a resource was not finished because of an interrupt.
    pub fn interrupted(&self) -> bool {
        self.results.iter().any(|result| matches!(result.outcome, Outcome::Cancelled))
    }

    /// The number of changes that were made.
    pub fn counts(&self) -> Counts {
        // `Unchanged` counts too: an earlier change may have had the same effect.
        let is_done = |result: &&ResourceResult| {
            matches!(result.outcome, Outcome::Applied | Outcome::Unchanged)
        };
        self.results.iter().filter(is_done).map(|result| result.action).collect()
    }

    /// The number of resources with each outcome.
    pub fn outcomes(&self) -> Outcomes {
        let mut counts = Outcomes::default();
        for result in &self.results {
            *match result.outcome {
                Outcome::Applied => &mut counts.applied,
                Outcome::Unchanged => &mut counts.unchanged,
                Outcome::Failed(_) => &mut counts.failed,
                Outcome::Skipped { .. } => &mut counts.skipped,
                Outcome::Cancelled => &mut counts.cancelled,
            } += 1;
        }
        counts
    }
}
