//! The guest, from inside: provisioning, dockerd, its socket, the user's groups, the session.

use super::{Case, Code, Finding};
use crate::guest::{DOCKER_GROUP, DOCKER_SERVICE, GuestFacts};
use crate::lima::GUEST_SOCKET;
use crate::model::{UnixName, listed};
use crate::plan::{Disruption, Reason, SideEffect};

/// Lines of a log that are evidence enough.
const LOG: usize = 20;

/// What is wrong in the guest. Each has a cause of its own: who is in which group does not depend
/// on whether dockerd runs.
pub(super) fn judge(case: &Case<'_>, guest: &GuestFacts) -> Vec<Finding> {
    if let Some(finding) = provisioning(case, guest) {
        // Nothing of Docker is there to be judged.
        if !guest.dockerd_installed {
            return vec![finding];
        }
        return std::iter::once(finding).chain(user(case, guest)).collect();
    }
    let daemon = daemon(case, guest).or_else(|| socket_group(case, guest));
    daemon.into_iter().chain(user(case, guest)).collect()
}

fn last(lines: &[String]) -> Vec<String> {
    lines[lines.len().saturating_sub(LOG)..].to_vec()
}

fn unit(guest: &GuestFacts, name: &str) -> String {
    guest.units.get(name).map_or_else(|| "not found".to_owned(), |unit| unit.active.clone())
}

fn provisioning(case: &Case<'_>, guest: &GuestFacts) -> Option<Finding> {
    let why = match (&guest.provision_failed, guest.dockerd_installed) {
        (Some(status), _) => {
            format!("the provisioning script failed on this boot with exit status {status}")
        }
        (None, false) => "there is no dockerd in the guest, and no script failed".to_owned(),
        (None, true) => return None,
    };
    let finding = Finding::new(Code::ProvisionFailed, Case::docker())
        .saw("exit_status", guest.provision_failed.clone())
        .saw("dockerd_installed", guest.dockerd_installed)
        .saw(DOCKER_SERVICE, unit(guest, DOCKER_SERVICE))
        .saw("log", last(&guest.provision_log))
        .because(why)
        .repaired_by(
            [Case::daemon(), Case::docker(), Case::sysbox()]
                .into_iter()
                .chain(case.memberships())
                .chain([case.restart(), case.socket()]),
        )
        .by_hand("cai apply");
    let finding = if guest.daemon_log.is_empty() {
        finding
    } else {
        finding.saw("dockerd_log", last(&guest.daemon_log))
    };
    Some(if guest.dockerd_installed {
        finding
    } else {
        finding.so("there is no Docker in the guest, and nothing that needs it")
    })
}

fn daemon(case: &Case<'_>, guest: &GuestFacts) -> Option<Finding> {
    let runs = guest.docker_runs();
    let finding = |code| {
        let socket = guest.socket.as_ref();
        let finding = Finding::new(code, Case::docker())
            .saw(DOCKER_SERVICE, unit(guest, DOCKER_SERVICE))
            .saw("docker.socket", unit(guest, "docker.socket"))
            .saw("guest_socket", socket.map_or("missing".to_owned(), ToString::to_string))
            .by_hand("cai apply");
        match &guest.docker_as_root {
            Some(answer) if answer.status != 0 => {
                finding.saw("root_was_told", answer.text.as_str()).saw("exit_status", answer.status)
            }
            _ => finding,
        }
        .saw("log", last(&guest.daemon_log))
    };
    if !runs {
        let state = unit(guest, DOCKER_SERVICE);
        let down = finding(Code::DockerdDown)
            .because(format!("dockerd does not run in the guest: {DOCKER_SERVICE} is {state}"))
            .repaired_by([Case::daemon(), Case::docker(), case.socket()]);
        return Some(match guest.daemon_json.keys() {
            Ok(_) => down,
            Err(why) => down.saw("daemon_json", why.to_string()),
        });
    }
    if guest.docker_answers() {
        return None;
    }
    // First the daemon's configuration: with it, containers live on.
    let repaired = [Case::daemon(), Case::docker(), case.socket()];
    Some(if guest.socket.is_none() {
        finding(Code::GuestSocketMissing)
            .because(format!("dockerd runs in the guest, and {GUEST_SOCKET} is missing there"))
            .repaired_by(repaired)
    } else {
        finding(Code::DockerdDown)
            .because("dockerd runs in the guest, and does not answer even root")
            .repaired_by(repaired)
    })
}

