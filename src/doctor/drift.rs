//! What differs from the file, and keeps nothing from working.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Case, Code, Finding, Repair, Severity, treatment};
use crate::lima::Override;
use crate::model::address::{Address, Kind};
use crate::model::listed;
use crate::model::redact;
use crate::model::value::Known;
use crate::plan::{Action, Change, Reason};

/// Where these are found, what else differs cannot be known, or is no matter yet.
const BLINDING: [Code; 5] = [
    Code::SshMissing,
    Code::SocketPathTooLong,
    Code::VmBroken,
    Code::VmStarting,
    Code::VmUnreachable,
];
/// The longest value that is evidence and not a text.
const SHORT: usize = 60;

/// What is left of the plan when `found` are taken from it. Without a file there is no wish that
/// anything could differ from.
pub(super) fn judge(case: &Case<'_>, found: &[Finding]) -> Vec<Finding> {
    let is_blind =
        |finding: &Finding| finding.repair == Repair::All || BLINDING.contains(&finding.code);
    if !case.is_declared || found.iter().any(is_blind) {
        return Vec::new();
    }
    let told: BTreeSet<&Address> = found.iter().flat_map(mended).collect();
    let mut findings: Vec<Finding> = vm(case).into_iter().chain(overridden(case)).collect();
    // What is inside of a VM that is made anew is new, too.
    if case.effect(&case.vm()).is_some_and(|change| change.action == Action::Replace) {
        return findings;
    }
    let is_machine = |reason: &Reason| matches!(reason, Reason::MachineDiffers { .. });
    let rest = case.plan.effective().filter(|change| {
        !told.contains(&change.address)
            && change.address.kind != Kind::VM
            && change.action != Action::Deferred
            && !(change.address.kind == Kind::RESTART && change.reasons.iter().any(is_machine))
            && !follows(change, case)
    });
    let rest: Vec<&Change> = rest.collect();
    findings.extend(others(case, &rest));
    findings
}

/// What is told by a finding: its resource, and what mends it.
fn mended(finding: &Finding) -> impl Iterator<Item = &Address> {
    let repair = match &finding.repair {
        Repair::Only(addresses) => addresses.as_slice(),
        Repair::All | Repair::None => &[],
    };
    finding.address.iter().chain(repair)
}

/// Whether a restart only follows what is planned before it, which is told itself.
fn follows(change: &Change, case: &Case<'_>) -> bool {
    let is_after = |reason: &Reason| {
        matches!(reason, Reason::SessionWillPredate(_) | Reason::DaemonWillPredate(_))
    };
    let others = || case.plan.effective().filter(|other| other.address != change.address);
    change.address.kind == Kind::RESTART
        && change.reasons.iter().all(is_after)
        && others().next().is_some()
}

fn vm(case: &Case<'_>) -> Option<Finding> {
    let change = case.effect(&case.vm()).filter(|change| change.action != Action::Deferred);
    let restart = case.effect(&case.restart());
    let runs = restart.into_iter().flat_map(|change| &change.reasons);
    let runs: Vec<&Reason> =
        runs.filter(|reason| matches!(reason, Reason::MachineDiffers { .. })).collect();
    if change.is_none() && runs.is_empty() {
        return None;
    }
    let mut finding = Finding::new(Code::VmDrift, change.map_or(case.restart(), |_| case.vm()))
        .severity(Severity::Warning)
        .repaired_by([case.vm(), case.restart(), case.socket()])
        .by_hand("cai apply");
    let names = change.map(Change::changed).unwrap_or_default();
    let mut causes: Vec<String> = runs.iter().map(ToString::to_string).collect();
    if let (Some(change), false) = (change, names.is_empty()) {
        let (before, after) = change.shown();
        for name in &names {
            let before = before.as_ref().and_then(|before| shown(name, before.get(name)));
            finding = finding.saw(name, pair(before, shown(name, after.get(name))));
        }
        causes.push(format!("the VM's {} are not what the file says", listed(&names)));
    }
    for reason in &runs {
        if let Reason::MachineDiffers { what, runs, configured } = reason {
            finding = finding.saw(what, pair(Some(runs.clone()), Some(configured.clone())));
        }
    }
    if change.is_some_and(|change| change.action == Action::Replace) {
        finding.repair = Repair::None;
        finding = finding.by_hand(format!("cai apply --allow-replace {}", case.name()));
    }
    Some(finding.because(causes.join("; ")))
}

