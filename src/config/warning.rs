//! Warnings about valid files.

mod sysbox;

use std::collections::BTreeMap;

use serde_json::Value;

use super::layers::child;
use super::suggest;
use super::types::{Config, Egress, Group, Lima};
use crate::model::daemon_key::DaemonKey;
use crate::model::egress::{DestinationHost, Target};
use crate::model::lima_disk::{DISKS, Disk, LONGEST_NAME};
use crate::model::log_option::{has_log_option, log_driver};
use crate::model::{UnixName, lima_yaml, listed, open_ended, spelled_out};

/// The address of this machine in a guest on Lima's default network.
const GATEWAY: &str = "192.168.5.2";

/// A warning about a valid file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The setting and its consequence, in one line.
    pub message: String,
    /// What to do about it.
    pub hint: String,
    /// The key that it is about; empty if it is about the whole file.
    pub key: String,
}

impl Warning {
    /// A warning about a key.
    pub fn new(
        key: impl Into<String>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self { message: message.into(), hint: hint.into(), key: key.into() }
    }
}

impl Config {
    /// The warnings, in the order of the file's tables.
    pub fn warnings(&self) -> Vec<Warning> {
        let mut warnings: Vec<Warning> = self.closed_lima().into_iter().collect();
        warnings.extend(self.unknown_lima_keys());
        warnings.extend(self.formatted_disks());
        warnings.extend(self.forwarded_agent());
        if self.docker.daemon.contains_key("hosts") {
            warnings.push(Warning::new(
                "docker.daemon.hosts",
                "`hosts` in daemon.json: the systemd unit of Docker's packages sets the sockets as \
                 well, and dockerd does not start if both do",
                "remove `hosts` from `[docker.daemon]`, unless the image has its own systemd unit",
            ));
        }
        warnings.extend(self.unknown_daemon_keys());
        warnings.extend(self.unknown_log_options());
        if self.sysbox.enabled {
            warnings.extend(self.old_sysbox());
            warnings.extend(self.remapped_sysbox());
            warnings.extend(self.arches().filter_map(|arch| self.missing_package(arch)));
        }
        warnings.extend(self.blocked_proxy());
        warnings.extend(self.undeclared_groups());
        warnings.extend(self.system_ids());
        warnings
    }

    /// A version such as "1.1" looks like a minimum but excludes the next major version.
    fn closed_lima(&self) -> Option<Warning> {
        let (required, release) = (&self.lima.version, Lima::RELEASE);
        let open = open_ended(required, &release)?;
        Some(Warning::new(
            "lima.version",
            format!(
                "`version` under [lima] means \"{}\", so Lima {release} is refused",
                spelled_out(required)
            ),
            format!("write version = \"{open}\" to accept later versions too"),
        ))
    }

    /// Lima looks for the label of a disk at every boot and formats a disk without it.
    fn formatted_disks(&self) -> impl Iterator<Item = Warning> {
        let disks = self.vm.lima.get(DISKS).and_then(Value::as_array).into_iter().flatten();
        let formats = |entry: &&Value| {
            let is_ext4 = entry.get("fsType").is_none_or(|kind| kind == "ext4");
            is_ext4 && entry.get("format") != Some(&Value::Bool(false))
        };
        let names = disks.filter(formats).filter_map(Disk::named_by);
        let long = names.filter(|name| name.len() > LONGEST_NAME);
        long.map(|name| {
            Warning::new(
                format!("vm.lima.{DISKS}"),
                format!(
                    "Lima formats the disk {} at every boot, because its name is longer than \
                     {LONGEST_NAME} bytes and ext4 truncates its label",
                    suggest::shown(name)
                ),
                "give the disk a shorter name, or write `format = false` once it is formatted",
            )
        })
    }

    /// Containers would wait for a proxy that the rules block. Only an address opens a private one.
    fn blocked_proxy(&self) -> Vec<Warning> {
        let Some(policy) = self.egress.as_ref().map(Egress::policy) else { return Vec::new() };
        let opens_some = |port| {
            let entries = policy.entries.iter().map(|entry| &entry.to);
            let mut entries = entries.filter(|to| matches!(to.host, DestinationHost::Network(_)));
            entries.any(|to| to.port == Some(port))
        };
        let proxies = self
            .proxy
            .iter()
            .flat_map(|proxy| [("proxy.http", &proxy.http), ("proxy.https", &proxy.https)]);
        let proxies = proxies.filter_map(|(key, address)| Some((key, address.as_ref()?)));
        let blocked = proxies.filter_map(|(key, address)| {
            let (local, port) = (address.is_local(), address.port());
            let host = if local { GATEWAY } else { address.host() };
            let target = Target { port: Some(port), ..host.parse::<Target>().ok()? };
            let is_allowed = policy.decide(&target).allows();
            let is_name = matches!(target.host, DestinationHost::Name(_));
            // An allowed name may have a private address, and an address in the list may be that of a name.
            let may_be_private = is_allowed && is_name && policy.block_private;
            if (is_allowed && !may_be_private) || (is_name && opens_some(port)) {
                return None;
            }
            let when = if may_be_private { " if its address is private" } else { "" };
            let what = match (local, may_be_private) {
                (true, _) => format!("add \"{GATEWAY}\", this machine in the VM,"),
                (false, true) => "add its address, not its name".to_owned(),
                (false, false) => "add it".to_owned(),
            };
            Some((key, address.to_string(), when, what))
        });
        // Both keys usually name the same proxy.
        let mut blocked: Vec<_> = blocked.collect();
        blocked.dedup_by(|(_, second, ..), (_, first, ..)| first == second);
        let warn = |(key, name, when, what): (&str, String, &str, String)| {
            Warning::new(
                key,
                format!("[egress] blocks containers from the proxy {name}{when}"),
                format!(
                    "{what} with the port to `allow` if containers need it; a proxy connects to \
                     anything that it permits"
                ),
            )
        };
        blocked.into_iter().map(warn).collect()
    }

