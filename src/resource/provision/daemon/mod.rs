//! `/etc/docker/daemon.json` in the guest: the declared keys, merged with those of others.

pub(in crate::resource) mod diagnosis;

use std::path::PathBuf;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::config::Config;
use crate::guest::daemon_json::{SECCOMP_KEY, edited, from_text, without};
use crate::guest::{self, Contents, GuestFacts, LoadedJson, Operation, SECCOMP_PROFILE};
use crate::lima::Ssh;
use crate::model::address::{Address, Kind};
use crate::model::daemon_key::{DEFAULT_RUNTIME, knows_runtime};
use crate::model::egress::NAMESERVER;
use crate::model::log_option::{has_log_option, log_driver};
use crate::plan::{Action, Change, Observation, Problem, Reason, SideEffect, Step};
use crate::resource::facts::{Facts, HostFile};
use crate::resource::provision::{SYSBOX_RUNTIME, hidden, network};
use crate::resource::record::{Keys, Loaded, Recorded, Undeclared};
use crate::resource::vm_ref::VmRef;
use crate::resource::{DataDisk, PlanContext, Pushed, Resource};

const LOG_OPTIONS: &str = "log-opts";
/// How the record names an entry of `runtimes`.
const RUNTIME: &str = "runtimes.";

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
            sysbox_is_default: config.sysbox.default_runtime,
            seccomp: config.docker.seccomp_profile.as_ref().map(PathBuf::from),
        }
    }

    /// Its address.
    pub fn own_address() -> Address {
        crate::resource::provision::address("daemon")
    }

    /// The keys that this may write.
    pub(in crate::resource) fn concerns(config: &Config) -> Vec<String> {
        let mut keys: Vec<String> = owned(config).keys().cloned().collect();
        for key in network::KEYS.into_iter().chain([DEFAULT_RUNTIME]) {
            if config.sysbox.enabled && !keys.iter().any(|own| own == key) {
                keys.push(key.into());
            }
        }
        keys
    }

    /// The keys that a new guest gets: it has no default runtime of someone else to replace.
    pub(in crate::resource) fn fresh(config: &Config) -> Vec<String> {
        let owned = owned(config);
        let mut keys = Self::concerns(config);
        keys.retain(|key| key != DEFAULT_RUNTIME || owned.contains_key(key));
        keys
    }

    /// The desired text of the file, given its present text and the keys to remove. If the keys
    /// already have their values, the text is unchanged.
    fn wanted(&self, present: &str, remove: &[String]) -> String {
        let text = remove.iter().fold(present.to_owned(), |text, key| without(&text, key));
        // Without keys, there is no reason to create the file.
        let mut text = if self.owned.is_empty() { text } else { edited(&text, &self.owned) };
        if self.sysbox {
            for key in network::displaced(&from_text(&text), &self.owned) {
                text = without(&text, key);
            }
            text = edited(&text, &network::missing(&from_text(&text)));
        }
        let default = from_text(&text).get(DEFAULT_RUNTIME).cloned();
        if default == Some(SYSBOX_RUNTIME.into()) && !self.sysbox_is_default {
            text = edited(&text, &Map::from_iter([(DEFAULT_RUNTIME.into(), "runc".into())]));
        }
        text
    }

    /// The keys that it sets only if the file does not have them, or has Sysbox as its default runtime.
    fn conditional(&self, new: &Map<String, Value>) -> Vec<String> {
        let keys = new.keys().map(String::as_str).chain([DEFAULT_RUNTIME]);
        keys.filter(|key| !self.owned.contains_key(*key)).map(str::to_owned).collect()
    }

    /// The keys of the file, in terms of the record.
    fn keys(&self, guest: &GuestFacts, facts: &Facts) -> Keys {
        let file = &guest.daemon_json;
        let text = file.text.as_deref().unwrap_or_default();
        let mut declared = self.owned.clone();
        if self.sysbox {
            // They are the user's own, or chosen by `cai`. What the file declared before is neither.
            let wanted = from_text(&self.wanted(text, &[]));
            let is_former = |key: &str, value: &Value| {
                facts.sets(&self.address, key) && !network::is_chosen(key, value)
            };
            let network = network::KEYS.iter().filter_map(|key| wanted.get_key_value(*key));
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
        let present = flattened(from_text(text));
        Keys { declared: flattened(declared), present, loaded, is_own: false }
    }

    /// The options that the declared log driver may not have. They stay in the file if it does not
    /// declare options.
    fn log_options_left(
        &self,
        present: &Map<String, Value>,
        due: &Map<String, Value>,
    ) -> Option<Problem> {
        let driver = log_driver(due);
        // dockerd does not check the options of `none`.
        if [log_driver(present), "none"].contains(&driver) || self.owned.contains_key(LOG_OPTIONS) {
            return None;
        }
        let options = due.get(LOG_OPTIONS)?.as_object()?.keys();
        let options = options.filter(|it| has_log_option(driver, it) != Some(true)).cloned();
        let options: Vec<String> = options.collect();
        let driver = driver.to_owned();
        (!options.is_empty()).then_some(Problem::LogOptionsLeft { driver, options })
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
        if let Err(why) = file.keys() {
            let text = self.wanted("", &[]);
            let state = State { text: Some(&text), profile: self.profile_sum(facts) };
            return Change::deferred(&self.address, state, Reason::Absent)
                .blocked(Problem::DaemonJson(why.to_string()));
        }
        let Undeclared { remove, release } =
            facts.undeclared(&self.address, &self.keys(guest, facts));
        let present = file.text.as_deref().unwrap_or_default();
        let wanted = self.wanted(present, &remove);
        let profile = guest.seccomp_profile.as_deref().filter(|_| self.seccomp.is_some());
        let actual = State { text: file.text.as_deref(), profile };
        // An empty file and one without keys mean the same.
        let text = if wanted == present { actual.text } else { Some(wanted.as_str()) };
        let desired = State { text, profile: self.profile_sum(facts) };
        let change = Change::between(&self.address, &actual, &desired).retracting(remove, release);
        let (present, due) = (from_text(present), from_text(&wanted));
        let problem = unknown_runtime(&due, guest);
        if let Some(problem) = problem.or_else(|| self.log_options_left(&present, &due)) {
            // The problem must be shown even if the file needs no change.
            let is_unchanged = change.action == Action::NoOp;
            let action = if is_unchanged { Action::Refresh } else { change.action };
            return Change { action, ..change }.blocked(problem);
        }
        if actual == desired {
            return change;
        }
        let hides = hidden::by(guest, &self.vm.name, &present, &due);
        let change = change.because_differs().hiding_data(hides);
        self.write(change, &actual, &desired, guest, ssh)
    }

    /// The plan if the file was not observed, or the seccomp profile is missing on the host.
    fn unseen(&self, missing: Option<&PathBuf>, facts: &Facts) -> Change {
        let new = self.wanted("", &[]);
        // A file that cannot be seen may have the other keys already.
        let is_hidden = matches!(facts.guest, Observation::Unobservable(_));
        let text = if is_hidden { edited("", &self.owned) } else { new.clone() };
        let state = State { text: Some(&text), profile: self.profile_sum(facts) };
        if let Some(path) = missing {
            return Change::deferred(&self.address, state, Reason::Absent)
                .blocked(Problem::FileMissing(path.display().to_string()));
        }
        let change = self.vm.unseen(&self.address, state, facts);
        let new = from_text(&new);
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
                LoadedJson::Current => guest::Loaded::Current,
                LoadedJson::Older(_) | LoadedJson::Unknown => guest::Loaded::Keep,
            },
            text,
        };
        change.step(Step::run("write daemon.json", write.command(ssh)))
    }
}

