//! What the guest contributes: Docker, Sysbox, the keys of daemon.json, and users.

use serde_json::Value;
use toml::{Table, Value as Toml};

use super::{Draft, cannot_express, is_set};
use crate::config::{self, DockerSource};
use crate::guest::{DOCKER_GROUP, GuestFacts, provisioning};
use crate::model::SysboxVersion;
use crate::model::daemon_key::{DEFAULT_RUNTIME, SYSBOX_RUNTIME};

/// The first uid of a person's account in Debian and Ubuntu.
const FIRST_USER: u32 = 1000;
const NOBODY: u32 = 65534;

impl Draft {
    pub(super) fn guest(&mut self, guest: &GuestFacts) {
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
        self.daemon(&keys);
        self.users(guest);
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

    /// The login user, if it is not in the group docker, and the other people that are.
    fn users(&mut self, guest: &GuestFacts) {
        let user = |name: &str, groups: &[&str]| {
            let mut user = Table::new();
            user.insert("name".into(), name.into());
            user.insert(
                "groups".into(),
                groups.iter().map(|it| Toml::from(*it)).collect::<Vec<_>>().into(),
            );
            user
        };
        let mut users = Vec::new();
        if !guest.is_member(&guest.user, DOCKER_GROUP) {
            users.push(user("@lima", &[]));
        }
        for (name, account) in &guest.accounts {
            let is_person = (FIRST_USER..NOBODY).contains(&account.uid) && *name != guest.user;
            if is_person && guest.is_member(name, DOCKER_GROUP) {
                let mut user = user(name, &[DOCKER_GROUP]);
                user.insert("uid".into(), i64::from(account.uid).into());
                users.push(user);
            }
        }
        if !users.is_empty() {
            let users = users.into_iter().map(Toml::Table).collect::<Vec<_>>();
            self.set(&["users"], users);
        }
    }
}
