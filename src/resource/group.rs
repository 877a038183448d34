//! A group in the guest, with the number that the file says.

use super::record::{Record, Recorded};
use super::removal::{Removable, Removal};
use super::{
    PlanContext, Resource, Restart, Vm, group_membership, in_seen_guest, recorded, seen, unseen,
};
use crate::config::Config;
use crate::guest::{DOCKER_GROUP, GuestFacts, Operation};
use crate::lima::{GUEST_SOCKET, Ssh};
use crate::model::address::{Address, Kind};
use crate::model::value::Attributes;
use crate::model::{UnixName, VmName};
use crate::plan::{Change, Observation, Problem, Reason, Step};
use crate::resource::facts::Facts;

const GID: &str = "gid";

/// A group in the guest.
#[derive(Debug)]
pub struct Group {
    address: Address,
    vm: Address,
    vm_name: VmName,
    name: UnixName,
    gid: Option<u32>,
}

impl Group {
    /// All that the file declares.
    pub fn all(config: &Config) -> impl Iterator<Item = Self> + '_ {
        config.groups.iter().map(|group| Self {
            address: Self::address_of(&group.name),
            vm: Vm::own_address(config),
            vm_name: config.vm.name.clone(),
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
        let name: UnixName = config.vm.running.then(|| address.name.parse().ok())??;
        if config.users.iter().any(|user| user.groups.contains(&name)) {
            return None;
        }
        let of_this =
            |it: &Address| group_membership::parts(it).is_some_and(|(_, group)| group == name);
        let mut requires = vec![Vm::own_address(config)];
        requires.extend(record.addresses().filter(of_this));
        let stays = |name: &str| config.users.iter().any(|user| user.name.as_str() == name);
        let users = record.addresses().filter(|it| it.kind == Kind::USER && !stays(&it.name));
        let users: Vec<Address> = users.filter(|user| record.owns(user)).collect();
        let leaving = users.iter().map(|user| user.name.clone()).collect();
        // Its user goes first, and may take the group along.
        requires.extend(users.into_iter().filter(|user| user.name == name.as_str()));
        let former = Former { vm: config.vm.name.clone(), name, leaving };
        Some(Removal::new(address, requires, former).boxed())
    }

    fn attributes(&self, gid: Option<u32>) -> Attributes {
        let attributes = Attributes::default().with("name", self.name.as_str());
        match gid {
            Some(gid) => attributes.with(GID, gid),
            None => attributes,
        }
    }

    /// The problem if its id is taken.
    fn taken(&self, guest: &GuestFacts, context: PlanContext<'_>) -> Option<Problem> {
        let gid = self.gid?;
        let holder = guest.group_with(gid)?;
        let is_freed = context.frees(&Address::new(Kind::GROUP, holder), GID);
        (!is_freed).then(|| Problem::GidTaken { gid, holder: holder.to_owned() })
    }

    fn update(&self, guest: &GuestFacts, context: PlanContext<'_>, ssh: &Ssh) -> Change {
        let wanted = self.attributes(self.gid);
        let name = self.name.as_str();
        let number = self.gid.map(|gid| gid.to_string());
        let change = match guest.groups.get(name) {
            None => Change::create(&self.address, wanted).because(Reason::Absent),
            // Without a number in the file, any will do.
            Some(group) => Change::between(
                &self.address,
                self.attributes(self.gid.and(Some(group.gid))),
                wanted,
            ),
        };
        if change.is_without_effect() {
            return change;
        }
        if let Some(problem) = self.taken(guest, context) {
            return change.blocked(problem);
        }
        let exists = guest.groups.contains_key(name);
        let words: Vec<&str> = match (exists, &number) {
            (true, Some(gid)) => vec!["groupmod", "-g", gid, name],
            (_, Some(gid)) => vec!["groupadd", "-g", gid, name],
            (_, None) => vec!["groupadd", name],
        };
        let title = if exists { "give the group its number" } else { "make the group" };
        let change = change.step(Step::run(title, Operation::System(&words).command(ssh)));
        if name == DOCKER_GROUP && guest.socket.is_some() {
            // The socket was made with the old number.
            let words = ["chgrp", DOCKER_GROUP, GUEST_SOCKET];
            let chgrp = Operation::System(&words).command(ssh);
            return change.step(Step::run("give the Docker socket to the group", chgrp));
        }
        change
    }
}

impl Resource for Group {
    fn address(&self) -> &Address {
        &self.address
    }

    fn requires(&self) -> Vec<Address> {
        vec![self.vm.clone()]
    }

    fn notifies(&self) -> Vec<Address> {
        vec![Restart::address_of(&self.vm_name)]
    }

    fn plan(&self, context: PlanContext<'_>) -> Change {
        let facts = context.facts;
        match seen(facts, &self.vm_name) {
            Some((guest, ssh)) => self.update(guest, context, &ssh),
            None => unseen(&self.address, self.attributes(self.gid), facts, &self.vm),
        }
    }

    fn recorded(&self, facts: &Facts) -> Option<Recorded> {
        recorded(facts, |guest| guest.groups.contains_key(self.name.as_str()))
    }
}

/// A group that the file no longer declares.
#[derive(Debug)]
struct Former {
    vm: VmName,
    name: UnixName,
    /// The users that are deleted as well.
    leaving: Vec<String>,
}

impl Removable for Former {
    fn actual(&self, facts: &Facts) -> Observation<Attributes> {
        in_seen_guest(facts, |guest| {
            let group = guest.groups.get(self.name.as_str())?;
            Some(Attributes::default().with("name", self.name.as_str()).with(GID, group.gid))
        })
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
        let Some((_, ssh)) = seen(facts, &self.vm) else { return change };
        let command = Operation::System(&["groupdel", self.name.as_str()]).command(&ssh);
        change.step(Step::run("delete the group", command))
    }
}