/// The keys, with each entry of `runtimes` as a key, because others register runtimes as well.
fn flattened(mut keys: Map<String, Value>) -> Map<String, Value> {
    if let Some(Value::Object(runtimes)) = keys.get("runtimes").cloned() {
        keys.shift_remove("runtimes");
        keys.extend(runtimes.into_iter().map(|(name, it)| (format!("{RUNTIME}{name}"), it)));
    }
    keys
}

/// The text of daemon.json after the changes before this one, if one of them writes to its directory.
pub(in crate::resource) fn written(context: PlanContext<'_>) -> Option<&str> {
    context.side_effects().find_map(|effect| match effect {
        SideEffect::DaemonJson(text) => Some(text.as_str()),
        _ => None,
    })
}

/// The keys of daemon.json after the changes before this one.
pub(in crate::resource) fn due(
    guest: &GuestFacts,
    context: PlanContext<'_>,
) -> Result<Map<String, Value>, Problem> {
    match written(context) {
        Some(text) => Ok(from_text(text)),
        None => guest.daemon_json.keys().map_err(|why| Problem::DaemonJson(why.to_string())),
    }
}

/// Why dockerd would not start: because of the file that a change before this one writes, or else because
/// of the present one.
pub(in crate::resource) fn obstacle(
    guest: &GuestFacts,
    context: PlanContext<'_>,
) -> Option<Problem> {
    let own = ProvisionDaemon::own_address();
    let mut earlier = context.earlier(Kind::PROVISION).filter(|change| change.address == own);
    if let Some(problem) = earlier.find_map(|change| change.problem.clone()) {
        return Some(problem);
    }
    match due(guest, context) {
        Ok(keys) => unknown_runtime(&keys, guest),
        Err(problem) => Some(problem),
    }
}

