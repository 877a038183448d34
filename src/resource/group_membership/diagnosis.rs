//! Why the login user cannot use Docker: it is not in the group.

use crate::guest::{DOCKER_GROUP, GuestFacts};
use crate::lima::GUEST_SOCKET;
use crate::model::UnixName;
use crate::plan::{Code, Finding, Reason, SideEffect};
use crate::resource::Case;

/// Finds a missing membership, whether dockerd runs or not.
pub(in crate::resource) fn diagnose(case: &Case<'_>, guest: &GuestFacts) -> Option<Finding> {
    let docker = UnixName::docker();
    let user = guest.user.as_str();
    let is_needed = depends_on_joining(case, guest) || !guest.session_reaches_docker();
    // Its primary group is not a membership that could be missing.
    let is_in_it = guest.is_member(user, docker.as_str())
        || guest.fresh_groups_of(user).contains(docker.as_str());
    let exists = guest.groups.contains_key(docker.as_str());
    (is_needed && !is_in_it && exists).then(|| group_missing(case, guest))
}

/// Whether the plan adds the login user to the group, and its access depends on that.
fn depends_on_joining(case: &Case<'_>, guest: &GuestFacts) -> bool {
    let mut joins = case.plan.effective().filter(|change| {
        change.side_effects.iter().any(|effect| {
            matches!(effect, SideEffect::Joins { user, group }
                if *user == guest.user && group == DOCKER_GROUP)
        })
    });
    let is_needed = |reason: &Reason| !matches!(reason, Reason::OwnsSocket(_));
    case.is_declared && joins.any(|change| change.reasons.iter().all(is_needed))
}

fn group_missing(case: &Case<'_>, guest: &GuestFacts) -> Finding {
    let repaired = case.memberships().into_iter().chain([case.restart(), case.socket()]);
    let membership = case.memberships().into_iter().find(|it| it.name().ends_with(".docker"));
    let finding = Finding::new(Code::GroupMissing, membership);
    let finding = saw_user(finding, guest)
        .because(format!("{} is not in group docker in the guest", guest.user))
        .repaired_by(repaired)
        .by_hand("cai apply");
    refused(finding, guest)
}

pub(in crate::resource) fn refused(finding: Finding, guest: &GuestFacts) -> Finding {
    if guest.session_reaches_docker() {
        return finding;
    }
    finding.so(format!("{} cannot open {GUEST_SOCKET} in the guest", guest.user))
}

pub(in crate::resource) fn saw_user(finding: Finding, guest: &GuestFacts) -> Finding {
    let user = guest.user.as_str();
    let session: Vec<String> = guest.session_groups.iter().cloned().collect();
    let fresh: Vec<String> = guest.fresh_groups_of(user).into_iter().collect();
    let socket = guest.socket.as_ref();
    finding
        .saw("user", user)
        .saw("uid", guest.accounts.get(user).map(|account| account.uid))
        .saw("groups_configured", guest.groups_of(user))
        .saw("groups_of_the_open_session", session)
        .saw("groups_of_a_fresh_session", fresh)
        .saw("guest_socket", socket.map_or("missing".to_owned(), ToString::to_string))
}
