//! Whether what runs has loaded its configuration: dockerd its keys, the SSH session its user's groups, the
//! machine its CPUs and memory. It is a resource like any other, so the next run repairs a crash between a
//! change and its restart.

mod daemon;
pub(super) mod diagnosis;
mod machine;
mod pending;
mod steps;

use std::collections::BTreeSet;

use serde::Serialize;

pub(super) use steps::restart_vm;

use self::pending::Pending;
use super::provision::{due, hidden_at_restart, keeps_containers};
use super::vm_ref::VmRef;
use super::{
    Egress, File, PlanContext, ProvisionDaemon, ProvisionDocker, ProvisionSysbox, Resource,
    containers, restrained,
};
use crate::config::{Config, Strategy, User};
use crate::guest::GuestFacts;
use crate::guest::daemon_json::SECCOMP_KEY;
use crate::model::address::{Address, Kind};
use crate::model::{UserRef, VmName};
use crate::plan::Observation;
use crate::plan::{Action, Change, DaemonKeys, Disruption, Reason};
use crate::resource::facts::Facts;

/// The pending restart of a VM, dockerd or the SSH session.
#[derive(Debug)]
pub struct Restart {
    address: Address,
    requires: Vec<Address>,
    /// The declared users with their groups. Which one is Lima's login user may be known only in the guest.
    users: Vec<User>,
    /// The keys of its configuration that dockerd must have loaded.
    daemon: Vec<String>,
    /// The keys that a new guest gets.
    fresh: Vec<String>,
    /// Whether the file declares a seccomp profile.
    seccomp: bool,
    strategy: Strategy,
    vm: VmRef,
}

/// What runs, as far as a restart changes it.
#[derive(Debug, PartialEq, Serialize)]
struct State {
    /// The groups of the session that the login user needs.
    session_has: Vec<String>,
    daemon_json_loaded: bool,
}

impl Restart {
    /// As the file declares it.
    pub fn new(config: &Config) -> Self {
        let vm = VmRef::of(config);
        let mut requires = vec![vm.address.clone(), ProvisionDocker::own_address()];
        requires.extend(ProvisionSysbox::new(config).map(|sysbox| sysbox.address().clone()));
        // A restart of the VM would interrupt their steps.
        requires.extend(config.egress.as_ref().map(|_| Egress::own_address()));
        requires.extend(File::all(config).map(|file| file.address().clone()));
        Self {
            address: Self::address_of(&config.vm.name),
            requires,
            users: config.users.clone(),
            daemon: ProvisionDaemon::concerns(config),
            fresh: ProvisionDaemon::fresh(config),
            seccomp: config.docker.seccomp_profile.is_some(),
            strategy: config.restart.strategy,
            vm,
        }
    }

    /// The address of a VM's restart.
    pub fn address_of(name: &VmName) -> Address {
        Address::new(Kind::RESTART, name.as_str())
    }

    /// The keys that the daemon must have loaded or dropped.
    fn keys(&self, facts: &Facts) -> Vec<String> {
        let recorded = facts.recorded(&ProvisionDaemon::own_address());
        let names = recorded.iter().flat_map(|entry| entry.keys.keys());
        // An entry of an object takes effect with it.
        let names = names.map(|name| name.split('.').next().unwrap_or(name).to_owned());
        let mut keys = self.daemon.clone();
        keys.extend(names);
        let mut seen = BTreeSet::new();
        keys.retain(|key| seen.insert(key.clone()));
        keys
    }

    /// The groups that the login user's session should have.
    fn groups(&self, login: Option<&str>) -> Vec<String> {
        let is_login = |user: &&User| match &user.name {
            UserRef::LimaUser => true,
            UserRef::Named(name) => login == Some(name.as_str()),
        };
        let login = self.users.iter().filter(is_login);
        login.flat_map(|user| &user.groups).map(ToString::to_string).collect()
    }

    /// Those of them that its session needs.
    fn needed(&self, guest: &GuestFacts) -> Vec<String> {
        let groups = self.groups(Some(&guest.user)).into_iter();
        groups.filter(|group| guest.needs_group(group)).collect()
    }