/// Whether containers keep running while dockerd reloads and then restarts: by the file that it will
/// find, which someone may have changed, and of which a plan writes only a part.
pub(in crate::resource) fn keeps_containers(guest: &GuestFacts, context: PlanContext<'_>) -> bool {
    is_kept_alive(&due(guest, context).unwrap_or_default())
}

/// Whether they live on with these keys in force.
pub(in crate::resource) fn is_kept_alive(keys: &Map<String, Value>) -> bool {
    keys.get("live-restore") == Some(&Value::Bool(true))
}

/// The default runtime in these keys, if dockerd does not know it. `containai.toml` never sets such a
/// runtime, because its check rejects it.
fn unknown_runtime(keys: &Map<String, Value>, guest: &GuestFacts) -> Option<Problem> {
    let name = match keys.get(DEFAULT_RUNTIME)? {
        Value::String(name) if name.is_empty() => return None,
        Value::String(name) => name,
        other => return Some(Problem::UnknownRuntime(other.to_string())),
    };
    let has =
        |keys: &Map<String, Value>| keys.get("runtimes").is_some_and(|it| it.get(name).is_some());
    // dockerd can also get a runtime from its command line.
    let is_flag = guest.engine.as_ref().is_some_and(|engine| has(&engine.in_force))
        && !has(&guest.daemon_json.loaded_keys());
    (!knows_runtime(keys, name) && !is_flag).then(|| Problem::UnknownRuntime(name.to_owned()))
}

/// The keys that the file determines.
fn owned(config: &Config) -> Map<String, Value> {
    let mut keys = Map::new();
    if !config.vm.adopted {
        // So that a restart of the daemon keeps its containers.
        keys.insert("live-restore".into(), true.into());
    }
    keys.extend(config.docker.daemon.clone());
    if config.egress.is_some() {
        // dockerd would ask a resolver on the guest's loopback itself, past the rules.
        keys.entry("dns").or_insert_with(|| json!([NAMESERVER]));
    }
    if config.docker.seccomp_profile.is_some() {
        keys.insert(SECCOMP_KEY.into(), SECCOMP_PROFILE.into());
    }
    if config.sysbox.enabled {
        let ours = json!({"path": "/usr/bin/sysbox-runc"});
        // The file was checked: it is an object.
        if let Value::Object(runtimes) = keys.entry("runtimes").or_insert_with(|| json!({})) {
            runtimes.insert(SYSBOX_RUNTIME.into(), ours);
        }
        if config.sysbox.default_runtime {
            keys.insert(DEFAULT_RUNTIME.into(), SYSBOX_RUNTIME.into());
        }
    }
    keys
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
        Some(Recorded { exists, is_declared: true, keys: self.keys(guest, facts), path: None })
    }
}
