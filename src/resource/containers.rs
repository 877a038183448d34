//! Containers that stop for maintenance are started again. They are noted in the guest first, so that
//! the next run finishes what an interrupted one began.

use crate::guest::{Container, GuestFacts, Operation};
use crate::lima::Ssh;
use crate::plan::{Change, Reason, Step, by_start};

/// Notes the containers that the change stops and starts again, with those that an earlier run left
/// stopped.
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

/// Starts the containers that an earlier run stopped and did not start again, unless the change does
/// it anyway.
pub(super) fn start_left(change: Change, guest: &GuestFacts, ssh: Option<&Ssh>) -> Change {
    let left = &guest.stopped_by_cai;
    if left.is_empty() {
        return change;
    }
    let names = left.iter().map(|container| container.name.clone()).collect();
    let change = change.because(Reason::LeftStopped(names));
    match ssh {
        Some(ssh) if change.restarted().is_empty() => {
            note(change, left.clone(), ssh).step(start(ssh))
        }
        _ => change,
    }
}

/// Starts them again if the last step fails, after what else is done then.
pub(super) fn or_resume(mut change: Change, ssh: &Ssh) -> Change {
    if !change.restarted().is_empty()
        && let Some(step) = change.steps.last_mut()
    {
        step.rescue.push(Operation::StartContainers.command(ssh));
    }
    change
}

fn start(ssh: &Ssh) -> Step {
    Step::run("start the stopped containers again", Operation::StartContainers.command(ssh))
}

fn note(change: Change, mut containers: Vec<Container>, ssh: &Ssh) -> Change {
    containers.sort_by(by_start);
    let note = Operation::RememberContainers(&containers).command(ssh);
    change.step(Step::run("record the containers to start again", note))
}
