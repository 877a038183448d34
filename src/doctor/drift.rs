//! Differences from the file that keep nothing from working.

use std::collections::BTreeSet;

use super::{Case, Code, Finding, Repair, Severity, repair};
use crate::model::address::{Address, Kind};
use crate::model::listed;
use crate::plan::{Action, Change, Reason};
use crate::resource::Vm;

/// If one of these is found, other differences are unknown or do not matter yet.
const BLINDING: [Code; 5] = [
    Code::SshMissing,
    Code::SocketPathTooLong,
    Code::VmBroken,
    Code::VmStarting,
    Code::VmUnreachable,
];

/// The changes that no finding in `found` explains. Without a file nothing can differ.
pub(super) fn judge(case: &Case<'_>, found: &[Finding]) -> Vec<Finding> {
    let is_blind =
        |finding: &Finding| finding.repair == Repair::All || BLINDING.contains(&finding.code);
    if !case.is_declared || found.iter().any(is_blind) {
        return Vec::new();
    }
    let told: BTreeSet<&Address> = found.iter().flat_map(explained).collect();
    let mut findings: Vec<Finding> = Vm::drift(case).collect();
    // A recreated VM has no other differences.
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

/// The resources that a finding explains: its own, and those that repair it.
fn explained(finding: &Finding) -> impl Iterator<Item = &Address> {
    let repair = match &finding.repair {
        Repair::Only(addresses) => addresses.as_slice(),
        Repair::All | Repair::None => &[],
    };
    finding.address.iter().chain(repair)
}

/// Whether a restart only follows earlier changes, which have their own findings.
fn follows(change: &Change, case: &Case<'_>) -> bool {
    let is_after = |reason: &Reason| {
        matches!(reason, Reason::SessionWillPredate(_) | Reason::DaemonWillPredate(_))
    };
    let others = || case.plan.effective().filter(|other| other.address != change.address);
    change.address.kind == Kind::RESTART
        && change.reasons.iter().all(is_after)
        && others().next().is_some()
}

/// One finding for each change that has a problem, and one for all changes that can be made.
fn others(case: &Case<'_>, changes: &[&Change]) -> Vec<Finding> {
    let stuck = repair::stuck(case).unwrap_or_default();
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
            finding.so(format!("these resources cannot be applied either: {}", listed(&waiting)))
        });
    }
    let is_here = |cause: &&Address| changes.iter().any(|change| change.address == **cause);
    let elsewhere = |change: &&&Change| stuck.get(&change.address).is_some_and(|it| !is_here(it));
    let waiting: Vec<&Change> = changes.iter().filter(elsewhere).copied().collect();
    if !waiting.is_empty() {
        let why = format!("these resources differ from the file: {}", listed(addresses(&waiting)));
        let remedy = "fix the other findings, then run `cai apply`";
        findings.push(differing(&waiting).because(why).by_hand(remedy));
    }
    let rest = changes.iter().filter(|change| !stuck.contains_key(&change.address));
    let rest: Vec<&Change> = rest.copied().collect();
    if !rest.is_empty() {
        let why = format!("these resources differ from the file: {}", listed(addresses(&rest)));
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
