//! `/etc/docker/daemon.json` in the guest: the declared keys, merged with those of others.

pub(in crate::resource) mod diagnosis;
mod keys;

use std::path::PathBuf;

use serde::Serialize;
use serde_json::{Map, Value};

pub(in crate::resource) use self::keys::{
    due, is_derived, is_kept_alive, keeps_containers, obstacle, written,
};
use self::keys::{flattened, owned, unknown_runtime};
use crate::config::Config;
use crate::guest::daemon_json::{EditableJson, SECCOMP_KEY};
use crate::guest::{self, Contents, GuestFacts, LoadedJson, Operation, SECCOMP_PROFILE};
use crate::lima::Ssh;
use crate::model::address::Address;
use crate::model::daemon_key::DEFAULT_RUNTIME;
use crate::plan::{Action, Change, Observation, Problem, Reason, SideEffect, Step};
use crate::resource::facts::{Facts, HostFile};
use crate::resource::provision::{SYSBOX_RUNTIME, hidden, network};
use crate::resource::record::{Keys, Loaded, Recorded, UndeclaredKeys};
use crate::resource::vm_ref::VmRef;
use crate::resource::{DataDisk, PlanContext, Pushed, Resource};

/// The daemon's configuration.
#[derive(Debug)]
pub struct ProvisionDaemon {
    address: Address,
    vm: VmRef,
    /// The disk with Docker's data.
    disk: Option<Address>,
    owned: Map<String, Value>,
    /// Whether Sysbox is wanted, which needs network keys.
    sysbox: bool,
    /// Whether someone else made the VM. If Docker has Sysbox already, its networks stay.
    adopted: bool,
    sysbox_is_default: bool,
    /// The seccomp profile on the host.
    seccomp: Option<PathBuf>,
}

/// The state of the configuration: the text of the file, and the SHA-256 of the seccomp profile.
#[derive(Debug, PartialEq, Serialize)]
struct State<'a> {
    #[serde(rename = "/etc/docker/daemon.json", skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(rename = "/etc/docker/cai-seccomp.json", skip_serializing_if = "Option::is_none")]
    profile: Option<&'a str>,
}

impl ProvisionDaemon {
    /// As the file declares it.
    pub fn new(config: &Config) -> Self {
        Self {
            address: Self::own_address(),
            vm: VmRef::of(config),
            disk: DataDisk::declared(config),
            owned: owned(config),
            sysbox: config.sysbox.enabled,
            adopted: config.vm.adopted,
            sysbox_is_default: config.sysbox.default_runtime,
            seccomp: config.docker.seccomp_profile.as_ref().map(PathBuf::from),
        }
    }

    /// Its address.
    pub fn own_address() -> Address {
        crate::resource::provision::address("daemon")
    }

    /// The desired file, given the present one and the keys to remove. If the keys already have their
    /// values, the text is unchanged.
    fn wanted(&self, present: &EditableJson, remove: &[String]) -> EditableJson {
        // Without keys, there is no reason to create the file.
        let mut json = present.clone();
        for key in remove {
            json.remove(key);
        }
        json.set(&self.owned);
        if self.sysbox {
            for key in network::displaced(&json.keys, &self.owned) {
                json.remove(key);
            }
            if !(self.adopted && keys::has_sysbox(&present.keys)) {
                json.set(&network::missing(&json.keys));
            }
        }
        let is_sysbox = json.keys.get(DEFAULT_RUNTIME).is_some_and(|it| it == SYSBOX_RUNTIME);
        if is_sysbox && !self.sysbox_is_default {
            json.set(&Map::from_iter([(DEFAULT_RUNTIME.into(), "runc".into())]));
        }
        json
    }

    /// The keys that it sets only if the file does not have them, or has Sysbox as its default runtime.
    fn conditional(&self, new: &Map<String, Value>) -> Vec<String> {
        let keys = new.keys().map(String::as_str).chain([DEFAULT_RUNTIME]);
        keys.filter(|key| !self.owned.contains_key(*key)).map(str::to_owned).collect()
    }

