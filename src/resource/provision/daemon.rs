//! `/etc/docker/daemon.json` in the guest: the keys that the file owns, merged with what is there.

use serde_json::{Map, Value, json};

use super::{SYSBOX_RUNTIME, sysbox};
use crate::address::{Address, Kind};
use crate::config::Config;
use crate::facts::Facts;
use crate::guest::daemon_json::{SECCOMP_KEY, from_text, merged, to_text};
use crate::guest::{GuestFacts, Loaded, LoadedJson, Operation, SECCOMP_PROFILE};
use crate::lima::Ssh;
use crate::model::{SysboxVersion, VmName};
use crate::plan::{Change, Problem, Reason, Step};
use crate::resource::{PlanContext, Resource, Vm, seen, unseen};
use crate::value::{Attributes, Known};

/// The file, and the attribute that holds its text.
pub(in crate::resource) const FILE: &str = "/etc/docker/daemon.json";
/// The network that Sysbox's own package would set, where nobody set another one.
const BRIDGE: &str = "172.20.0.1/16";

/// The daemon's configuration.
#[derive(Debug)]
pub struct ProvisionDaemon {
    address: Address,
    vm: Address,
    name: VmName,
    owned: Map<String, Value>,
    /// The version of Sysbox that is wanted, if any.
    sysbox: Option<SysboxVersion>,
    sysbox_is_default: bool,
    seccomp: bool,
}

impl ProvisionDaemon {
    /// As the file declares it.
    pub fn new(config: &Config) -> Self {
        Self {
            address: Self::own_address(),
            vm: Vm::own_address(config),
            name: config.vm.name.clone(),
            owned: owned(config),
            sysbox: config.sysbox.enabled.then(|| config.sysbox.version.clone()),
            sysbox_is_default: config.sysbox.default_runtime,
            seccomp: config.docker.seccomp_profile.is_some(),
        }
    }

    /// Its address.
    pub fn own_address() -> Address {
        super::address("daemon")
    }

    /// The keys that this may write.
    pub(in crate::resource) fn concerns(config: &Config) -> Vec<String> {
        let mut keys: Vec<String> = owned(config).keys().cloned().collect();
        for key in ["bip", "default-address-pools", "default-runtime"] {
            if config.sysbox.enabled && !keys.iter().any(|own| own == key) {
                keys.push(key.into());
            }
        }
        keys
    }

    /// The file as it should be, given what is there.
    fn wanted(&self, present: &Map<String, Value>) -> Map<String, Value> {
        let mut wanted = merged(present, &self.owned);
        if self.sysbox.is_some() {
            wanted.entry("bip").or_insert_with(|| BRIDGE.into());
            wanted
                .entry("default-address-pools")
                .or_insert_with(|| json!([{"base": "172.25.0.0/16", "size": 24}]));
        }
        let default = wanted.get_mut("default-runtime");
        if let Some(default) = default
            && default == SYSBOX_RUNTIME
            && !self.sysbox_is_default
        {
            *default = "runc".into();
        }
        wanted
    }

    /// Whether Sysbox's package would find its network keys, which it looks for by text when it is
    /// installed: also in the place of another version.
    fn suits_sysbox(&self, guest: &GuestFacts, text: &str) -> bool {
        let found = |start: &str| {
            text.lines().any(|line| {
                line.starts_with(' ') && line.trim_start_matches(' ').starts_with(start)
            })
        };
        let is_to_come = |version: &SysboxVersion| !sysbox::is_installed(guest, version);
        !self.sysbox.as_ref().is_some_and(is_to_come)
            || (found("\"bip\": \"") && found("\"default-address-pools\""))
    }

    fn attributes(&self, text: Option<&str>, profile: Option<&str>) -> Attributes {
        let attributes = match text {
            Some(text) => Attributes::default().with(FILE, text),
            None => Attributes::default(),
        };
        match profile {
            Some(sha256) if self.seccomp => attributes.with(SECCOMP_PROFILE, sha256),
            _ => attributes,
        }
    }

    fn fresh(&self, facts: &Facts) -> Attributes {
        let profile = facts.seccomp_profile.as_ref().map(|profile| profile.sha256.as_str());
        self.attributes(Some(&to_text(&self.wanted(&Map::new()))), profile)
    }