    /// Whether the image has these groups is unknown until the VM exists.
    fn undeclared_groups(&self) -> impl Iterator<Item = Warning> {
        let is_declared = |name: &UnixName| self.groups.iter().any(|group| group.name == *name);
        let groups =
            self.users.iter().flat_map(|user| user.groups.iter().map(move |group| (group, user)));
        let unknown =
            groups.filter(move |(name, _)| !is_declared(name) && !Group::is_of_images(name));
        unknown.collect::<BTreeMap<_, _>>().into_iter().map(|(name, user)| {
            Warning::new(
                self.origin.element("users", "name", &user.name.to_string(), "groups"),
                format!("the group `{name}` of a user is not declared under [[groups]]"),
                "declare it, unless the image has it: a user cannot be added to a group that does not exist",
            )
        })
    }

    /// Debian's policy reserves the ids up to 99 for groups and users that are the same on every
    /// system.
    fn system_ids(&self) -> impl Iterator<Item = Warning> {
        let gids = self
            .groups
            .iter()
            .filter(|group| !Group::is_of_images(&group.name) || group.name == UnixName::docker());
        let gids = gids.filter_map(|group| Some(("gid", group.gid?, group.name.to_string())));
        let uids = self.users.iter();
        let uids = uids.filter_map(|user| Some(("uid", user.uid?, user.name.to_string())));
        gids.chain(uids).filter(|(_, id, _)| *id < 100).map(|(key, id, name)| {
            Warning::new(
                self.origin.element(
                    if key == "gid" { "groups" } else { "users" },
                    "name",
                    &name,
                    key,
                ),
                format!("{key} {id} of `{name}`: Debian and Ubuntu reserve the ids up to 99"),
                format!("choose a {key} of 100 or more, or leave {key} out"),
            )
        })
    }

    /// Lima ignores such a key and warns about it in the output of its commands.
    fn unknown_lima_keys(&self) -> Vec<Warning> {
        let unknown = lima_yaml::unknown(&Value::Object(self.vm.lima.clone()));
        let told = unknown.into_iter().map(|(path, name)| {
            let known = lima_yaml::names(&path);
            let hint = match suggest::nearest(&name, &known) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => "remove it, unless a newer Lima has it".to_owned(),
            };
            let place = if path.is_empty() { String::new() } else { format!(" in `{path}`") };
            let (word, name) = (name.clone(), suggest::shown(&name));
            let table =
                if path.is_empty() { "vm.lima".to_owned() } else { format!("vm.lima.{path}") };
            let message = format!("{name}{place} is not a key of Lima's YAML (2.2.0)");
            Warning::new(child(&table, &word), message, hint)
        });
        told.collect()
    }

    /// Root in the guest can use the agent while the connection exists.
    fn forwarded_agent(&self) -> Option<Warning> {
        let ssh = self.vm.lima.get("ssh")?;
        (ssh.get("forwardAgent") == Some(&true.into())).then(|| {
            Warning::new(
                "vm.lima.ssh.forwardAgent",
                "`ssh.forwardAgent`: root in the VM can use your SSH keys to log in to other machines",
                "remove `forwardAgent` from `[vm.lima]`, unless the VM needs it",
            )
        })
    }

    /// A newer dockerd may know more keys than `cai` does.
    fn unknown_daemon_keys(&self) -> Option<Warning> {
        let keys = self.docker.daemon.keys();
        let unknown: Vec<&String> = keys.filter(|key| DaemonKey::find(key).is_none()).collect();
        (!unknown.is_empty()).then(|| {
            Warning::new(
                unknown.first().map(|key| child("docker.daemon", key)).unwrap_or_default(),
                format!("unknown keys of daemon.json: {}", listed(unknown)),
                "check the documentation of your version of dockerd: dockerd does not start with an \
                 unknown key",
            )
        })
    }

    /// A newer dockerd may know more options of a log driver than `cai` does.
    fn unknown_log_options(&self) -> Option<Warning> {
        let daemon = &self.docker.daemon;
        let driver = log_driver(daemon);
        let options = daemon.get("log-opts")?.as_object()?.keys();
        let unknown: Vec<&String> =
            options.filter(|it| has_log_option(driver, it) == Some(false)).collect();
        (!unknown.is_empty()).then(|| {
            Warning::new(
                "docker.daemon.log-opts",
                format!("unknown options of log driver {driver}: {}", listed(unknown)),
                "remove them, or set the `log-driver` that has them: dockerd does not start with an \
                 unknown option",
            )
        })
    }
}