    fn plan_running(&self, guest: &GuestFacts, context: PlanContext<'_>) -> Change {
        let facts = context.facts;
        let groups = self.needed(guest);
        let has = groups.iter().filter(|group| guest.session_groups.contains(*group));
        let loaded = daemon::unloaded(&self.keys(facts), guest, context, false).is_none();
        let session_has = has.cloned().collect();
        let before = State { session_has, daemon_json_loaded: loaded };
        let after = State { session_has: groups, daemon_json_loaded: true };
        let mut change = Change::between(&self.address, before, after);
        let mut pending = self.pending(guest, context);
        let ssh = self.vm.ssh(facts);
        let drops_profile = !self.seccomp && drops_profile(guest, context);
        let finish = |change| {
            let change = containers::start_left(change, guest, ssh.as_ref());
            if drops_profile { steps::drop_profile(change, ssh.as_ref()) } else { change }
        };
        if pending.reasons.is_empty() {
            let is_left = !guest.stopped_by_cai.is_empty() || drops_profile;
            change.action = if is_left { Action::Refresh } else { Action::NoOp };
            return finish(change);
        }
        change.action = Action::Refresh;
        if context.tried != Disruption::None && pending.session {
            pending.add(Disruption::VmRestart, Reason::RefreshHadNoEffect);
        }
        let way = match self.strategy {
            Strategy::Vm => Disruption::VmRestart,
            Strategy::Auto | Strategy::Never => pending.disruption,
        };
        change.reasons = pending.reasons;
        if way >= Disruption::DaemonRestart {
            let keeps = way == Disruption::DaemonRestart && keeps_containers(guest, context);
            change.hides = hidden_at_restart(guest, &self.vm.name, context, keeps).map(Box::new);
        }
        if way == Disruption::VmRestart {
            let change = finish(steps::restart_vm(change, guest, facts, &self.vm));
            return restrained(change, self.strategy);
        }
        let mut change = match way {
            Disruption::DaemonRestart => {
                let keeps_containers = keeps_containers(guest, context);
                if keeps_containers && daemon::is_bridge_kept(&change, guest) {
                    change = change.because(Reason::BridgeKept);
                }
                steps::daemon_restart(change, keeps_containers, guest, facts, &self.vm)
            }
            _ if pending.disruption == Disruption::Reload || daemon::has_daemon_reason(&change) => {
                steps::reload(change, facts, &self.vm)
            }
            _ => change,
        };
        change = finish(change);
        if pending.session {
            change = steps::session(change, facts, &self.vm);
            if self.strategy == Strategy::Auto {
                change = change.falling_back(Disruption::VmRestart, guest.containers.as_deref());
            }
        }
        restrained(change, self.strategy)
    }
}

/// Whether the seccomp profile of an earlier apply still exists although no key will name it. It is deleted
/// after the restart: until then, dockerd may start with the file that names it.
fn drops_profile(guest: &GuestFacts, context: PlanContext<'_>) -> bool {
    let daemon = ProvisionDaemon::own_address();
    let was_set = context.facts.sets(&daemon, SECCOMP_KEY);
    let due = due(guest, context).unwrap_or_default();
    was_set && guest.seccomp_profile.is_some() && !due.contains_key(SECCOMP_KEY)
}

impl Resource for Restart {
    fn address(&self) -> &Address {
        &self.address
    }

    fn requires(&self) -> Vec<Address> {
        self.requires.clone()
    }

    fn plan(&self, context: PlanContext<'_>) -> Change {
        match &context.facts.guest {
            Observation::Present(guest) => self.plan_running(guest, context),
            Observation::Absent => {
                let groups = self.groups(None);
                let wanted = State { session_has: groups.clone(), daemon_json_loaded: true };
                let mut pending = Pending::default();
                let (keys, way) = (self.fresh.clone(), daemon::way_for(&self.fresh));
                pending.add(
                    way,
                    Reason::DaemonWillPredate(DaemonKeys { keys, settings: Vec::new(), way }),
                );
                if !groups.is_empty() {
                    // Lima opens the session before the user is in any group.
                    let reason = Reason::SessionWillPredate(groups);
                    pending.add(Disruption::SessionRefresh, reason);
                }
                let mut change =
                    Change::create(&self.address, wanted).disturbing(pending.disruption, Some(&[]));
                if self.strategy != Strategy::Never {
                    change = change.falling_back(Disruption::VmRestart, Some(&[]));
                }
                change.reasons = pending.reasons;
                change.action = Action::Refresh;
                change
            }
            Observation::Unobservable(reason) => {
                let session_has = self.groups(context.facts.login_user());
                let wanted = State { session_has, daemon_json_loaded: true };
                // dockerd may run with an older configuration. The containers that it would stop are unknown.
                let worst = match self.strategy {
                    Strategy::Vm => Disruption::VmRestart,
                    Strategy::Auto | Strategy::Never => Disruption::DaemonRestart,
                };
                Change::deferred(&self.address, wanted, reason.clone()).falling_back(worst, None)
            }
        }
    }
}
