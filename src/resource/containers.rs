//! Containers that stop for maintenance are started again. They are first recorded in the guest, so
//! that the next run can start them if a run is interrupted.

use crate::guest::{Container, GuestFacts, Operation};
use crate::lima::Ssh;
use crate::plan::{Change, Reason, Step, by_start};

const START: &str = "start the stopped containers again";

/// Records the containers that the change stops and starts again, and those that an earlier run
/// left stopped.
pub(super) fn remember(change: Change, guest: &GuestFacts, ssh: &Ssh) -> Change {
    let restarted = change.restarted();
    if restarted.is_empty() {
        return change;
    }
    let noted = restarted.into_iter().chain(&guest.stopped_by_cai).cloned().collect();
    note(change, noted, ssh)
}

/// Starts them again.
pub(super) fn resume(change: Change, ssh: &Ssh) -> Change {
    if change.restarted().is_empty() { change } else { change.step(start(ssh)) }
}

/// Starts those that start before the rest of the engine is repaired. The pending restart, which comes last,
/// starts the others: a Sysbox container needs a working Sysbox.
pub(super) fn resume_early(change: Change, ssh: &Ssh) -> Change {
    if change.restarted().is_empty() {
        return change;
    }
    change.step(Step::attempt(START, Operation::StartContainers.command(ssh)))
}

/// The containers that an earlier run left stopped, if there are any.
pub(super) fn left_stopped(guest: &GuestFacts) -> Option<Reason> {
    let names: Vec<String> = guest.stopped_by_cai.iter().map(|it| it.name.clone()).collect();
    (!names.is_empty()).then_some(Reason::LeftStopped(names))
}

/// Starts the containers that an earlier run left stopped, unless the change starts them anyway.
pub(super) fn start_left(change: Change, guest: &GuestFacts, ssh: Option<&Ssh>) -> Change {
    let Some(left) = left_stopped(guest) else { return change };
    let change = change.because(left);
    match ssh {
        Some(ssh) if change.restarted().is_empty() => {
            note(change, guest.stopped_by_cai.clone(), ssh).step(start(ssh))
        }
        _ => change,
    }
}

/// Starts them again if the last step fails, after its other rescue commands.
pub(super) fn or_resume(mut change: Change, ssh: &Ssh) -> Change {
    if !change.restarted().is_empty()
        && let Some(step) = change.steps.last_mut()
    {
        step.rescue.push(Operation::StartContainers.command(ssh));
    }
    change
}

fn start(ssh: &Ssh) -> Step {
    Step::run(START, Operation::StartContainers.command(ssh))
}

fn note(change: Change, mut containers: Vec<Container>, ssh: &Ssh) -> Change {
    containers.sort_by(by_start);
    let note = Operation::RememberContainers(&containers).command(ssh);
    change.step(Step::run("record the containers to start again", note))
}
