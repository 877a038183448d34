//! The part of the plan that `--fix` applies.

use std::collections::{BTreeMap, BTreeSet};

use super::{Case, Code, Finding, Repair, Severity};
use crate::model::address::{Address, Kind};
use crate::plan::{Action, Change, Disruption, Plan};
use crate::reconcile::graph::{Edge, Graph, GraphError};
use crate::resource::socket_client::title;

/// The command that repairs.
const FIX: &str = "cai doctor --fix";

/// Findings that can be repaired without a file, because they do not depend on its settings.
const WITHOUT_FILE: [Code; 11] = [
    Code::DockerdDown,
    Code::GuestSocketMissing,
    Code::GuestSocketGroup,
    Code::GroupMissing,
    Code::SessionStale,
    Code::ContainersLeftStopped,
    Code::HostSocketMissing,
    Code::ForwardDead,
    Code::HostSocketPermission,
    Code::ContextMissing,
    Code::ContextEndpoint,
];

/// Decides whether `--fix` can repair it, and sets the remedy.
pub(super) fn classify(case: &Case<'_>, finding: &mut Finding) {
    if !case.is_declared {
        leave_wishes_alone(finding);
    }
    match obstacle(case, finding) {
        Err(Some(remedy)) => finding.remedy = remedy,
        Err(None) => {}
        Ok(()) => {
            finding.fixable = true;
            FIX.clone_into(&mut finding.remedy);
        }
    }
}

fn leave_wishes_alone(finding: &mut Finding) {
    match &mut finding.repair {
        Repair::Only(addresses) if WITHOUT_FILE.contains(&finding.code) => {
            addresses.retain(|address| *address != Case::daemon());
        }
        repair => *repair = Repair::None,
    }
}

/// Checks that `--fix` can repair it. The error is the manual remedy, if one is known.
fn obstacle(case: &Case<'_>, finding: &Finding) -> Result<(), Option<String>> {
    let wanted = addresses(case, std::iter::once(finding)).ok_or(None)?;
    let (_, plan) = part(case, &wanted).map_err(|_| None)?;
    let is_own = |address: &Address| finding.address.as_ref() == Some(address);
    // The user must name the VM to lose data, and only apply takes the name.
    let mut hides = plan.effective().filter_map(|change| change.hides.as_ref());
    let strands = plan.effective().any(Change::strands_containers);
    if strands || hides.next().is_some() {
        return Err(Some(format!("cai apply --allow-replace {}", case.name())));
    }
    let restarts = plan.effective().any(|it| it.disruption >= Disruption::DaemonRestart);
    let matters = |address: &Address| is_own(address) || restarts && *address == Case::daemon();
    let of_all = case.plan.problems().filter(|(address, _)| matters(address));
    if let Some((address, problem)) = of_all.chain(plan.problems()).next() {
        let hint = problem.hint();
        return Err(Some(if is_own(address) {
            hint
        } else {
            format!("{address}: {problem}; {hint}")
        }));
    }
    // Otherwise the plan would change something else.
    let is_planned = finding
        .address
        .as_ref()
        .is_some_and(|address| plan.effective().any(|change| change.address == *address));
    if is_planned { Ok(()) } else { Err(None) }
}

/// The part of the plan that repairs the findings. `None` if nothing can be repaired.
///
/// Errors are repaired first, and nothing else changes with them: a dead forward is not a reason to restart
/// the VM with other CPUs. Once nothing is broken, plain drift is applied.
///
/// # Errors
/// As [`Graph::new`].
pub fn repair_plan(
    case: &Case<'_>,
    findings: &[Finding],
) -> Result<Option<(Graph, Plan)>, GraphError> {
    let fixable = || findings.iter().filter(|finding| finding.fixable);
    let Some(worst) = fixable().map(|finding| finding.severity).max() else {
        return Ok(None);
    };
    if worst == Severity::Notice {
        return Ok(None);
    }
    match addresses(case, fixable().filter(|finding| finding.severity == worst)) {
        Some(addresses) => part(case, &addresses).map(Some),
        None => Ok(None),
    }
}

/// A part of the plan, with the containers of the file that it stops.
fn part(case: &Case<'_>, addresses: &BTreeSet<Address>) -> Result<(Graph, Plan), GraphError> {
    let part = |addresses: &BTreeSet<Address>| {
        let facts = std::slice::from_ref(case.facts);
        let graph = Graph::observed(&[case.config], facts)?.only(addresses)?;
        let plan = Plan::new(&graph, facts);
        Ok((graph, plan))
    };
    let (graph, plan) = part(addresses)?;
    // Without the docker command, containers cannot be repaired.
    let clients = case.config.socket_clients.iter().filter(|_| case.facts.tools.docker.is_some());
    let stopped = clients
        .filter(|client| client.context.is_none())
        .filter(|client| {
            let seen = case.facts.clients.get(&client.name());
            let name = seen.map_or_else(|| client.title(), |seen| title(client, seen));
            plan.changes.iter().any(|it| it.may_stop(name))
        })
        .map(|client| Address::new(Kind::SOCKET_CLIENT, client.name()));
    let whole: BTreeSet<Address> = stopped.chain(addresses.iter().cloned()).collect();
    if whole == *addresses { Ok((graph, plan)) } else { part(&whole) }
}

/// The resources that repair these findings. `None` if there are none.
fn addresses<'a>(
    case: &Case<'_>,
    findings: impl Iterator<Item = &'a Finding>,
) -> Option<BTreeSet<Address>> {
    let mut wanted = BTreeSet::new();
    for finding in findings {
        match &finding.repair {
            Repair::None => {}
            Repair::All => wanted.extend(possible(case)),
            Repair::Only(addresses) => wanted.extend(addresses.iter().cloned()),
        }
    }
    (!wanted.is_empty()).then_some(wanted)
}

/// The resources without a problem before them: even if the context cannot change, the VM starts.
fn possible(case: &Case<'_>) -> Vec<Address> {
    let Ok(stuck) = stuck(case) else { return Vec::new() };
    // A pending removal never keeps an engine from working.
    let needed = case.plan.changes.iter().filter(|change| change.action != Action::Delete);
    let addresses = needed.map(|change| &change.address);
    addresses.filter(|address| !stuck.contains_key(address)).cloned().collect()
}

/// The resources that a problem blocks, each with the resource that has the problem.
pub(super) fn stuck<'a>(case: &Case<'a>) -> Result<BTreeMap<&'a Address, &'a Address>, GraphError> {
    let graph = Graph::observed(&[case.config], std::slice::from_ref(case.facts))?;
    let changes = &case.plan.changes;
    let mut stuck = BTreeMap::new();
    for (position, change) in changes.iter().enumerate() {
        let required = graph.before(position).filter(|(_, edge)| *edge == Edge::Requires);
        let mut required = required.filter_map(|(before, _)| changes.get(before));
        let own = change.problem.as_ref().map(|_| &change.address);
        if let Some(cause) = own.or_else(|| required.find_map(|it| stuck.get(&it.address).copied()))
        {
            stuck.insert(&change.address, cause);
        }
    }
    Ok(stuck)
}
