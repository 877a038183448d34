//! Why what runs does not work: the session is older than a membership, or containers were left stopped.

use crate::guest::GuestFacts;
use crate::model::listed;
use crate::plan::{Code, Disruption, Finding, Reason};
use crate::resource::group_membership::diagnosis::{refused, saw_user};
use crate::resource::{Case, Restart};

/// The groups that the login user is in, and that its open session lacks.
pub(in crate::resource) fn session(case: &Case<'_>, guest: &GuestFacts) -> Option<Finding> {
    let user = guest.user.as_str();
    let missing = guest.lacks_groups(Restart::new(case.config).groups(Some(user)));
    if missing.is_empty() {
        return None;
    }
    let finding = Finding::new(Code::SessionStale, case.restart())
        .because(format!(
            "{user} was added to {} after the current SSH session started",
            listed(&missing)
        ))
        .repaired_by([case.restart(), case.socket()])
        .by_hand("cai apply");
    Some(refused(saw_user(finding, guest), guest))
}

/// The containers that the pending restart starts, because an earlier run left them stopped.
pub(in crate::resource) fn left_stopped(case: &Case<'_>) -> Option<Finding> {
    let change = case.effect(&case.restart())?;
    let mut left = change.reasons.iter().filter_map(|reason| match reason {
        Reason::LeftStopped(names) => Some((names, reason.to_string())),
        _ => None,
    });
    let (names, why) = left.next()?;
    let finding = Finding::new(Code::ContainersLeftStopped, case.restart())
        .saw("containers", names.as_slice())
        .because(why);
    // A repair must not stop or hide more than the finding is about.
    let is_mild = change.hides.is_none() && change.disruption < Disruption::VmRestart;
    let finding = if is_mild { finding.repaired_by([case.restart()]) } else { finding };
    Some(finding.by_hand(format!("in the guest: sudo docker start {}", names.join(" "))))
}