    fn update(&self, guest: &GuestFacts, facts: &Facts, ssh: &Ssh) -> Change {
        let profile = facts.seccomp_profile.as_ref();
        let sha256 = profile.map(|profile| profile.sha256.as_str());
        let file = &guest.daemon_json;
        let present = match file.keys() {
            Ok(present) => present,
            Err(why) => {
                return Change::deferred(&self.address, self.fresh(facts), Reason::Absent)
                    .blocked(Problem::DaemonJson(why.to_string()));
            }
        };
        let wanted = self.wanted(&present);
        let text = file.text.as_deref();
        let as_it_is = wanted == present && self.suits_sysbox(guest, text.unwrap_or_default());
        let after = if as_it_is { text.map(str::to_owned) } else { Some(to_text(&wanted)) };
        let before = self.attributes(text, guest.seccomp_profile.as_deref());
        let after = self.attributes(after.as_deref(), sha256);
        let mut change = Change::between(&self.address, before, after);
        let changed = change.changed();
        if changed.is_empty() {
            return change;
        }
        change = change.because(Reason::Differs(changed.clone()));
        if let Some(profile) =
            profile.filter(|_| changed.iter().any(|name| name == SECCOMP_PROFILE))
        {
            let push = Operation::Push { from: profile.path.clone(), to: SECCOMP_PROFILE };
            change = change.step(Step::run("copy the seccomp profile", push.command(ssh)));
        }
        match change.after.get(FILE) {
            Some(Known::Known(Value::String(text))) if !as_it_is => {
                let write = Operation::WriteDaemonJson {
                    expected: file.sha256.clone(),
                    loaded: match file.loaded {
                        LoadedJson::Current => Loaded::Current,
                        LoadedJson::Older(_) | LoadedJson::Unknown => Loaded::Keep,
                    },
                    text,
                };
                let write = write.command(ssh);
                change.step(Step::run("write daemon.json", write))
            }
            _ => change,
        }
    }
}

/// The text that the plan writes before this.
pub(in crate::resource) fn written(context: PlanContext<'_>) -> Option<&Change> {
    let own = ProvisionDaemon::own_address();
    let mut earlier = context.earlier(Kind::Provision);
    earlier.find(|change| change.address == own && !change.is_without_effect())
}

/// Whether containers live on while the daemon reloads and then restarts: by what it will find in its
/// file, which somebody may have changed, and which only a part of the plan writes.
pub(in crate::resource) fn keeps_containers(guest: &GuestFacts, context: PlanContext<'_>) -> bool {
    let text = written(context).and_then(|change| change.after.text(FILE));
    let found = || guest.daemon_json.keys().unwrap_or_default();
    is_kept_alive(&text.map_or_else(found, from_text))
}

/// Whether they live on with these keys in force.
pub(in crate::resource) fn is_kept_alive(keys: &Map<String, Value>) -> bool {
    keys.get("live-restore") == Some(&Value::Bool(true))
}

/// The keys that the file determines.
fn owned(config: &Config) -> Map<String, Value> {
    let mut keys = Map::new();
    // So that a restart of the daemon keeps its containers.
    keys.insert("live-restore".into(), true.into());
    keys.extend(config.docker.daemon.clone());
    if config.docker.seccomp_profile.is_some() {
        keys.insert(SECCOMP_KEY.into(), SECCOMP_PROFILE.into());
    }
    if config.sysbox.enabled {
        let ours = json!({"runtimes": {SYSBOX_RUNTIME: {"path": "/usr/bin/sysbox-runc"}}});
        keys = merged(&keys, ours.as_object().unwrap_or(&Map::new()));
        if config.sysbox.default_runtime {
            keys.insert("default-runtime".into(), SYSBOX_RUNTIME.into());
        }
    }
    keys
}

impl Resource for ProvisionDaemon {
    fn address(&self) -> &Address {
        &self.address
    }

    fn requires(&self) -> Vec<Address> {
        vec![self.vm.clone()]
    }

    fn plan(&self, context: PlanContext<'_>) -> Change {
        let facts = context.facts;
        match seen(facts, &self.name) {
            Some((guest, ssh)) => self.update(guest, facts, &ssh),
            None => unseen(&self.address, self.fresh(facts), facts, &self.vm),
        }
    }
}
