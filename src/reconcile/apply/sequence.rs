//! Applies the changes of a plan one after another, and observes the machine again after each of them.

use std::time::{Duration, Instant};

use super::{ApplyError, Outcome, Report, ResourceResult, run};
use crate::host::Host;
use crate::model::address::Address;
use crate::plan::{Action, Change, Plan};
use crate::reconcile::apply::event::{Event, Listener};
use crate::reconcile::observe::ObserveError;

/// Observes the machine and plans.
type Replan<'a> = &'a dyn Fn() -> Result<Plan, ObserveError>;

/// Applies a plan of [`Plan::destroy`] or [`Plan::power`] in its order. `before` and
/// `after` create the plan with fresh facts, before and after each change: after it, nothing is left.
///
/// A failure stops all later changes: a context depends on its VM, so it is deleted first.
pub fn in_sequence(
    host: &dyn Host,
    plan: &Plan,
    before: Replan<'_>,
    after: Replan<'_>,
    notify: Listener<'_>,
) -> Report {
    let began = Instant::now();
    let mut report = Report::default();
    let mut failed: Option<Address> = None;
    for shown in plan.effective() {
        let Change { address, action, .. } = shown;
        let started = Instant::now();
        let outcome = match &failed {
            Some(because) => Outcome::Skipped { because: because.clone() },
            None if host.interrupted() => Outcome::Cancelled,
            None => change(host, shown, (before, after), plan.limit, notify)
                .unwrap_or_else(Outcome::from),
        };
        if let Outcome::Failed(_) = outcome {
            failed = Some(address.clone());
        }
        let result = ResourceResult {
            address: address.clone(),
            action: *action,
            outcome,
            took: started.elapsed(),
        };
        notify(&Event::ResourceFinished(&result));
        report.results.push(result);
    }
    report.took = began.elapsed();
    report
}

fn change(
    host: &dyn Host,
    shown: &Change,
    (before, after): (Replan<'_>, Replan<'_>),
    limit: Option<Duration>,
    notify: Listener<'_>,
) -> Result<Outcome, ApplyError> {
    let address = &shown.address;
    let Some(change) = find(before()?, address) else {
        return Ok(Outcome::Unchanged);
    };
    if let Some(problem) = change.problem {
        return Err(ApplyError::Impossible(*problem));
    }
    if change.action == Action::Deferred {
        return Err(ApplyError::StillUnobservable(change.reasons));
    }
    if let Some(unshown) = shown.lacks(&change, false) {
        return Err(ApplyError::NotShown(unshown));
    }
    notify(&Event::ResourceStarted(&change));
    for step in &change.steps {
        if host.interrupted() {
            return Err(ApplyError::Interrupted);
        }
        notify(&Event::StepStarted(address, step));
        let started = Instant::now();
        if let Err(error) = run::step(host, address, step, limit, notify) {
            notify(&Event::StepFailed(address, step, &error));
            return Err(error);
        }
        notify(&Event::StepFinished(address, step, started.elapsed()));
    }
    match find(after()?, address) {
        None => Ok(Outcome::Applied),
        Some(change) => Err(ApplyError::NotConverged(Box::new(change))),
    }
}

/// The remaining change of a resource.
fn find(plan: Plan, address: &Address) -> Option<Change> {
    let mut changes = plan.changes.into_iter();
    changes.find(|change| change.address == *address && change.action != Action::NoOp)
}
