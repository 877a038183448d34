//! dockerd's configuration.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{Case, Code, Finding, Repair, Severity};
use crate::guest::GuestFacts;
use crate::model::daemon_key::{DEFAULT_RUNTIME, SYSBOX_RUNTIME};
use crate::model::listed;
use crate::plan::{Change, Reason};

const FILE: &str = "/etc/docker/daemon.json";

/// Where it is not the file's; `others` were found before it.
pub(super) fn judge(case: &Case<'_>, guest: &GuestFacts, others: &[Finding]) -> Option<Finding> {
    let told = |code| others.iter().any(|other| other.code == code);
    // There it comes with Docker, or is the reason why dockerd does not start, and is told there.
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
    let keys = written.map(|change| changed(change, told)).unwrap_or_default();
    let unloaded = case.effect(&case.restart()).map(unloaded).unwrap_or_default();
    let because = match (keys.is_empty(), unloaded.is_empty()) {
        (true, true) => return None,
        (false, _) => format!("{FILE} in the guest is not what the file says: {}", listed(&keys)),
        (true, false) => format!("dockerd has not loaded {} of {FILE}", listed(&unloaded)),
    };
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
fn changed(change: &Change, told: impl Fn(Code) -> bool) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = change.changed().into_iter().collect();
    if !names.remove(FILE) {
        return names;
    }
    let keys = |text: Option<&str>| -> Map<String, Value> {
        text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    };
    let mut before = keys(change.before.as_ref().and_then(|before| before.text(FILE)));
    let mut after = keys(change.after.text(FILE));
    // The same keys, and not in the form that Sysbox's package can read.
    if before == after {
        names.insert("its layout".into());
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
    let differing = after.keys().chain(before.keys()).filter(differs).cloned();
    names.into_iter().chain(differing).collect()
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

/// The keys that the running daemon has not loaded of the file as it is.
fn unloaded(change: &Change) -> Vec<String> {
    let keys = change.reasons.iter().filter_map(|reason| match reason {
        Reason::DaemonPredates(keys) => Some(keys.clone()),
        _ => None,
    });
    keys.flatten().collect()
}
