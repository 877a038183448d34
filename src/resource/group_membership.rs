//! A guest user's membership in a group, as configured. Whether a session has it is another
//! question: see [`super::Restart`].

use super::record::{Record, Recorded};
use super::removal::{Removable, Removal};
use super::{
    Group, PlanContext, ProvisionDocker, Resource, Restart, User, Vm, in_seen_guest, seen, unseen,
};
use crate::config::{Config, nearest};
use crate::guest::{DOCKER_GROUP, GuestFacts, Operation};
use crate::lima::Ssh;
use crate::model::address::{Address, Kind};
use crate::model::value::{Attributes, Known};
use crate::model::{UnixName, UserRef, VmName};
use crate::plan::Observation;
use crate::plan::{Action, Change, Problem, Reason, Step};
use crate::resource::facts::Facts;

/// A user's membership in a group, or that there is none.
#[derive(Debug)]
pub struct GroupMembership {
    address: Address,
    requires: Vec<Address>,
    name: VmName,
    user: UserRef,
    group: UnixName,
    member: bool,
}

impl GroupMembership {
    /// All that the file declares: for each user its groups, and that a user of its own is in no
    /// other group that the file speaks of. Memberships of others are not its business.
    pub fn all(config: &Config) -> impl Iterator<Item = Self> + '_ {
        let docker = UnixName::docker();
        let known = move || {
            let declared = config.groups.iter().map(|group| group.name.clone());
            declared.chain([docker.clone()])
        };
        config.users.iter().flat_map(move |user| {
            let mut wanted: Vec<(UnixName, bool)> =
                user.groups.iter().map(|group| (group.clone(), true)).collect();
            for group in known() {
                // Who Lima's login user is shows in the guest.
                if user.name != UserRef::LimaUser && wanted.iter().all(|(name, _)| *name != group) {
                    wanted.push((group, false));
                }
            }
            wanted.into_iter().map(move |(group, member)| Self {
                address: Address::new(Kind::GROUP_MEMBERSHIP, format!("{}.{group}", user.name)),
                requires: requires(config, &user.name, &group),
                name: config.vm.name.clone(),
                user: user.name.clone(),
                group,
                member,
            })
        })
    }

    /// The removal of a membership that the file no longer declares.
    pub fn removal(config: &Config, _: &Record, address: &Address) -> Option<Box<dyn Resource>> {
        let (user, group) = config.vm.running.then(|| parts(address))??;
        let restart = vec![Restart::address_of(&config.vm.name)];
        let members = config.users.iter().filter(|user| user.groups.contains(&group));
        let members = members.map(|user| user.name.clone()).collect();
        let former = Former { vm: config.vm.name.clone(), user, group, members };
        let removal = Removal::new(address, vec![Vm::own_address(config)], former);
        Some(removal.before(restart).boxed())
    }

    /// The addresses of those of the login user.
    pub fn of_login_user(config: &Config) -> Vec<Address> {
        Self::all(config)
            .filter(|membership| membership.user == UserRef::LimaUser)
            .map(|membership| membership.address)
            .collect()
    }

    fn user<'a>(&'a self, facts: &'a Facts) -> Option<&'a str> {
        name(&self.user, facts)
    }

    fn attributes(&self, facts: &Facts, member: bool) -> Attributes {
        let user = self.user(facts).map_or(Known::Unknown, |user| Known::Known(user.into()));
        Attributes::default()
            .with_known("user", user)
            .with("group", self.group.as_str())
            .with("member", member)
    }

    fn update(&self, guest: &GuestFacts, context: PlanContext<'_>, ssh: &Ssh) -> Change {
        let user = self.user(context.facts).unwrap_or_default();
        let group = self.group.as_str();
        let is_member = guest.is_member(user, group);
        // Lima's login user has its own reasons to be in groups, also where the file calls it by name.
        let is_own = context.facts.owns(&self.address);
        let may_stay = !self.member && user == guest.user && !is_own;
        let wanted = self.attributes(context.facts, if may_stay { is_member } else { self.member });
        if may_stay || is_member == self.member {
            return Change::between(&self.address, wanted.clone(), wanted);
        }
        if !self.member {
            let actual = self.attributes(context.facts, true);
            let change = match context.facts.recorded(&self.address) {
                Some(_) => Change::delete(&self.address, actual).because(Reason::NoLongerDeclared),
                None => Change::between(&self.address, actual, wanted)
                    .because(Reason::Differs(vec!["member".into()])),
            };
            return leave(change, user, group, ssh);
        }
        let change = Change::create(&self.address, wanted).because(Reason::NotMember {
            user: user.to_owned(),
            configured: guest.groups_of(user),
        });
        let change = if user == guest.user && !guest.needs_group(group) {
            change.because(Reason::OwnsSocket(user.to_owned()))
        } else {
            change
        };
        let coming = self.comes_first(guest, context);
        match (guest.groups.contains_key(group), coming) {
            (true, _) => {
                let join = Operation::System(&["usermod", "-aG", group, user]).command(ssh);
                change.step(Step::run(format!("add {user} to {group}"), join))
            }
            (false, Some(address)) => change.because(Reason::After(address)),
            (false, None) => {
                let known: Vec<&str> = guest.groups.keys().map(String::as_str).collect();
                let meant = nearest(group, &known).map(str::to_owned);
                change.blocked(Problem::GroupMissing { group: group.to_owned(), meant })
            }
        }
    }

    /// What makes the group before this resource's turn.
    fn comes_first(&self, guest: &GuestFacts, context: PlanContext<'_>) -> Option<Address> {
        let address = Group::address_of(&self.group);
        let is_made = context
            .earlier(Kind::GROUP)
            .any(|change| change.address == address && change.action == Action::Create);
        let is_installed = self.group.as_str() == DOCKER_GROUP && !guest.dockerd_installed;
        match (is_made, is_installed) {
            (true, _) => Some(address),
            (false, true) => Some(ProvisionDocker::own_address()),
            (false, false) => None,
        }
    }
}

