//! A guest user's membership in a group, as configured. Whether a session has it is another
//! question: see [`super::Restart`].

pub(super) mod diagnosis;

use serde::Serialize;

use crate::config::{Config, nearest};
use crate::guest::{DOCKER_GROUP, GuestFacts};
use crate::model::address::{Address, Kind};
use crate::model::value::Known;
use crate::model::{UnixName, UserRef};
use crate::plan::Observation;
use crate::plan::{Action, Change, Problem, Reason, SideEffect};
use crate::resource::facts::Facts;
use crate::resource::record::{Record, Recorded};
use crate::resource::removal::{Removable, Removal};
use crate::resource::vm_ref::{VmRef, in_seen_guest};
use crate::resource::{Group, PlanContext, ProvisionDocker, Resource, Restart, User, Vm};

/// A user's membership in a group, or that the user is not a member.
#[derive(Debug)]
pub struct GroupMembership {
    address: Address,
    requires: Vec<Address>,
    vm: VmRef,
    user: UserRef,
    group: UnixName,
    member: bool,
}

/// The state of a membership. Lima's login user is unknown until the VM exists.
#[derive(Debug, PartialEq, Serialize)]
struct State<'a> {
    user: Known<&'a str>,
    group: &'a str,
    member: bool,
}

impl<'a> State<'a> {
    fn new(user: Option<&'a str>, group: &'a UnixName, member: bool) -> Self {
        Self { user: user.map_or(Known::Unknown, Known::Known), group: group.as_str(), member }
    }
}

impl GroupMembership {
    /// All that the file declares: for each user its groups, and that a declared user is in no other group
    /// of the file. Other memberships are not managed.
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
                // The name of Lima's login user is known only in the guest.
                if user.name != UserRef::LimaUser && wanted.iter().all(|(name, _)| *name != group) {
                    wanted.push((group, false));
                }
            }
            wanted.into_iter().map(move |(group, member)| Self {
                address: Self::address_of(&user.name, &group),
                requires: requires(config, &user.name, &group),
                vm: VmRef::of(config),
                user: user.name.clone(),
                group,
                member,
            })
        })
    }

    /// The removal of a membership that the file no longer declares.
    pub fn removal(config: &Config, _: &Record, address: &Address) -> Option<Box<dyn Resource>> {
        let vm = VmRef::of(config);
        let (user, group) = parts(address)?;
        let restart = vec![Restart::address_of(&config.vm.name)];
        let members = config.users.iter().filter(|user| user.groups.contains(&group));
        let members = members.map(|user| user.name.clone()).collect();
        let requires = vec![vm.address.clone()];
        let removal = Removal::new(address, requires, Undeclared { vm, user, group, members });
        Some(removal.before(restart).boxed())
    }

    fn address_of(user: &UserRef, group: &UnixName) -> Address {
        Address::new(Kind::GROUP_MEMBERSHIP, format!("{user}.{group}"))
    }

    /// The addresses of those of the login user.
    pub fn of_login_user(config: &Config) -> Vec<Address> {
        let login = config.users.iter().filter(|user| user.name == UserRef::LimaUser);
        let groups = login.flat_map(|user| user.groups.iter().map(|group| (&user.name, group)));
        groups.map(|(user, group)| Self::address_of(user, group)).collect()
    }

    fn state<'a>(&'a self, facts: &'a Facts, member: bool) -> State<'a> {
        State::new(name(&self.user, facts), &self.group, member)
    }

    fn update(&self, guest: &GuestFacts, context: PlanContext<'_>) -> Change {
        let facts = context.facts;
        let user = name(&self.user, facts).unwrap_or_default();
        let is_member = guest.is_member(user, self.group.as_str());
        // Lima's login user has its own reasons to be in groups, also where the file calls it by name.
        let is_own = facts.owns(&self.address);
        let may_stay = !self.member && user == guest.user && !is_own;
        if may_stay || is_member == self.member {
            return Change::unchanged(&self.address, self.state(facts, is_member));
        }
        if self.member {
            return self.join(user, guest, context);
        }
        let actual = self.state(facts, true);
        let change = match facts.recorded(&self.address) {
            Some(_) => Change::delete(&self.address, actual).because(Reason::NoLongerDeclared),
            None => {
                Change::between(&self.address, actual, self.state(facts, false)).because_differs()
            }
        };
        leave(change, user, &self.group, &self.vm, facts)
    }

    fn join(&self, user: &str, guest: &GuestFacts, context: PlanContext<'_>) -> Change {
        let (facts, group) = (context.facts, self.group.as_str());
        let joins = SideEffect::Joins { user: user.to_owned(), group: group.to_owned() };
        let change = Change::create(&self.address, self.state(facts, true))
            .because(Reason::NotMember {
                user: user.to_owned(),
                group: group.to_owned(),
                configured: guest.groups_of(user),
            })
            .causing(joins);
        let change = if user == guest.user && !guest.needs_group(group) {
            change.because(Reason::OwnsSocket(user.to_owned()))
        } else {
            change
        };
        match (guest.groups.contains_key(group), self.comes_first(guest, context)) {
            (true, _) => {
                let title = format!("add {user} to {group}");
                self.vm.step(change, &title, &["usermod", "-aG", group, user], facts)
            }
            (false, Some(address)) => change.because(Reason::After(address)),
            (false, None) => {
                let known: Vec<&str> = guest.groups.keys().map(String::as_str).collect();
                let meant = nearest(group, &known).map(str::to_owned);
                change.blocked(Problem::GroupMissing { group: group.to_owned(), meant })
            }
        }
    }

    /// The earlier change that creates the group.
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
        vec![Restart::address_of(&self.vm.name)]
    }

    fn plan(&self, context: PlanContext<'_>) -> Change {
        let facts = context.facts;
        if let Some((guest, _)) = self.vm.seen(facts) {
            return self.update(guest, context);
        }
        let desired = self.state(facts, self.member);
        if facts.guest == Observation::Absent && !self.member {
            // A user that does not exist is in no group.
            return Change::unchanged(&self.address, desired);
        }
        let change = self.vm.unseen(&self.address, desired, facts);
        // It would be deleted, which the plan must say.
        let is_former = !self.member && facts.recorded(&self.address).is_some();
        if is_former { change.because(Reason::NoLongerDeclared) } else { change }
    }

    fn recorded(&self, facts: &Facts) -> Option<Recorded> {
        let guest = facts.guest.present()?;
        let exists = guest.is_member(name(&self.user, facts)?, self.group.as_str());
        Some(Recorded { exists, is_declared: self.member, ..Recorded::default() })
    }
}