    /// The keys of the file, in terms of the record. `wanted` is the desired file if no key is removed.
    fn keys(
        &self,
        present: &EditableJson,
        wanted: &EditableJson,
        guest: &GuestFacts,
        facts: &Facts,
    ) -> Keys {
        let file = &guest.daemon_json;
        let mut declared = self.owned.clone();
        if self.sysbox {
            // They are the user's own, or chosen by `cai`. What the file declared before is neither.
            let is_former = |key: &str, value: &Value| {
                facts.sets(&self.address, key) && !network::is_chosen(key, value)
            };
            let network = network::KEYS.iter().filter_map(|key| wanted.keys.get_key_value(*key));
            let network = network.filter(|(key, value)| !is_former(key, value));
            for (key, value) in network {
                declared.entry(key.clone()).or_insert_with(|| value.clone());
            }
        }
        let runs = guest.docker_runs();
        let loaded = if runs && file.loaded == LoadedJson::Unknown {
            Loaded::Unknown
        } else {
            let mut keys = if runs { flattened(file.loaded_keys()) } else { Map::new() };
            if guest.seccomp_profile.is_some() {
                // The profile is deleted last.
                keys.insert(SECCOMP_KEY.into(), SECCOMP_PROFILE.into());
            }
            Loaded::Keys(keys)
        };
        let present = flattened(present.keys.clone());
        Keys { declared: flattened(declared), present, loaded, is_own: false }
    }