/// What the user's own files of Lima say about every VM.
fn overridden(case: &Case<'_>) -> Option<Finding> {
    let changes = case.plan.changes.iter().filter(|change| change.address == case.vm());
    let reasons = changes.flat_map(|change| &change.reasons);
    let told = reasons.filter_map(|reason| match reason {
        Reason::Overridden(told) => Some((told, reason.to_string())),
        _ => None,
    });
    let (told, why): (Vec<&Override>, Vec<String>) = told.unzip();
    let file = &told.first()?.file;
    let keys: Vec<String> = told.iter().map(|told| told.key.clone()).collect();
    Some(
        Finding::new(Code::VmOverridden, case.vm())
            .severity(Severity::Notice)
            .saw("keys", keys)
            .because(why.join("; "))
            .by_hand(format!("edit {file}, if that is not wanted; it matters to every VM")),
    )
}

/// A value as evidence; a long one is for `cai plan`.
fn shown(name: &str, value: Option<&Known<Value>>) -> Option<String> {
    let Known::Known(value) = value? else { return None };
    let text = match redact::value(name, value) {
        Value::String(text) => text,
        value => value.to_string(),
    };
    (text.len() <= SHORT).then_some(text)
}

fn pair(is: Option<String>, wanted: Option<String>) -> Value {
    match (is, wanted) {
        (Some(is), Some(wanted)) => format!("{is}, wanted {wanted}").into(),
        _ => "see `cai plan`".into(),
    }
}

/// One finding for each change that has a problem, and one for all changes that can be made.
fn others(case: &Case<'_>, changes: &[&Change]) -> Vec<Finding> {
    let stuck = treatment::stuck(case).unwrap_or_default();
    let mut findings = Vec::new();
    for change in changes {
        let Some(problem) = &change.problem else { continue };
        let finding = differing(&[change])
            .because(format!("{}: {problem}", change.address))
            .by_hand(problem.hint());
        let waits = |other: &&&Change| {
            other.problem.is_none() && stuck.get(&other.address) == Some(&&change.address)
        };
        let waiting = addresses(changes.iter().filter(waits));
        findings.push(if waiting.is_empty() {
            finding
        } else {
            finding.so(format!("also differs from the file: {}", listed(&waiting)))
        });
    }
    let is_here = |cause: &&Address| changes.iter().any(|change| change.address == **cause);
    let elsewhere = |change: &&&Change| stuck.get(&change.address).is_some_and(|it| !is_here(it));
    let waiting: Vec<&Change> = changes.iter().filter(elsewhere).copied().collect();
    if !waiting.is_empty() {
        let why = format!("differs from the file: {}", listed(addresses(&waiting)));
        let remedy = "fix the other findings, then run `cai apply`";
        findings.push(differing(&waiting).because(why).by_hand(remedy));
    }
    let rest = changes.iter().filter(|change| !stuck.contains_key(&change.address));
    let rest: Vec<&Change> = rest.copied().collect();
    if !rest.is_empty() {
        let why = format!("differs from the file: {}", listed(addresses(&rest)));
        findings.push(differing(&rest).because(why).by_hand("see `cai plan`").repaired_by_all());
    }
    findings
}

fn differing(changes: &[&Change]) -> Finding {
    Finding::new(Code::Drift, changes.first().map(|change| change.address.clone()))
        .severity(Severity::Warning)
        .saw("addresses", addresses(changes))
}

fn addresses<'a>(changes: impl IntoIterator<Item = &'a &'a Change>) -> Vec<String> {
    changes.into_iter().map(|change| change.address.to_string()).collect()
}
