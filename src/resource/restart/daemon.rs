//! The running daemon, against its configuration.

use std::collections::BTreeSet;

use crate::guest::daemon_json::{SECCOMP_KEY, from_text};
use crate::guest::{DockerdSettings, GuestFacts, LoadedJson};
use crate::model::daemon_key::{Effect, effect};
use crate::plan::{Change, DaemonKeys, Disruption, Reason, SideEffect};
use crate::resource::provision::written;
use crate::resource::{PlanContext, ProvisionDaemon};

/// The part of its configuration that the running daemon has not loaded.
pub(super) struct Unloaded {
    pub(super) reason: Reason,
    /// How it loads it.
    pub(super) way: Disruption,
}

/// The keys and settings that the running daemon has not loaded, or will not have loaded once they are
/// written.
pub(super) fn unloaded(
    owned: &[String],
    guest: &GuestFacts,
    context: PlanContext<'_>,
    vm_restarts: bool,
) -> Option<Unloaded> {
    let (keys, mut way, writes_keys) = unloaded_keys(owned, guest, context, vm_restarts);
    let (settings, writes_settings) = unloaded_settings(guest, context, vm_restarts);
    if keys.is_empty() && settings.is_empty() {
        return None;
    }
    if !settings.is_empty() {
        way = Disruption::DaemonRestart;
    }
    let keys = DaemonKeys { keys, settings, way };
    let is_planned = writes_keys || writes_settings;
    let reason = if is_planned { Reason::DaemonWillPredate } else { Reason::DaemonPredates };
    Some(Unloaded { reason: reason(keys), way })
}

/// The settings outside `daemon.json` that a restart loads, and whether the plan changes one.
fn unloaded_settings(
    guest: &GuestFacts,
    context: PlanContext<'_>,
    vm_restarts: bool,
) -> (Vec<DockerdSettings>, bool) {
    let planned = context.side_effects().filter_map(|effect| match effect {
        SideEffect::DockerdSettings(settings) => Some(*settings),
        _ => None,
    });
    // A VM that restarts boots before they are written. A dockerd that does not run reads them when it starts.
    let planned: Vec<_> = planned.filter(|_| guest.docker_runs() || vm_restarts).collect();
    let due = guest.not_loaded.iter().copied().filter(|_| guest.docker_runs() && !vm_restarts);
    let is_planned = !planned.is_empty();
    let all: BTreeSet<DockerdSettings> = due.chain(planned).collect();
    (all.into_iter().collect(), is_planned)
}

/// The keys of `daemon.json` that the running daemon has not loaded, or will not have loaded; how it loads
/// them; and whether the plan writes them.
fn unloaded_keys(
    owned: &[String],
    guest: &GuestFacts,
    context: PlanContext<'_>,
    vm_restarts: bool,
) -> (Vec<String>, Disruption, bool) {
    let none = (Vec::new(), Disruption::None, false);
    let text = written(context);
    let profile = context.causes(|effect| *effect == SideEffect::WritesSeccompProfile)
        || (guest.daemon_json.profile_is_newer && !vm_restarts);
    let present = guest.daemon_json.keys().unwrap_or_default();
    let (loaded, due) = match (text, vm_restarts) {
        // A VM that boots before the file is written starts the daemon with the old one.
        (Some(text), true) => (present, from_text(text)),
        (Some(text), false) if guest.docker_runs() => {
            (guest.daemon_json.loaded_keys(), from_text(text))
        }
        (None, false) if guest.docker_runs() => (guest.daemon_json.loaded_keys(), present),
        _ => return none,
    };
    // dockerd's report is more reliable than the times of the files.
    let reported = |key: &str| {
        let engine = guest.engine.as_ref().filter(|_| !vm_restarts)?;
        engine.has(key, due.get(key)?)
    };
    // If the loaded file is unknown, dockerd may still run with a key that `cai` removed.
    let is_unknown = guest.daemon_json.loaded == LoadedJson::Unknown && !vm_restarts;
    let daemon = ProvisionDaemon::own_address();
    let may_be_loaded =
        |key: &str| is_unknown && !due.contains_key(key) && context.facts.sets(&daemon, key);
    let differs = |key: &str| loaded.get(key) != due.get(key) || may_be_loaded(key);
    let lacks = |key: &&String| {
        let is_loaded = reported(key).unwrap_or_else(|| !differs(key));
        !is_loaded || (profile && *key == SECCOMP_KEY)
    };
    let keys: Vec<String> = owned.iter().filter(lacks).cloned().collect();
    // If a reload is recorded but dockerd reports the old value, only a restart can load it.
    let needs_restart = |key: &String| {
        effect(key, loaded.get(key), due.get(key)) != Effect::Reload || !differs(key)
    };
    let way =
        if keys.iter().any(needs_restart) { Disruption::DaemonRestart } else { Disruption::Reload };
    if keys.is_empty() { none } else { (keys, way, text.is_some()) }
}

/// How a daemon that has loaded none of these keys loads them.
pub(super) fn way_for(keys: &[String]) -> Disruption {
    if keys.iter().all(|key| effect(key, None, None) == Effect::Reload) {
        Disruption::Reload
    } else {
        Disruption::DaemonRestart
    }
}

pub(super) fn has_daemon_reason(change: &Change) -> bool {
    let is_daemon =
        |it: &Reason| matches!(it, Reason::DaemonPredates(_) | Reason::DaemonWillPredate(_));
    change.reasons.iter().any(is_daemon)
}

/// The keys that dockerd must load according to a reason.
fn daemon_keys(reason: &Reason) -> &[String] {
    match reason {
        Reason::DaemonPredates(unloaded) | Reason::DaemonWillPredate(unloaded) => &unloaded.keys,
        _ => &[],
    }
}

/// Whether dockerd would keep the old address of its bridge: it does while any container runs (measured with
/// Docker 20.10).
pub(super) fn is_bridge_kept(change: &Change, guest: &GuestFacts) -> bool {
    guest.containers.as_ref().is_none_or(|list| !list.is_empty())
        && change.reasons.iter().flat_map(daemon_keys).any(|key| key == "bip")
}
