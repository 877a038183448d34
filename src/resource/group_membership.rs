//! A guest user's membership in a group, as configured. Whether a session has it is another
//! question: see [`super::Restart`].

use super::{PlanContext, Provision, Resource, Restart, Vm};
use crate::address::{Address, Kind};
use crate::config::Config;
use crate::facts::{Facts, Observation};
use crate::guest::GuestFacts;
use crate::lima::Ssh;
use crate::model::{UnixName, UserRef, VmName};
use crate::plan::{Change, Problem, Reason, Step};
use crate::value::{Attributes, Known};

/// The group that Docker's packages make.
pub(super) const DOCKER_GROUP: &str = "docker";

/// A user's membership in a group.
#[derive(Debug)]
pub struct GroupMembership {
    address: Address,
    vm: Address,
    name: VmName,
    user: UserRef,
    group: UnixName,
}

impl GroupMembership {
    /// All that the file declares.
    pub fn all(config: &Config) -> impl Iterator<Item = Self> + '_ {
        config.users.iter().flat_map(move |user| {
            user.groups.iter().map(move |group| Self {
                address: Address::new(Kind::GroupMembership, format!("{}.{group}", user.name)),
                vm: Vm::own_address(config),
                name: config.vm.name.clone(),
                user: user.name.clone(),
                group: group.clone(),
            })
        })
    }

    /// The addresses of those of the login user.
    pub fn of_login_user(config: &Config) -> Vec<Address> {
        Self::all(config)
            .filter(|membership| membership.user == UserRef::LimaUser)
            .map(|membership| membership.address)
            .collect()
    }

    fn user<'a>(&'a self, facts: &'a Facts) -> Option<&'a str> {
        match &self.user {
            UserRef::LimaUser => facts.login_user(),
            UserRef::Named(name) => Some(name.as_str()),
        }
    }

    fn wanted(&self, facts: &Facts) -> Attributes {
        let user = self.user(facts).map_or(Known::Unknown, |user| Known::Known(user.into()));
        Attributes::default()
            .with_known("user", user)
            .with("group", self.group.as_str())
            .with("member", true)
    }

    fn update(&self, guest: &GuestFacts, context: PlanContext<'_>, ssh: &Ssh) -> Change {
        let user = self.user(context.facts).unwrap_or_default();
        let group = self.group.as_str();
        let wanted = self.wanted(context.facts);
        if guest.is_member(user, group) {
            return Change::between(&self.address, wanted.clone(), wanted);
        }
        let change = Change::create(&self.address, wanted).because(Reason::NotMember {
            user: user.to_owned(),
            configured: guest.groups_of(user),
        });
        if !guest.groups.contains_key(group) {
            let coming = group == DOCKER_GROUP && !guest.dockerd_installed;
            return if coming {
                change.because(Reason::After(Provision::own_address()))
            } else {
                change.blocked(Problem::GroupMissing(group.to_owned()))
            };
        }
        change.step(Step::run(
            format!("add {user} to {group}"),
            ssh.run(&["sudo", "-n", "usermod", "-aG", group, user]),
        ))
    }
}

impl Resource for GroupMembership {
    fn address(&self) -> &Address {
        &self.address
    }

    fn requires(&self) -> Vec<Address> {
        if self.group.as_str() == DOCKER_GROUP {
            vec![self.vm.clone(), Provision::own_address()]
        } else {
            vec![self.vm.clone()]
        }
    }

    fn notifies(&self) -> Vec<Address> {
        vec![Restart::address_of(&self.name)]
    }

    fn plan(&self, context: PlanContext<'_>) -> Change {
        let facts = context.facts;
        let wanted = self.wanted(facts);
        match (&facts.guest, &facts.tools.ssh) {
            (Observation::Present(guest), Some(program)) => {
                let ssh = Ssh::new(program.clone(), &facts.directory, &self.name);
                self.update(guest, context, &ssh)
            }
            (Observation::Absent, _) => {
                Change::create(&self.address, wanted).because(Reason::After(self.vm.clone()))
            }
            (Observation::Unobservable(reason), _) => {
                Change::deferred(&self.address, wanted, reason.clone())
            }
            (_, None) => Change::create(&self.address, wanted).blocked(Problem::SshMissing),
        }
    }
}
