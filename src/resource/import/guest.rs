//! What the guest contributes: Docker, Sysbox, the keys of daemon.json, and users.

use serde_json::Value;
use toml::{Table, Value as Toml};

use super::{Draft, cannot_express, is_set};
use crate::config::{self, DockerSource};
use crate::guest::{DOCKER_GROUP, GuestFacts, provisioning};
use crate::model::address::{Address, Kind};
use crate::model::daemon_key::{DEFAULT_RUNTIME, SYSBOX_RUNTIME};
use crate::model::{SysboxVersion, UserRef};
use crate::resource::facts::Facts;
use crate::resource::group_membership;
use crate::resource::provision::is_derived;
use crate::resource::record::Record;

/// The first uid of a person's account in Debian and Ubuntu.
const FIRST_USER: u32 = 1000;
const NOBODY: u32 = 65534;

impl Draft {
    pub(super) fn guest(&mut self, guest: &GuestFacts, facts: &Facts) {
        for source in [DockerSource::DockerCe, DockerSource::Distro] {
            let package = provisioning::package(source);
            if package.is_some_and(|package| guest.packages.contains_key(package)) {
                self.set(&["docker", "source"], provisioning::name(source));
            }
        }
        let mut keys = guest.daemon_json.keys().unwrap_or_default();
        match guest.packages.get(provisioning::SYSBOX_PACKAGE).map(|it| (it, SysboxVersion::of_package(it))) {
            Some((_, Some(version))) => self.sysbox(&version, &mut keys),
            Some((package, None)) => self.remark(format!(
                "The file cannot express the installed version of Sysbox, {package}, which stays unchanged."
            )),
            None => {}
        }
        let adopted = self.document.get("vm").is_some_and(|vm| vm.get("adopted").is_some());
        keys.retain(|key, value| !is_derived(key, value, adopted));
        self.daemon(&keys);
        self.groups(guest, facts);
        self.users(guest, facts);
    }

    /// Declares Sysbox, and removes the keys that it sets in daemon.json itself.
    fn sysbox(&mut self, version: &SysboxVersion, keys: &mut serde_json::Map<String, Value>) {
        self.set(&["sysbox", "enabled"], true);
        if *version != SysboxVersion::DEFAULT {
            self.set(&["sysbox", "version"], version.to_string());
        }
        if keys.get(DEFAULT_RUNTIME).is_some_and(|it| it == SYSBOX_RUNTIME) {
            keys.shift_remove(DEFAULT_RUNTIME);
            self.set(&["sysbox", "default_runtime"], true);
        }
        if let Some(Value::Object(runtimes)) = keys.get_mut("runtimes") {
            runtimes.shift_remove(SYSBOX_RUNTIME);
        }
        keys.retain(|_, value| is_set(value));
    }

    fn daemon(&mut self, keys: &serde_json::Map<String, Value>) {
        for (key, value) in keys {
            match Toml::try_from(value) {
                Ok(value) => self.set(&["docker", "daemon", key], value),
                // TOML cannot express null.
                Err(_) => self.remark(cannot_express(&config::layers::child("docker.daemon", key))),
            }
        }
    }

    /// The groups that an earlier file declared.
    fn groups(&mut self, guest: &GuestFacts, facts: &Facts) {
        let groups = recorded(facts, Kind::GROUP).filter_map(|address| {
            let gid = guest.groups.get(address.name())?.gid;
            let gid = ("gid".to_owned(), i64::from(gid).into());
            let name = ("name".to_owned(), address.name().into());
            Some(Toml::Table(Table::from_iter([name, gid])))
        });
        let groups: Vec<Toml> = groups.collect();
        if !groups.is_empty() {
            self.set(&["groups"], groups);
        }
    }

    /// The people in the group docker, and the users and memberships that an earlier file declared.
    fn users(&mut self, guest: &GuestFacts, facts: &Facts) {
        let login = user(&UserRef::LimaUser, &guest.user, guest, facts);
        let is_usual = login.get("groups") == Some(&Toml::from(vec![DOCKER_GROUP]));
        let is_recorded = |name: &str| recorded(facts, Kind::USER).any(|it| it.name() == name);
        let others = guest.accounts.iter().filter(|(name, account)| {
            let is_person = (FIRST_USER..NOBODY).contains(&account.uid);
            let joins = is_person && guest.is_member(name, DOCKER_GROUP);
            **name != guest.user && (joins || is_recorded(name))
        });
        let others = others.filter_map(|(name, account)| {
            let mut user = user(&name.parse().ok()?, name, guest, facts);
            user.insert("uid".into(), i64::from(account.uid).into());
            user.insert("shell".into(), account.shell.clone().into());
            Some(user)
        });
        let users: Vec<Table> = std::iter::once(login).chain(others).collect();
        if users.len() > 1 || !is_usual {
            let users = users.into_iter().map(Toml::Table).collect::<Vec<_>>();
            self.set(&["users"], users);
        }
    }
}

/// The recorded resources of a kind.
fn recorded(facts: &Facts, kind: Kind) -> impl Iterator<Item = Address> {
    let record = facts.record.iter();
    record.flat_map(Record::addresses).filter(move |address| address.kind == kind)
}

/// A user of the file, with its declared groups.
fn user(reference: &UserRef, name: &str, guest: &GuestFacts, facts: &Facts) -> Table {
    let declared = recorded(facts, Kind::GROUP_MEMBERSHIP);
    let declared = declared.filter_map(|address| group_membership::parts(&address));
    let declared =
        declared.filter(|(user, _)| user == reference).map(|(_, group)| group.to_string());
    let mut groups: Vec<String> = declared.chain([DOCKER_GROUP.to_owned()]).collect();
    groups.retain(|group| guest.is_member(name, group));
    groups.sort_unstable();
    groups.dedup();
    Table::from_iter([
        ("name".to_owned(), reference.to_string().into()),
        ("groups".to_owned(), groups.into()),
    ])
}