fn requires(config: &Config, user: &UserRef, group: &UnixName) -> Vec<Address> {
    let mut requires = vec![Vm::own_address(config)];
    if group.as_str() == DOCKER_GROUP {
        requires.push(ProvisionDocker::own_address());
    }
    requires.extend(Group::declared(config, group));
    if let UserRef::Named(name) = user {
        requires.push(User::address_of(name));
    }
    requires
}

impl Resource for GroupMembership {
    fn address(&self) -> &Address {
        &self.address
    }

    fn requires(&self) -> Vec<Address> {
        self.requires.clone()
    }

    fn notifies(&self) -> Vec<Address> {
        vec![Restart::address_of(&self.name)]
    }

    fn plan(&self, context: PlanContext<'_>) -> Change {
        let facts = context.facts;
        if let Some((guest, ssh)) = seen(facts, &self.name) {
            return self.update(guest, context, &ssh);
        }
        let wanted = self.attributes(facts, self.member);
        match (&facts.guest, self.member) {
            // A user who is not there is in no group.
            (Observation::Absent, false) => Change::between(&self.address, wanted.clone(), wanted),
            _ => unseen(&self.address, wanted, facts, &self.requires[0]),
        }
    }

    fn recorded(&self, facts: &Facts) -> Option<Recorded> {
        let guest = facts.guest.present()?;
        let exists = guest.is_member(self.user(facts)?, self.group.as_str());
        Some(Recorded { exists, is_declared: self.member, ..Recorded::default() })
    }
}

/// The user and the group of the membership at this address.
pub(super) fn parts(address: &Address) -> Option<(UserRef, UnixName)> {
    if address.kind != Kind::GROUP_MEMBERSHIP {
        return None;
    }
    let (user, group) = address.name.split_once('.')?;
    Some((user.parse().ok()?, group.parse().ok()?))
}

/// A membership that the file no longer declares.
#[derive(Debug)]
struct Former {
    vm: VmName,
    user: UserRef,
    group: UnixName,
    /// The declared members. The login user may be among them under its other name.
    members: Vec<UserRef>,
}

impl Former {
    fn user<'a>(&'a self, facts: &'a Facts) -> Option<&'a str> {
        name(&self.user, facts)
    }
}

impl Removable for Former {
    fn actual(&self, facts: &Facts) -> Observation<Attributes> {
        in_seen_guest(facts, |guest| {
            let (user, group) = (self.user(facts)?, self.group.as_str());
            let is_declared = self.members.iter().any(|it| name(it, facts) == Some(user));
            (!is_declared && guest.is_member(user, group)).then(|| {
                Attributes::default().with("user", user).with("group", group).with("member", true)
            })
        })
    }

    fn delete(&self, change: Change, facts: &Facts) -> Change {
        match (seen(facts, &self.vm), self.user(facts)) {
            (Some((_, ssh)), Some(user)) => leave(change, user, self.group.as_str(), &ssh),
            _ => change,
        }
    }
}

fn leave(change: Change, user: &str, group: &str, ssh: &Ssh) -> Change {
    let leave = Operation::System(&["gpasswd", "-d", user, group]).command(ssh);
    change.step(Step::run(format!("remove {user} from {group}"), leave))
}

/// The name of a user in the guest.
fn name<'a>(user: &'a UserRef, facts: &'a Facts) -> Option<&'a str> {
    match user {
        UserRef::LimaUser => facts.login_user(),
        UserRef::Named(name) => Some(name.as_str()),
    }
}