/// The user and the group of the membership at this address.
pub(super) fn parts(address: &Address) -> Option<(UserRef, UnixName)> {
    if address.kind != Kind::GROUP_MEMBERSHIP {
        return None;
    }
    let (user, group) = address.name().split_once('.')?;
    Some((user.parse().ok()?, group.parse().ok()?))
}

/// A membership that the file no longer declares.
#[derive(Debug)]
struct Undeclared {
    vm: VmRef,
    user: UserRef,
    group: UnixName,
    /// The declared members. The login user may be among them under its other name.
    members: Vec<UserRef>,
}

impl Removable for Undeclared {
    type State<'a> = State<'a>;

    fn actual<'a>(&'a self, facts: &'a Facts) -> Observation<State<'a>> {
        in_seen_guest(facts, |guest| {
            let user = name(&self.user, facts)?;
            let is_declared = self.members.iter().any(|it| name(it, facts) == Some(user));
            let is_there = !is_declared && guest.is_member(user, self.group.as_str());
            is_there.then(|| State::new(Some(user), &self.group, true))
        })
    }

    fn delete(&self, change: Change, facts: &Facts) -> Change {
        match name(&self.user, facts) {
            Some(user) => leave(change, user, &self.group, &self.vm, facts),
            None => change,
        }
    }
}

fn leave(change: Change, user: &str, group: &UnixName, vm: &VmRef, facts: &Facts) -> Change {
    let group = group.as_str();
    let change =
        change.causing(SideEffect::Leaves { user: user.to_owned(), group: group.to_owned() });
    let title = format!("remove {user} from {group}");
    vm.step(change, &title, &["gpasswd", "-d", user, group], facts)
}

/// The name of a user in the guest.
fn name<'a>(user: &'a UserRef, facts: &'a Facts) -> Option<&'a str> {
    match user {
        UserRef::LimaUser => facts.login_user(),
        UserRef::Named(name) => Some(name.as_str()),
    }
}
