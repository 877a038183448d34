//! How dockerd's configuration differs from the file, and why no container can start with it.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::guest::daemon_json::from_text;
use crate::guest::{GuestFacts, SECCOMP_PROFILE};
use crate::model::daemon_key::{DEFAULT_RUNTIME, SYSBOX_RUNTIME, is_log_driver};
use crate::model::listed;
use crate::plan::{Change, Code, DaemonKeys, Finding, Reason, Repair, Severity, SideEffect};
use crate::resource::Case;

const FILE: &str = "/etc/docker/daemon.json";

/// How it differs from the file. `others` were found before it.
pub(in crate::resource) fn drift(
    case: &Case<'_>,
    guest: &GuestFacts,
    others: &[Finding],
) -> Option<Finding> {
    let told = |code| others.iter().any(|other| other.code == code);
    // That finding covers it: it comes with Docker, or keeps dockerd from starting.
    if told(Code::ProvisionFailed) {
        return None;
    }
    let finding = Finding::new(Code::DaemonJsonDrift, Case::daemon())
        .severity(Severity::Warning)
        .by_hand("cai apply")
        .repaired_by([Case::daemon(), case.restart()]);
    let written = case.effect(&Case::daemon());
    if let Some(problem) = written.and_then(|change| change.problem.as_ref()) {
        let finding = finding.because(problem.to_string()).by_hand(problem.hint());
        return (!told(Code::DockerdDown)).then_some(finding);
    }
    // Without a file, no other difference is drift.
    if !case.is_declared {
        return None;
    }
    let keys = written.map(|change| changed(change, guest, told)).unwrap_or_default();
    let unloaded = case.effect(&case.restart()).and_then(unloaded);
    let because = match &unloaded {
        _ if !keys.is_empty() => {
            format!("{FILE} in the guest differs from the file: {}", listed(&keys))
        }
        None => return None,
        Some(unloaded) if unloaded.keys.is_empty() => unloaded.to_string(),
        Some(unloaded) => format!("dockerd has not loaded {} of {FILE}", listed(&unloaded.keys)),
    };
    let unloaded = unloaded.map(DaemonKeys::all).unwrap_or_default();
    let keys: Vec<String> = keys.into_iter().collect();
    let hides = [written, case.effect(&case.restart())];
    let hides = hides.into_iter().flatten().find_map(|change| change.hides.as_ref());
    let finding = match hides {
        // It must be confirmed by name, like a replacement.
        Some(hides) => {
            let mut finding = finding.so(hides.to_string());
            finding.repair = Repair::None;
            finding.by_hand(format!("cai apply --allow-replace {}", case.name()))
        }
        None => finding,
    };
    let finding = finding.saw("keys", keys).saw("not_loaded", unloaded).because(because);
    let lacks_sysbox = case.config.sysbox.enabled
        && guest.docker_answers()
        && !guest.runtimes.iter().any(|name| name == SYSBOX_RUNTIME);
    Some(if lacks_sysbox && !told(Code::SysboxMissing) {
        finding
            .severity(Severity::Error)
            .saw("runtimes", guest.runtimes.clone())
            .so("dockerd does not know sysbox-runc, so no container can start with it")
    } else {
        finding
    })
}

/// The keys that a change alters, except those that another finding explains. Another file, such as the
/// seccomp profile, is listed by its path.
fn changed(change: &Change, guest: &GuestFacts, told: impl Fn(Code) -> bool) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for effect in &change.side_effects {
        match effect {
            SideEffect::WritesSeccompProfile => {
                names.insert(SECCOMP_PROFILE.to_owned());
            }
            SideEffect::DaemonJson(text) if guest.daemon_json.text.as_ref() != Some(text) => {
                let before = guest.daemon_json.keys().unwrap_or_default();
                names.extend(differing(before, from_text(text), &told));
            }
            _ => {}
        }
    }
    names
}

fn differing(
    mut before: Map<String, Value>,
    mut after: Map<String, Value>,
    told: impl Fn(Code) -> bool,
) -> Vec<String> {
    // The same keys, but not in the form that Sysbox's package can read.
    if before == after {
        return vec!["its layout".into()];
    }
    if told(Code::SysboxDefault) && before.get(DEFAULT_RUNTIME) == Some(&SYSBOX_RUNTIME.into()) {
        before.remove(DEFAULT_RUNTIME);
        after.remove(DEFAULT_RUNTIME);
    }
    // A purge of Sysbox's package removes its runtime from the file.
    if told(Code::SysboxMissing) {
        leave_out_runtime(&mut before);
        leave_out_runtime(&mut after);
    }
    let differs = |key: &&String| before.get(*key) != after.get(*key);
    after.keys().chain(before.keys()).filter(differs).cloned().collect()
}

fn leave_out_runtime(keys: &mut Map<String, Value>) {
    let runtimes = keys.get_mut("runtimes").and_then(Value::as_object_mut);
    let is_empty = runtimes.is_some_and(|runtimes| {
        runtimes.remove(SYSBOX_RUNTIME);
        runtimes.is_empty()
    });
    if is_empty {
        keys.remove("runtimes");
    }
}

/// What the running dockerd has not loaded.
fn unloaded(change: &Change) -> Option<&DaemonKeys> {
    change.reasons.iter().find_map(|reason| match reason {
        Reason::DaemonPredates(unloaded) => Some(unloaded),
        _ => None,
    })
}

/// The finding about an unknown log driver. dockerd starts with any log driver, but containers
/// do not (measured with Docker 20.10), so no container needs to be started to find this out.
pub(in crate::resource) fn log_driver(case: &Case<'_>, guest: &GuestFacts) -> Option<Finding> {
    let engine = guest.engine.as_ref()?;
    let driver = engine.in_force.get("log-driver")?.as_str()?;
    // If the list is empty, this dockerd does not report it.
    let is_known = engine.log_drivers.is_empty()
        || engine.log_drivers.iter().any(|name| name == driver)
        || is_log_driver(driver);
    (!is_known).then(|| {
        Finding::new(Code::ContainerStartFailed, Case::daemon())
            .saw("log_driver", driver)
            .saw("log_drivers", engine.log_drivers.clone())
            .because(format!("the log driver {driver} in daemon.json does not exist"))
            .so("no container can start, although `docker info` succeeds")
            .repaired_by([Case::daemon(), case.restart()])
            .by_hand("write log-driver = \"json-file\" under [docker.daemon], then run cai apply")
    })
}
