//! A group in the guest, with the gid that the file says.

use serde::Serialize;

use super::record::{Record, Recorded};
use super::removal::{Removable, Removal};
use super::vm_ref::{VmRef, in_seen_guest, recorded};
use super::{PlanContext, Resource, Restart, group_membership};
use crate::config::Config;
use crate::guest::{DOCKER_GROUP, GuestFacts};
use crate::lima::GUEST_SOCKET;
use crate::model::UnixName;
use crate::model::address::{Address, Kind};
use crate::plan::{Change, Observation, Problem, Reason, SideEffect};
use crate::resource::facts::Facts;

/// A declared group.
#[derive(Debug)]
pub struct Group {
    address: Address,
    vm: VmRef,
    name: UnixName,
    gid: Option<u32>,
}

/// The state of a group. Without a gid in the file, any gid is accepted.
#[derive(Debug, PartialEq, Serialize)]
struct State<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    gid: Option<u32>,
}

impl Group {
    /// All that the file declares.
    pub fn all(config: &Config) -> impl Iterator<Item = Self> + '_ {
        config.groups.iter().map(|group| Self {
            address: Self::address_of(&group.name),
            vm: VmRef::of(config),
            name: group.name.clone(),
            gid: group.gid,
        })
    }

    /// The address of a group.
    pub fn address_of(name: &UnixName) -> Address {
        Address::new(Kind::GROUP, name.as_str())
    }

    /// The address of a group, if the file declares it.
    pub fn declared(config: &Config, name: &UnixName) -> Option<Address> {
        config.groups.iter().any(|group| group.name == *name).then(|| Self::address_of(name))
    }

    /// The removal of a group that the file no longer declares, and that no declared user is in.
    pub fn removal(
        config: &Config,
        record: &Record,
        address: &Address,
    ) -> Option<Box<dyn Resource>> {
        let vm = VmRef::of(config);
        let name: UnixName = address.name().parse().ok()?;
        if config.users.iter().any(|user| user.groups.contains(&name)) {
            return None;
        }
        let of_this =
            |it: &Address| group_membership::parts(it).is_some_and(|(_, group)| group == name);
        let mut requires = vec![vm.address.clone()];
        requires.extend(record.addresses().filter(of_this));
        let stays = |name: &str| config.users.iter().any(|user| user.name.as_str() == name);
        let users = record.addresses().filter(|it| it.kind == Kind::USER && !stays(it.name()));
        let users: Vec<Address> = users.filter(|user| record.owns(user)).collect();
        let leaving = users.iter().map(|user| user.name().to_owned()).collect();
        // Its user is deleted first, which may delete the group as well.
        requires.extend(users.into_iter().filter(|user| user.name() == name.as_str()));
        Some(Removal::new(address, requires, Undeclared { vm, name, leaving }).boxed())
    }

    fn desired(&self) -> State<'_> {
        State { name: self.name.as_str(), gid: self.gid }
    }

    /// The problem if its gid is taken.
    fn taken(&self, guest: &GuestFacts, context: PlanContext<'_>) -> Option<Problem> {
        let gid = self.gid?;
        let holder = guest.group_with(gid)?;
        let frees =
            |effect: &SideEffect| matches!(effect, SideEffect::FreesGid(it) if it == holder);
        (!context.causes(frees)).then(|| Problem::GidTaken { gid, holder: holder.to_owned() })
    }

    fn update(&self, guest: &GuestFacts, context: PlanContext<'_>) -> Change {
        let (facts, desired, name) = (context.facts, self.desired(), self.name.as_str());
        let actual = actual(&self.name, guest);
        let change = match &actual {
            None => Change::create(&self.address, &desired).because(Reason::Absent),
            Some(State { gid, .. }) if desired.gid.is_none() || *gid == desired.gid => {
                return Change::unchanged(&self.address, desired);
            }
            Some(actual) => Change::between(&self.address, actual, &desired)
                .causing(SideEffect::FreesGid(name.to_owned()))
                .causing(SideEffect::RenumbersGroup(name.to_owned())),
        };
        if let Some(problem) = self.taken(guest, context) {
            return change.blocked(problem);
        }
        let gid = desired.gid.map(|gid| gid.to_string());
        let (title, command) = match (&actual, &gid) {
            (Some(_), Some(gid)) => ("change the group's gid", vec!["groupmod", "-g", gid, name]),
            (_, Some(gid)) => ("create the group", vec!["groupadd", "-g", gid, name]),
            (_, None) => ("create the group", vec!["groupadd", name]),
        };
        let change = self.vm.step(change, title, &command, facts);
        if name == DOCKER_GROUP && guest.socket.is_some() {
            // The socket was created with the old gid.
            let command = ["chgrp", DOCKER_GROUP, GUEST_SOCKET];
            return self.vm.step(change, "change the group of the Docker socket", &command, facts);
        }
        change
    }
}

fn actual<'a>(name: &'a UnixName, guest: &GuestFacts) -> Option<State<'a>> {
    let name = name.as_str();
    Some(State { name, gid: Some(guest.groups.get(name)?.gid) })
}

impl Resource for Group {
    fn address(&self) -> &Address {
        &self.address
    }

    fn requires(&self) -> Vec<Address> {
        vec![self.vm.address.clone()]
    }

    fn notifies(&self) -> Vec<Address> {
        vec![Restart::address_of(&self.vm.name)]
    }

    fn plan(&self, context: PlanContext<'_>) -> Change {
        match self.vm.seen(context.facts) {
            Some((guest, _)) => self.update(guest, context),
            None => self.vm.unseen(&self.address, self.desired(), context.facts),
        }
    }

    fn recorded(&self, facts: &Facts) -> Option<Recorded> {
        recorded(facts, |guest| guest.groups.contains_key(self.name.as_str()))
    }
}

/// A group that the file no longer declares.
#[derive(Debug)]
struct Undeclared {
    vm: VmRef,
    name: UnixName,
    /// The users that are deleted as well.
    leaving: Vec<String>,
}

impl Removable for Undeclared {
    type State<'a> = State<'a>;

    fn actual<'a>(&'a self, facts: &'a Facts) -> Observation<State<'a>> {
        in_seen_guest(facts, |guest| actual(&self.name, guest))
    }

    fn kept(&self, facts: &Facts) -> Option<&'static str> {
        let guest = facts.guest.present()?;
        let gid = guest.groups.get(self.name.as_str())?.gid;
        if self.name.as_str() == DOCKER_GROUP {
            return Some("kept: Docker needs it");
        }
        let mut others = guest.accounts.iter().filter(|(name, _)| !self.leaving.contains(name));
        let is_primary = others.any(|(_, account)| account.gid == gid);
        is_primary.then_some("kept: it is a user's primary group")
    }

    fn delete(&self, change: Change, facts: &Facts) -> Change {
        let name = self.name.as_str();
        let change = change.causing(SideEffect::FreesGid(name.to_owned()));
        self.vm.step(change, "delete the group", &["groupdel", name], facts)
    }
}
