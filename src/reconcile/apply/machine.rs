//! The machine of one file during an apply.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{ApplyError, Outcome, run};
use crate::config::Config;
use crate::host::Host;
use crate::plan::{Action, Change, Disruption, Plan, Step};
use crate::reconcile::apply::event::{Event, Listener};
use crate::reconcile::graph::{Graph, Node};
use crate::reconcile::observe::{ObserveError, judge, observe, observe_again};
use crate::reconcile::record::{Keeper, WriteRecordError};
use crate::resource::PlanContext;
use crate::resource::facts::Facts;

/// The last observation of a machine, and its age.
struct Seen {
    age: u64,
    host_age: u64,
    facts: Arc<Facts>,
}

/// One file, and the last observation of its machine.
pub(super) struct Machine<'a> {
    host: &'a dyn Host,
    config: &'a Config,
    /// The time limit of each step's command.
    limit: Option<Duration>,
    /// Whether the user agreed in advance to hide data in the VM.
    may_hide: bool,
    notify: Listener<'a>,
    /// Counts the starts and ends of steps. An observation from before the last of them is
    /// outdated.
    age: AtomicU64,
    /// The same for steps that may change more than the guest.
    host_age: AtomicU64,
    seen: Mutex<Option<Seen>>,
    record: Keeper<'a>,
}

impl<'a> Machine<'a> {
    pub(super) fn new(
        host: &'a dyn Host,
        config: &'a Config,
        plan: &Plan,
        facts: Option<Facts>,
        notify: Listener<'a>,
    ) -> Self {
        Self {
            host,
            config,
            limit: plan.limit,
            may_hide: plan.may_hide.iter().any(|vm| vm == config.vm.name.as_str()),
            notify,
            age: AtomicU64::new(0),
            host_age: AtomicU64::new(0),
            seen: Mutex::new(facts.map(|facts| Seen {
                age: 0,
                host_age: 0,
                facts: Arc::new(facts),
            })),
            record: Keeper::new(host, config),
        }
    }

    /// The current facts. One thread observes; the others wait for its result.
    fn facts(&self) -> Result<Arc<Facts>, ObserveError> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let age = self.age.load(Ordering::SeqCst);
        let host_age = self.host_age.load(Ordering::SeqCst);
        let facts = match &*seen {
            Some(seen) if seen.age == age => return Ok(Arc::clone(&seen.facts)),
            Some(seen) if seen.host_age == host_age => {
                observe_again(self.host, self.config, &seen.facts)?
            }
            _ => observe(self.host, self.config)?,
        };
        let facts = Arc::new(self.record.seen(facts));
        *seen = Some(Seen { age, host_age, facts: Arc::clone(&facts) });
        Ok(facts)
    }

    /// Plans a resource with fresh facts. Everything before it is done, so no changes are pending.
    fn plan(&self, node: &Node, tried: Disruption) -> Result<Change, ApplyError> {
        let facts = self.facts()?;
        let change = node.resource.plan(PlanContext { facts: &facts, earlier: &[], tried });
        Ok(change.scoped(node.scope()))
    }

    /// Records the outcome of a resource according to its fresh facts.
    fn finish(&self, node: &Node, action: Action) -> Result<(), ApplyError> {
        let facts = self.facts()?;
        let changed = self.record.finish(node.resource.as_ref(), action, &facts)?;
        if let Some(record) = changed {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(seen) = &mut *seen {
                Arc::make_mut(&mut seen.facts).record = Some(record);
            }
        }
        Ok(())
    }

    /// Updates the record from the last observation: dockerd may have dropped a removed key only
    /// when it restarted.
    pub(super) fn settle(&self, graph: &Graph, file: usize) -> Result<(), WriteRecordError> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let age = self.age.load(Ordering::SeqCst);
        let Some(seen) = seen.as_ref().filter(|seen| seen.age == age) else {
            return Ok(());
        };
        self.record.finish_all(graph.of_file(file), &seen.facts)
    }

    /// Applies a resource, within the limits of the plan that the user saw, and returns what was done.
    pub(super) fn apply(
        &self,
        node: &Node,
        shown: &Change,
    ) -> Result<(Outcome, Action), ApplyError> {
        let change = self.plan(node, Disruption::None)?;
        if change.action == Action::NoOp {
            self.finish(node, Action::NoOp)?;
            return Ok((Outcome::Unchanged, Action::NoOp));
        }
        (self.notify)(&Event::ResourceStarted(&change));
        let change = judge(self.host, change).map_err(ObserveError::from)?;
        if !change.steps.is_empty() {
            self.record.begin(node.resource.as_ref(), change.action, &*self.facts()?)?;
        }
        if let Err(error) = self.perform(&change, shown) {
            // After a failed creation, a resource that someone else creates later must not count as
            // `cai`'s.
            let _ = if self.host.interrupted() { Ok(()) } else { self.finish(node, Action::NoOp) };
            return Err(error);
        }
        self.finish(node, change.action)?;
        let mut after = self.plan(node, Disruption::None)?;
        if after.action != Action::NoOp && change.fallback.is_some() {
            let stronger = self.plan(node, change.disruption)?;
            self.perform(&stronger, shown)?;
            self.finish(node, change.action)?;
            after = self.plan(node, Disruption::None)?;
        }
        match (after.action, after.problem.take()) {
            (Action::NoOp, _) => Ok((Outcome::Applied, change.action)),
            // The steps revealed a problem.
            (_, Some(problem)) => Err(ApplyError::Impossible(problem)),
            // The result is unknown.
            (Action::Deferred, None) => Err(ApplyError::StillUnobservable(after.reasons)),
            (_, None) => Err(ApplyError::NotConverged(Box::new(after))),
        }
    }

    /// Marks the last observation as outdated, because this step starts or ends.
    fn outdate(&self, step: &Step) {
        self.age.fetch_add(1, Ordering::SeqCst);
        if !step.is_in_guest() {
            self.host_age.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn perform(&self, change: &Change, shown: &Change) -> Result<(), ApplyError> {
        if let Some(problem) = &change.problem {
            return Err(ApplyError::Impossible(problem.clone()));
        }
        if change.action == Action::Deferred {
            return Err(ApplyError::StillUnobservable(change.reasons.clone()));
        }
        if let Some(unshown) = shown.lacks(change, self.may_hide) {
            return Err(ApplyError::NotShown(unshown));
        }
        let address = &change.address;
        for step in &change.steps {
            if self.host.interrupted() {
                return Err(ApplyError::Interrupted);
            }
            (self.notify)(&Event::StepStarted(address, step));
            let started = Instant::now();
            self.outdate(step);
            let result = run::step(self.host, address, step, self.limit, self.notify);
            self.outdate(step);
            if let Err(error) = result {
                (self.notify)(&Event::StepFailed(address, step, &error));
                return Err(error);
            }
            (self.notify)(&Event::StepFinished(address, step, started.elapsed()));
        }
        Ok(())
    }
}
