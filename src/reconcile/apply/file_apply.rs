//! The apply of one file.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::{ApplyError, Outcome, run};
use crate::config::Config;
use crate::guest::probe::Part;
use crate::host::Host;
use crate::model::address::Address;
use crate::plan::{Action, Change, Disruption, Plan, Step};
use crate::reconcile::apply::event::{Event, Listener};
use crate::reconcile::graph::{Graph, Node};
use crate::reconcile::observe::{ObserveError, judge, observe, observe_again};
use crate::reconcile::record::{Keeper, WriteRecordError};
use crate::resource::facts::Facts;
use crate::resource::{PlanContext, changed_by};

/// Counts the starts and ends of steps. An observation from before the last of them is outdated.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Age {
    steps: u64,
    /// Those that may change more than accounts and files of the guest.
    whole: u64,
    /// Those that may change what `limactl` lists.
    lima: u64,
}

/// The last observation of a machine, and its age.
struct Seen {
    age: Age,
    /// The observed part of the guest. The rest is from an earlier observation.
    part: Part,
    facts: Arc<Facts>,
}

/// One file, and the last observation of its machine.
pub(super) struct FileApply<'a> {
    host: &'a dyn Host,
    config: &'a Config,
    /// The time limit of each step's command.
    limit: Option<Duration>,
    /// Whether the user agreed in advance to hide data in the VM.
    may_hide: bool,
    notify: Listener<'a>,
    age: Mutex<Age>,
    seen: Mutex<Option<Seen>>,
    record: Keeper<'a>,
}

impl<'a> FileApply<'a> {
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
            age: Mutex::default(),
            seen: Mutex::new(facts.map(|facts| Seen {
                age: Age::default(),
                part: Part::Whole,
                facts: Arc::new(facts),
            })),
            record: Keeper::new(host, config),
        }
    }

    fn age(&self) -> MutexGuard<'_, Age> {
        self.age.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Facts that include the effects of all steps so far. This part of the guest is as new as the last
    /// step. One thread observes; the others wait for its result.
    fn facts(&self, part: Part) -> Result<Arc<Facts>, ObserveError> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let age = *self.age();
        let again = |seen: &Seen, part| observe_again(self.host, self.config, &seen.facts, part);
        let (part, facts) = match &*seen {
            Some(seen) if seen.age == age && [part, Part::Whole].contains(&seen.part) => {
                return Ok(Arc::clone(&seen.facts));
            }
            Some(seen) if seen.age.whole == age.whole => (part, again(seen, part)?),
            Some(seen) if seen.age.lima == age.lima => (Part::Whole, again(seen, Part::Whole)?),
            _ => (Part::Whole, observe(self.host, self.config)?),
        };
        let facts = Arc::new(self.record.seen(facts));
        *seen = Some(Seen { age, part, facts: Arc::clone(&facts) });
        Ok(facts)
    }

    /// Plans a resource with fresh facts. Everything before it is done, so no changes are pending.
    fn plan(&self, node: &Node, tried: Disruption) -> Result<Change, ApplyError> {
        let plan = |part| -> Result<Change, ObserveError> {
            let facts = self.facts(part)?;
            let change = node.resource.plan(PlanContext { facts: &facts, earlier: &[], tried });
            Ok(change.scoped(node.scope()))
        };
        let change = plan(Part::System)?;
        if change.is_without_effect() || !may_stop_containers(&change) {
            return Ok(change);
        }
        Ok(plan(Part::Whole)?)
    }

    /// Records the outcome of a resource according to its fresh facts.
    fn finish(&self, node: &Node, action: Action) -> Result<(), ApplyError> {
        let facts = self.facts(Part::System)?;
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
        let age = *self.age();
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
            self.record.begin(
                node.resource.as_ref(),
                change.action,
                &*self.facts(Part::System)?,
            )?;
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
            self.perform(&stronger, &shown.with_fallback())?;
            self.finish(node, change.action)?;
            after = self.plan(node, Disruption::None)?;
        }
        match (after.action, after.problem.take()) {
            (Action::NoOp, _) => Ok((Outcome::Applied, change.action)),
            // The steps revealed a problem.
            (_, Some(problem)) => Err(ApplyError::Impossible(*problem)),
            // The result is unknown.
            (Action::Deferred, None) => Err(ApplyError::StillUnobservable(after.reasons)),
            (_, None) => Err(ApplyError::NotConverged(Box::new(after))),
        }
    }

    /// Marks the last observation as outdated, because this step starts or ends.
    fn outdate(&self, address: &Address, step: &Step) {
        let mut age = self.age();
        age.steps += 1;
        let is_in_guest = step.is_in_guest();
        if !is_in_guest || changed_by(address.kind) == Part::Whole {
            age.whole += 1;
        }
        if !is_in_guest {
            age.lima += 1;
        }
    }

    fn perform(&self, change: &Change, shown: &Change) -> Result<(), ApplyError> {
        if let Some(problem) = &change.problem {
            return Err(ApplyError::Impossible(*problem.clone()));
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
            self.outdate(address, step);
            let result = run::step(self.host, address, step, self.limit, self.notify);
            self.outdate(address, step);
            if let Err(error) = result {
                (self.notify)(&Event::StepFailed(address, step, &error));
                return Err(error);
            }
            (self.notify)(&Event::StepFinished(address, step, started.elapsed()));
        }
        Ok(())
    }
}

/// Whether the current containers must be known, because the steps of such a change can stop some. A
/// renewed session stops none.
fn may_stop_containers(change: &Change) -> bool {
    changed_by(change.address.kind) == Part::Whole
        && change.disruption != Disruption::SessionRefresh
}
