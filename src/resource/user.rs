//! An account in the guest, besides Lima's own.

use serde::Serialize;

use super::record::{Record, Recorded};
use super::removal::{Removable, Removal};
use super::vm_ref::{VmRef, in_seen_guest, recorded};
use super::{Group, PlanContext, Resource, Vm, group_membership};
use crate::config::{self, Config};
use crate::guest::GuestFacts;
use crate::model::address::{Address, Kind};
use crate::model::{UnixName, UserRef};
use crate::plan::{Change, Observation, Problem, Reason, SideEffect};
use crate::resource::facts::Facts;

/// The member that keeps a group.
const ROOT: &str = "root";

/// A declared account.
#[derive(Debug)]
pub struct User {
    address: Address,
    account: Account,
    /// The declared group of the same name.
    group: Option<Address>,
    uid: Option<u32>,
    shell: Option<String>,
}

/// An account in the guest, declared or not.
#[derive(Debug)]
struct Account {
    vm: VmRef,
    name: UnixName,
    /// Whether the group of the same name stays. `userdel` would delete it if it has no members.
    keeps_group: bool,
}

/// The state of an account. Where the file leaves a field out, any value is accepted.
#[derive(Debug, PartialEq, Serialize)]
struct State<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    uid: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shell: Option<&'a str>,
}

impl User {
    /// All that the file declares. Lima creates its login user itself.
    pub fn all(config: &Config) -> impl Iterator<Item = Self> + '_ {
        config.users.iter().filter_map(|user| {
            let config::User { name: UserRef::Named(name), uid, shell, .. } = user else {
                return None;
            };
            Some(Self {
                address: Self::address_of(name),
                account: Account { vm: VmRef::of(config), name: name.clone(), keeps_group: true },
                group: Group::declared(config, name),
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
        let name: UnixName = address.name().parse().ok()?;
        let of_this = |it: &Address| {
            group_membership::parts(it)
                .is_some_and(|(user, _)| user == UserRef::Named(name.clone()))
        };
        let mut requires = vec![Vm::own_address(config)];
        requires.extend(record.addresses().filter(of_this));
        let group = Group::address_of(&name);
        let is_found = record.entry(&group).is_some() && !record.owns(&group);
        let keeps_group = is_found || Group::declared(config, &name).is_some();
        let account = Account { vm: VmRef::of(config), name, keeps_group };
        Some(Removal::new(address, requires, account).boxed())
    }

    fn desired(&self) -> State<'_> {
        State { name: self.account.name.as_str(), uid: self.uid, shell: self.shell.as_deref() }
    }

    /// The problem if its uid is taken.
    fn taken(&self, guest: &GuestFacts, context: PlanContext<'_>) -> Option<Problem> {
        let uid = self.uid?;
        let own = guest.accounts.get(self.account.name.as_str()).map(|account| account.uid);
        let holder = guest.user_with(uid).filter(|_| own != Some(uid))?;
        let frees =
            |effect: &SideEffect| matches!(effect, SideEffect::FreesUid(it) if it == holder);
        (!context.causes(frees)).then(|| Problem::UidTaken { uid, holder: holder.to_owned() })
    }

    fn update(&self, guest: &GuestFacts, context: PlanContext<'_>) -> Change {
        let facts = context.facts;
        let desired = self.desired();
        let change = match self.account.actual(facts).into_present() {
            None => Change::create(&self.address, &desired).because(Reason::Absent),
            Some(actual) => {
                let actual = State {
                    uid: desired.uid.and(actual.uid),
                    shell: desired.shell.and(actual.shell),
                    ..actual
                };
                if actual == desired {
                    return Change::unchanged(&self.address, desired);
                }
                let change = Change::between(&self.address, &actual, &desired).because_differs();
                if actual.uid == desired.uid {
                    change
                } else {
                    change.causing(SideEffect::FreesUid(actual.name.to_owned()))
                }
            }
        };
        if let Some(problem) = self.taken(guest, context) {
            return change.blocked(problem);
        }
        let is_new = change.before.is_none();
        if is_new && self.group.is_none() && guest.groups.contains_key(desired.name) {
            return change.blocked(group_exists(desired.name));
        }
        let uid = desired.uid.map(|uid| uid.to_string());
        // `useradd` refuses to create a group that exists (measured on Debian 12).
        let group = Some(desired.name).filter(|_| is_new && self.group.is_some());
        let change = match group {
            Some(_) => change.because(Reason::Note("its primary group is the declared group")),
            None => change,
        };
        let options = group.iter().flat_map(|group| ["-g", group]);
        let options = options.chain(uid.iter().flat_map(|uid| ["-u", uid]));
        let options = options.chain(desired.shell.iter().flat_map(|shell| ["-s", shell]));
        let (title, program): (_, &[&str]) = if is_new {
            ("create the account", &["useradd", "-m"])
        } else {
            ("change the account", &["usermod"])
        };
        let command: Vec<&str> =
            program.iter().copied().chain(options).chain([desired.name]).collect();
        self.account.vm.step(change, title, &command, facts)
    }
}

/// A group that is not declared must not become a primary group unseen.
fn group_exists(name: &str) -> Problem {
    Problem::Own {
        code: "user-group",
        text: format!("a group {name} exists in the guest, so useradd refuses the user"),
        hint: format!(
            "declare {name} under [[groups]] to make it the user's primary group, or choose another \
             name"
        ),
    }
}

impl Resource for User {
    fn address(&self) -> &Address {
        &self.address
    }

    fn requires(&self) -> Vec<Address> {
        [self.account.vm.address.clone()].into_iter().chain(self.group.clone()).collect()
    }

    fn plan(&self, context: PlanContext<'_>) -> Change {
        match self.account.vm.seen(context.facts) {
            Some((guest, _)) => self.update(guest, context),
            None => self.account.vm.unseen(&self.address, self.desired(), context.facts),
        }
    }

    fn recorded(&self, facts: &Facts) -> Option<Recorded> {
        recorded(facts, |guest| guest.accounts.contains_key(self.account.name.as_str()))
    }
}

impl Removable for Account {
    type State<'a> = State<'a>;

    fn actual<'a>(&'a self, facts: &'a Facts) -> Observation<State<'a>> {
        in_seen_guest(facts, |guest| {
            let account = guest.accounts.get(self.name.as_str())?;
            Some(State {
                name: self.name.as_str(),
                uid: Some(account.uid),
                shell: Some(&account.shell),
            })
        })
    }

    fn kept(&self, facts: &Facts) -> Option<&'static str> {
        let is_login = facts.login_user() == Some(self.name.as_str());
        is_login.then_some("kept: it is the login user of the VM")
    }

    fn delete(&self, change: Change, facts: &Facts) -> Change {
        let name = self.name.as_str();
        let change = change
            .because(Reason::Note("its home directory stays"))
            .causing(SideEffect::FreesUid(name.to_owned()));
        if !self.keeps_group {
            return self.vm.step(change, "delete the account", &["userdel", name], facts);
        }
        // `userdel` keeps a group that has a member.
        let change = self.vm.step(change, "keep the group", &["usermod", "-aG", name, ROOT], facts);
        let change = self.vm.step(change, "delete the account", &["userdel", name], facts);
        self.vm.step(change, "remove root from the group", &["gpasswd", "-d", ROOT, name], facts)
    }
}
