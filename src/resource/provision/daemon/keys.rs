//! The keys of daemon.json: those that the file determines, and those that are in force after a plan.

use serde_json::{Map, Value, json};

use super::ProvisionDaemon;
use crate::config::Config;
use crate::guest::daemon_json::{SECCOMP_KEY, from_text};
use crate::guest::{GuestFacts, SECCOMP_PROFILE};
use crate::model::address::Kind;
use crate::model::daemon_key::{DEFAULT_RUNTIME, knows_runtime};
use crate::model::egress::NAMESERVER;
use crate::model::log_option::{has_log_option, log_driver};
use crate::plan::{Problem, SideEffect};
use crate::resource::PlanContext;
use crate::resource::provision::{SYSBOX_RUNTIME, network};

const LOG_OPTIONS: &str = "log-opts";
/// How the record names an entry of `runtimes`.
const RUNTIME: &str = "runtimes.";

impl ProvisionDaemon {
    /// The keys that this may write.
    pub(in crate::resource) fn concerns(config: &Config) -> Vec<String> {
        Self::concerned(&owned(config), config)
    }

    fn concerned(owned: &Map<String, Value>, config: &Config) -> Vec<String> {
        let mut keys: Vec<String> = owned.keys().cloned().collect();
        for key in network::KEYS.into_iter().chain([DEFAULT_RUNTIME]) {
            if config.sysbox.enabled && !owned.contains_key(key) {
                keys.push(key.into());
            }
        }
        keys
    }

    /// The keys that a new guest gets. Nobody has set a default runtime there that must be replaced.
    pub(in crate::resource) fn fresh(config: &Config) -> Vec<String> {
        let owned = owned(config);
        let mut keys = Self::concerned(&owned, config);
        keys.retain(|key| key != DEFAULT_RUNTIME || owned.contains_key(key));
        keys
    }

    /// The options that the declared log driver may not have. They stay in the file if it does not
    /// declare options.
    pub(super) fn log_options_left(
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
}

/// The keys, with each entry of `runtimes` as a key, because others register runtimes as well.
pub(super) fn flattened(mut keys: Map<String, Value>) -> Map<String, Value> {
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
        return Some(*problem);
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
pub(super) fn unknown_runtime(keys: &Map<String, Value>, guest: &GuestFacts) -> Option<Problem> {
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

/// Whether these keys register Sysbox.
pub(super) fn has_sysbox(keys: &Map<String, Value>) -> bool {
    keys.get("runtimes").is_some_and(|it| it.get(SYSBOX_RUNTIME).is_some())
}

/// Whether a key has a value that follows from another part of the file. `adopted` says whether someone else made
/// the VM, for which `cai` chooses fewer values.
pub(in crate::resource) fn is_derived(key: &str, value: &Value, adopted: bool) -> bool {
    match key {
        "dns" => *value == json!([NAMESERVER]),
        SECCOMP_KEY => value == SECCOMP_PROFILE,
        "live-restore" => !adopted && *value == true,
        key => !adopted && network::KEYS.contains(&key) && network::is_chosen(key, value),
    }
}

/// The keys that the file determines.
pub(super) fn owned(config: &Config) -> Map<String, Value> {
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
