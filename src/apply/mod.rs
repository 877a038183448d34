//! Does what a plan says, in its order, and looks again after each resource.

mod destroy;
mod outcome;
mod run;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

pub use destroy::destroy;
pub use outcome::{ApplyError, Outcome, Report, Result as ResourceResult};

use crate::address::Address;
use crate::config::Config;
use crate::event::{Event, Listener};
use crate::facts::Facts;
use crate::graph::Graph;
use crate::host::Host;
use crate::observe::observe;
use crate::plan::{Action, Change, Context, Disruption, Plan};
use crate::resource::Resource;

/// Applies a plan. Each resource is planned again with fresh facts just before its steps run, and
/// after them it must have nothing left to do.
///
/// A failure stops what depends on it, and nothing else.
pub fn apply(
    host: &dyn Host,
    config: &Config,
    graph: &Graph,
    plan: &Plan,
    notify: Listener<'_>,
) -> Report {
    let mut run = Run { host, config, facts: None, notify };
    let mut report = Report::default();
    for (resource, shown) in graph.ordered().zip(&plan.changes) {
        let address = resource.address();
        let failed = graph
            .requirements(address)
            .into_iter()
            .find(|requirement| report.stands_in_the_way(requirement));
        let started = Instant::now();
        let outcome = match failed {
            Some(because) => Outcome::Skipped { because },
            None => run.apply(resource, shown).unwrap_or_else(Outcome::Failed),
        };
        let result = ResourceResult { address: address.clone(), outcome, took: started.elapsed() };
        notify(&Event::ResourceFinished(&result));
        report.results.push(result);
    }
    report
}

/// The state of one apply: the facts, until a step makes them old.
struct Run<'a> {
    host: &'a dyn Host,
    config: &'a Config,
    facts: Option<Facts>,
    notify: Listener<'a>,
}

impl Run<'_> {
    /// Plans a resource with fresh facts. What comes before it is done, so there is nothing to
    /// foresee any more.
    fn plan(&mut self, resource: &dyn Resource, tried: Disruption) -> Result<Change, ApplyError> {
        let facts = match self.facts.take() {
            Some(facts) => facts,
            None => observe(self.host, self.config)?,
        };
        let change = resource.plan(Context { facts: &facts, earlier: &[], tried });
        self.facts = Some(facts);
        Ok(change)
    }

    fn apply(&mut self, resource: &dyn Resource, shown: &Change) -> Result<Outcome, ApplyError> {
        let change = self.plan(resource, Disruption::None)?;
        if change.action == Action::NoOp {
            return Ok(Outcome::Unchanged);
        }
        (self.notify)(&Event::ResourceStarted(&change));
        self.perform(&change, shown)?;
        let mut after = self.plan(resource, Disruption::None)?;
        if after.action != Action::NoOp && change.fallback.is_some() {
            let stronger = self.plan(resource, change.disruption)?;
            self.perform(&stronger, shown)?;
            after = self.plan(resource, Disruption::None)?;
        }
        match after.action {
            Action::NoOp => Ok(Outcome::Applied),
            _ => Err(ApplyError::NotConverged(Box::new(after))),
        }
    }

    fn perform(&mut self, change: &Change, shown: &Change) -> Result<(), ApplyError> {
        if let Some(problem) = &change.problem {
            return Err(ApplyError::Impossible(problem.clone()));
        }
        if change.action == Action::Deferred {
            return Err(ApplyError::StillUnobservable(change.reasons.clone()));
        }
        if !shown.allows(change) {
            return Err(ApplyError::ChangedSincePlan(change.disruption));
        }
        for step in &change.steps {
            self.facts = None;
            (self.notify)(&Event::StepStarted(&change.address, step));
            let started = Instant::now();
            if let Err(error) = run::step(self.host, step) {
                (self.notify)(&Event::StepFailed(&change.address, step));
                return Err(error);
            }
            (self.notify)(&Event::StepFinished(&change.address, step, started.elapsed()));
        }
        Ok(())
    }
}

impl Report {
    fn stands_in_the_way(&self, address: &Address) -> bool {
        self.results.iter().any(|result| {
            result.address == *address
                && matches!(result.outcome, Outcome::Failed(_) | Outcome::Skipped { .. })
        })
    }

    /// The report of a plan that changes nothing.
    pub fn of_nothing(plan: &Plan) -> Self {
        let unchanged = |change: &Change| ResourceResult {
            address: change.address.clone(),
            outcome: Outcome::Unchanged,
            took: Duration::ZERO,
        };
        Self { results: plan.changes.iter().map(unchanged).collect() }
    }

    /// Whether anything failed.
    pub fn failed(&self) -> bool {
        self.results.iter().any(|result| matches!(result.outcome, Outcome::Failed(_)))
    }

    /// How many resources ended in each way: (applied, unchanged, failed, skipped).
    pub fn counts(&self) -> (usize, usize, usize, usize) {
        let mut counts = BTreeMap::new();
        for result in &self.results {
            *counts.entry(result.outcome.word()).or_insert(0) += 1;
        }
        let count = |word| counts.get(word).copied().unwrap_or_default();
        (count("applied"), count("unchanged"), count("failed"), count("skipped"))
    }
}
