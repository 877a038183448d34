//! The pending restarts, and the reasons for them.

use super::{Restart, daemon, machine};
use crate::guest::GuestFacts;
use crate::model::address::Kind;
use crate::plan::{Disruption, Reason, SideEffect};
use crate::resource::PlanContext;
use crate::resource::provision::obstacle;

/// The pending restarts.
#[derive(Debug, Default)]
pub(super) struct Pending {
    pub(super) reasons: Vec<Reason>,
    pub(super) disruption: Disruption,
    /// The session must be renewed, in addition to anything else.
    pub(super) session: bool,
}

impl Pending {
    pub(super) fn add(&mut self, disruption: Disruption, reason: Reason) {
        self.reasons.push(reason);
        self.disruption = self.disruption.max(disruption);
        self.session |= disruption == Disruption::SessionRefresh;
    }
}

impl Restart {
    pub(super) fn pending(&self, guest: &GuestFacts, context: PlanContext<'_>) -> Pending {
        let mut pending = Pending::default();
        let vm_restarts =
            context.earlier(Kind::VM).any(|change| change.disruption >= Disruption::VmRestart);
        if !vm_restarts {
            for reason in machine::differences(guest, context.facts) {
                pending.add(Disruption::VmRestart, reason);
            }
            // A missing membership is another change, which comes first.
            let stale = guest.lacks_groups(self.groups(Some(&guest.user)));
            if !stale.is_empty() {
                let session = guest.session_groups.iter().cloned().collect();
                let user = guest.user.clone();
                let reason = Reason::SessionPredates { user, missing: stale, session };
                pending.add(Disruption::SessionRefresh, reason);
            }
        }
        let left = outlived(guest, context);
        if !left.is_empty() {
            pending.add(Disruption::SessionRefresh, Reason::SessionOutlives(left));
        }
        let joined = self.joined(context);
        if !joined.is_empty() {
            pending.add(Disruption::SessionRefresh, Reason::SessionWillPredate(joined));
        }
        // A reload or restart that must fail would block everything else.
        let unloaded = daemon::unloaded(&self.keys(context.facts), guest, context, vm_restarts);
        if let Some(unloaded) = unloaded.filter(|_| obstacle(guest, context).is_none()) {
            pending.add(unloaded.way, unloaded.reason);
        }
        pending
    }

    /// The groups that the login user joins, or whose gid changes, by earlier changes.
    fn joined(&self, context: PlanContext<'_>) -> Vec<String> {
        let login = context.facts.login_user();
        let joined = context.side_effects().filter_map(|effect| match effect {
            SideEffect::Joins { user, group } if login == Some(user) => Some(group),
            SideEffect::RenumbersGroup(group) => Some(group),
            _ => None,
        });
        let guest = context.facts.guest.present();
        let needs = |group: &&String| guest.is_none_or(|guest| guest.needs_group(group));
        let declared = self.groups(login);
        let mut groups: Vec<String> = Vec::new();
        for group in joined.filter(needs) {
            if declared.contains(group) && !groups.contains(group) {
                groups.push(group.clone());
            }
        }
        groups
    }
}

/// The groups of the session that the login user has left, or leaves by an earlier change.
fn outlived(guest: &GuestFacts, context: PlanContext<'_>) -> Vec<String> {
    let configured = guest.fresh_groups_of(&guest.user);
    let leaves = |group: &String| {
        context.causes(|effect| {
            matches!(effect, SideEffect::Leaves { user, group: left } if *user == guest.user && left == group)
        })
    };
    // Without the account, its first group is unknown.
    let known = guest.accounts.contains_key(&guest.user);
    let named = |group: &&String| guest.groups.contains_key(*group);
    let is_left = |group: &&String| known && !configured.contains(*group) || leaves(group);
    guest.session_groups.iter().filter(named).filter(is_left).cloned().collect()
}
