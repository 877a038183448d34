//! An account in the guest, beside Lima's own.

use super::record::{Record, Recorded};
use super::removal::{Removable, Removal};
use super::{PlanContext, Resource, Vm, group_membership, in_seen_guest, recorded, seen, unseen};
use crate::config::{self, Config};
use crate::guest::{GuestFacts, Operation};
use crate::lima::Ssh;
use crate::model::address::{Address, Kind};
use crate::model::value::Attributes;
use crate::model::{UnixName, UserRef, VmName};
use crate::plan::{Change, Observation, Problem, Reason, Step};
use crate::resource::facts::Facts;

const UID: &str = "uid";

/// An account in the guest.
#[derive(Debug)]
pub struct User {
    address: Address,
    vm: Address,
    vm_name: VmName,
    name: UnixName,
    uid: Option<u32>,
    shell: Option<String>,
}

impl User {
    /// All that the file declares. Lima makes its login user itself.
    pub fn all(config: &Config) -> impl Iterator<Item = Self> + '_ {
        config.users.iter().filter_map(|user| {
            let config::User { name: UserRef::Named(name), uid, shell, .. } = user else {
                return None;
            };
            Some(Self {
                address: Self::address_of(name),
                vm: Vm::own_address(config),
                vm_name: config.vm.name.clone(),
                name: name.clone(),
                uid: *uid,
                shell: shell.clone(),
            })
        })
    }

    /// The address of an account.
    pub fn address_of(name: &UnixName) -> Address {
        Address::new(Kind::USER, name.as_str())
    }

    /// The removal of an account that the file no longer declares.
    pub fn removal(
        config: &Config,
        record: &Record,
        address: &Address,
    ) -> Option<Box<dyn Resource>> {
        let name: UnixName = config.vm.running.then(|| address.name.parse().ok())??;
        let of_this = |it: &Address| {
            group_membership::parts(it)
                .is_some_and(|(user, _)| user == UserRef::Named(name.clone()))
        };
        let mut requires = vec![Vm::own_address(config)];
        requires.extend(record.addresses().filter(of_this));
        let former = Former { vm: config.vm.name.clone(), name };
        Some(Removal::new(address, requires, former).boxed())
    }

    fn attributes(&self, uid: Option<u32>, shell: Option<&str>) -> Attributes {
        let mut attributes = Attributes::default().with("name", self.name.as_str());
        if let Some(uid) = uid {
            attributes = attributes.with(UID, uid);
        }
        match shell {
            Some(shell) => attributes.with("shell", shell),
            None => attributes,
        }
    }

    fn wanted(&self) -> Attributes {
        self.attributes(self.uid, self.shell.as_deref())
    }

    /// The problem if its id is taken.
    fn taken(&self, guest: &GuestFacts, context: PlanContext<'_>) -> Option<Problem> {
        let uid = self.uid?;
        let own = guest.accounts.get(self.name.as_str()).map(|account| account.uid);
        let holder = guest.user_with(uid).filter(|_| own != Some(uid))?;
        let is_freed = context.frees(&Address::new(Kind::USER, holder), UID);
        (!is_freed).then(|| Problem::UidTaken { uid, holder: holder.to_owned() })
    }

    fn update(&self, guest: &GuestFacts, context: PlanContext<'_>, ssh: &Ssh) -> Change {
        let change = self.change(guest, ssh);
        match self.taken(guest, context) {
            Some(problem) if !change.is_without_effect() => change.blocked(problem),
            _ => change,
        }
    }

    fn change(&self, guest: &GuestFacts, ssh: &Ssh) -> Change {
        let uid = self.uid.map(|uid| uid.to_string());
        let mut options = Vec::new();
        options.extend(uid.iter().flat_map(|uid| ["-u", uid]));
        options.extend(self.shell.iter().flat_map(|shell| ["-s", shell]));
        let name = self.name.as_str();
        match guest.accounts.get(name) {
            None => {
                let words = [&["useradd", "-m"], &options[..], &[name]].concat();
                Change::create(&self.address, self.wanted())
                    .because(Reason::Absent)
                    .step(Step::run("make the account", Operation::System(&words).command(ssh)))
            }
            Some(account) => {
                // What the file leaves out is left as it is.
                let shell = self.shell.as_ref().map(|_| account.shell.as_str());
                let actual = self.attributes(self.uid.and(Some(account.uid)), shell);
                let change = Change::between(&self.address, actual, self.wanted());
                if change.is_without_effect() {
                    return change;
                }
                let words = [&["usermod"], &options[..], &[name]].concat();
                let changed = change.changed();
                change
                    .because(Reason::Differs(changed))
                    .step(Step::run("change the account", Operation::System(&words).command(ssh)))
            }
        }
    }
}

impl Resource for User {
    fn address(&self) -> &Address {
        &self.address
    }

    fn requires(&self) -> Vec<Address> {
        vec![self.vm.clone()]
    }

    fn plan(&self, context: PlanContext<'_>) -> Change {
        let facts = context.facts;
        match seen(facts, &self.vm_name) {
            Some((guest, ssh)) => self.update(guest, context, &ssh),
            None => unseen(&self.address, self.wanted(), facts, &self.vm),
        }
    }

    fn recorded(&self, facts: &Facts) -> Option<Recorded> {
        recorded(facts, |guest| guest.accounts.contains_key(self.name.as_str()))
    }
}

/// An account that the file no longer declares.
#[derive(Debug)]
struct Former {
    vm: VmName,
    name: UnixName,
}

impl Removable for Former {
    fn actual(&self, facts: &Facts) -> Observation<Attributes> {
        in_seen_guest(facts, |guest| {
            let account = guest.accounts.get(self.name.as_str())?;
            let attributes = Attributes::default().with("name", self.name.as_str());
            Some(attributes.with(UID, account.uid).with("shell", account.shell.as_str()))
        })
    }

    fn kept(&self, facts: &Facts) -> Option<&'static str> {
        let is_login = facts.login_user() == Some(self.name.as_str());
        is_login.then_some("kept: it is the login user of the VM")
    }

    fn delete(&self, change: Change, facts: &Facts) -> Change {
        let Some((_, ssh)) = seen(facts, &self.vm) else { return change };
        let command = Operation::System(&["userdel", self.name.as_str()]).command(&ssh);
        change
            .because(Reason::Note("its home directory stays"))
            .step(Step::run("delete the account", command))
    }
}