    /// The seccomp profile on the host.
    fn profile<'a>(&self, facts: &'a Facts) -> Option<&'a HostFile> {
        facts.files.get(self.seccomp.as_ref()?)
    }

    /// The SHA-256 of the seccomp profile on the host.
    fn profile_sum<'a>(&self, facts: &'a Facts) -> Option<&'a str> {
        self.profile(facts).map(|profile| profile.sha256.as_str())
    }

    fn update(&self, guest: &GuestFacts, facts: &Facts, ssh: &Ssh) -> Change {
        let file = &guest.daemon_json;
        let present = match file.editable() {
            Ok(present) => present,
            Err(why) => {
                let wanted = self.wanted(&EditableJson::default(), &[]);
                let state = State { text: Some(&wanted.text), profile: self.profile_sum(facts) };
                return Change::deferred(&self.address, state, Reason::Absent)
                    .blocked(Problem::DaemonJson(why.to_string()));
            }
        };
        let mut wanted = self.wanted(&present, &[]);
        let keys = self.keys(&present, &wanted, guest, facts);
        let UndeclaredKeys { remove, release } = facts.undeclared(&self.address, &keys);
        if !remove.is_empty() {
            wanted = self.wanted(&present, &remove);
        }
        let profile = guest.seccomp_profile.as_deref().filter(|_| self.seccomp.is_some());
        let actual = State { text: file.text.as_deref(), profile };
        // An empty file and one without keys mean the same.
        let is_unchanged = wanted.text == present.text;
        let text = if is_unchanged { actual.text } else { Some(wanted.text.as_str()) };
        let desired = State { text, profile: self.profile_sum(facts) };
        let change = Change::between(&self.address, &actual, &desired).retracting(remove, release);
        let (present, due) = (&present.keys, &wanted.keys);
        let problem = unknown_runtime(due, guest);
        if let Some(problem) = problem.or_else(|| self.log_options_left(present, due)) {
            // The problem must be shown even if the file needs no change.
            let is_unchanged = change.action == Action::NoOp;
            let action = if is_unchanged { Action::Refresh } else { change.action };
            return Change { action, ..change }.blocked(problem);
        }
        if actual == desired {
            return change;
        }
        let hides = hidden::by(guest, &self.vm.name, present, due);
        let change = change.because_differs().hiding_data(hides);
        self.write(change, &actual, &desired, guest, ssh)
    }

    /// The plan if the file was not observed, or the seccomp profile is missing on the host.
    fn unseen(&self, missing: Option<&PathBuf>, facts: &Facts) -> Change {
        let new = self.wanted(&EditableJson::default(), &[]);
        // A file that cannot be seen may have the other keys already.
        let mut shown = new.clone();
        if matches!(facts.guest, Observation::Unobservable(_)) {
            // It may also have to lose its last key.
            shown = EditableJson::new("{}\n");
            shown.set(&self.owned);
        }
        let state = State { text: Some(&shown.text), profile: self.profile_sum(facts) };
        if let Some(path) = missing {
            return Change::deferred(&self.address, state, Reason::Absent)
                .blocked(Problem::FileMissing(path.display().to_string()));
        }
        let change = self.vm.unseen(&self.address, state, facts);
        let new = new.keys;
        // A network key that does not fit beside the others goes as well.
        let former = facts.former_keys(&self.address, &flattened(new.clone()));
        let change = change.retracting(former.clone(), Vec::new());
        if change.action != Action::Deferred {
            return change;
        }
        // A key that goes may hide data as well.
        let mut keys = self.owned.clone();
        keys.extend(former.into_iter().map(|name| (name, Value::Bool(true))));
        change
            .because(Reason::MaySet(self.conditional(&new)))
            .hiding_data(hidden::possible(&self.vm.name, &keys))
    }

    /// Adds the steps that write what differs.
    fn write(
        &self,
        change: Change,
        actual: &State<'_>,
        desired: &State<'_>,
        guest: &GuestFacts,
        ssh: &Ssh,
    ) -> Change {
        let mut change = change;
        if let (Some(path), Some(sha256)) = (&self.seccomp, desired.profile)
            && actual.profile != desired.profile
        {
            let from = Contents::File(path);
            let (mode, owner) = ("644", ("root", "root"));
            change = Pushed { from, to: SECCOMP_PROFILE, sha256, mode, owner }
                .steps(change, "the seccomp profile", ssh)
                .causing(SideEffect::WritesSeccompProfile);
        }
        let Some(text) = desired.text else { return change };
        let change = change.causing(SideEffect::DaemonJson(text.to_owned()));
        if actual.text == desired.text {
            return change;
        }
        let file = &guest.daemon_json;
        let write = Operation::WriteDaemonJson {
            expected: file.sha256.clone(),
            loaded: match file.loaded {
                LoadedJson::Current => guest::LoadedCopy::Write,
                LoadedJson::Older(_) | LoadedJson::Unknown => guest::LoadedCopy::Keep,
            },
            text,
        };
        change.step(Step::run("write daemon.json", write.command(ssh)))
    }
}

impl Resource for ProvisionDaemon {
    fn address(&self) -> &Address {
        &self.address
    }

    fn requires(&self) -> Vec<Address> {
        [self.vm.address.clone()].into_iter().chain(self.disk.clone()).collect()
    }

    fn host_files(&self) -> Vec<PathBuf> {
        self.seccomp.clone().into_iter().collect()
    }

    fn plan(&self, context: PlanContext<'_>) -> Change {
        let facts = context.facts;
        let missing = self.seccomp.as_ref().filter(|path| !facts.files.contains_key(*path));
        match (missing, self.vm.seen(facts)) {
            (None, Some((guest, ssh))) => self.update(guest, facts, &ssh),
            _ => self.unseen(missing, facts),
        }
    }

    fn recorded(&self, facts: &Facts) -> Option<Recorded> {
        let guest = facts.guest.present()?;
        let exists = guest.daemon_json.text.is_some();
        let present = guest.daemon_json.editable().unwrap_or_default();
        let wanted = self.wanted(&present, &[]);
        let keys = self.keys(&present, &wanted, guest, facts);
        Some(Recorded { exists, is_declared: true, keys, path: None })
    }
}