fn socket_group(case: &Case<'_>, guest: &GuestFacts) -> Option<Finding> {
    let docker = UnixName::docker();
    let (wanted, socket) = (guest.groups.get(docker.as_str())?, guest.socket.as_ref()?);
    if guest.session_reaches_docker() {
        return None;
    }
    let reason = if socket.group != docker.as_str() {
        format!("{GUEST_SOCKET} in the guest belongs to the group {}", socket.group)
    } else if socket.is_closed() {
        format!("{GUEST_SOCKET} in the guest has mode {}, which keeps its group out", socket.mode)
    } else {
        return None;
    };
    let finding = Finding::new(Code::GuestSocketGroup, Case::docker())
        .saw("guest_socket", socket.to_string())
        .saw("docker_gid", wanted.gid)
        .because(reason)
        .repaired_by([Case::docker(), case.socket()]);
    Some(finding.by_hand("cai apply"))
}

/// What the login user may do, by the file of groups, and in the session that everything rides on.
fn user(case: &Case<'_>, guest: &GuestFacts) -> Option<Finding> {
    let docker = UnixName::docker();
    let user = guest.user.as_str();
    let reaches = guest.session_reaches_docker();
    if !guest.is_member(user, docker.as_str()) && (depends_on_joining(case, guest) || !reaches) {
        let fresh = guest.fresh_groups_of(user);
        // Its own group is no membership that could be missing.
        if !fresh.contains(docker.as_str()) && guest.groups.contains_key(docker.as_str()) {
            return Some(group_missing(case, guest));
        }
    }
    let missing = guest.lacks_groups(declared_groups(case, guest));
    let finding = (!missing.is_empty()).then(|| {
        let groups = listed(&missing);
        saw_user(Finding::new(Code::SessionStale, case.restart()), guest)
            .because(format!(
                "{user} is in {groups}, and the open session, which began before, is not"
            ))
            .repaired_by([case.restart(), case.socket()])
            .by_hand("cai apply")
    });
    finding.map(|finding| refused(finding, guest))
}

/// The containers that the pending restart starts, because an interrupted run left them stopped.
pub(super) fn left_stopped(case: &Case<'_>) -> Option<Finding> {
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
    let membership = case.memberships().into_iter().find(|it| it.name.ends_with(".docker"));
    let finding = Finding::new(Code::GroupMissing, membership);
    let finding = saw_user(finding, guest)
        .because(format!("{} is not in the group docker of the guest", guest.user))
        .repaired_by(repaired)
        .by_hand("cai apply");
    refused(finding, guest)
}

fn refused(finding: Finding, guest: &GuestFacts) -> Finding {
    if guest.session_reaches_docker() {
        return finding;
    }
    finding.so(format!("{} may not open {GUEST_SOCKET} in the guest", guest.user))
}

fn saw_user(finding: Finding, guest: &GuestFacts) -> Finding {
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

/// The groups that the file declares for the login user.
fn declared_groups(case: &Case<'_>, guest: &GuestFacts) -> Vec<String> {
    let is_login = |user: &&crate::config::User| match &user.name {
        crate::model::UserRef::LimaUser => true,
        crate::model::UserRef::Named(name) => name.as_str() == guest.user,
    };
    let users = case.config.users.iter().filter(is_login);
    users.flat_map(|user| user.groups.iter().map(ToString::to_string)).collect()
}
