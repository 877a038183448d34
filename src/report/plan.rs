//! A plan as text: one block per change.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::SystemTime;

use super::change::write_change;
use super::containers;
use super::palette::{ERROR, STRONG};
use super::text::{Layout, Page, comment, headline, on_a_line};
use crate::model::{counted, listed};
use crate::plan::{Change, Counts, Declared, Disruption, Observation, Plan, Reason};
use crate::resource::facts::Facts;

/// The plan of these files with colors, and with the state of their machines.
pub fn plan(plan: &Plan, declared: &[Declared<'_>], facts: &[Facts], layout: Layout) -> String {
    let mut text = Page::new(layout);
    text.now = facts.iter().find_map(Facts::engine_time);
    // Writing to a string cannot fail.
    let _ = write_plan(&mut text, plan, declared, facts);
    text.into_text()
}

fn write_plan(
    out: &mut Page,
    plan: &Plan,
    declared: &[Declared<'_>],
    facts: &[Facts],
) -> std::fmt::Result {
    let mut files = declared.iter().zip(facts);
    // Whether the block above has changes; `None` for the first block.
    let mut above = None;
    for changes in plan.by_file() {
        let is_same = changes.iter().all(Change::is_without_effect);
        let scope = changes.first().and_then(|change| change.address.scope.as_ref());
        // A shared resource belongs to no file.
        let file = if scope.is_some() || declared.len() == 1 { files.next() } else { None };
        if file.is_none() && is_same {
            continue;
        }
        if above.is_some_and(|has_changes| has_changes || !is_same) {
            writeln!(out)?;
        }
        above = Some(!is_same);
        match file {
            Some((Declared { file, vm, layers }, _)) if is_same => {
                let targets = listed(&plan.targets);
                let what = if targets.is_empty() { *vm } else { targets.as_str() };
                let rest = format!(" {what} matches {}.", on_a_line(file));
                headline(out, STRONG, "No changes.", &rest)?;
                write_layers(out, layers)?;
            }
            Some((declared, facts)) => write_header(out, *declared, facts)?,
            None => headline(out, STRONG, "this machine", "")?,
        }
        write_remarks(out, changes)?;
        for change in changes.iter().filter(|change| !change.is_without_effect()) {
            writeln!(out)?;
            write_change(out, change)?;
        }
    }
    if !plan.is_empty() {
        write_summary(out, plan)?;
        write_consent(out, plan, declared)?;
    }
    write_limits(out, plan)
}

/// Says that a plan for a part of the file is one.
pub(super) fn write_limits(out: &mut Page, plan: &Plan) -> std::fmt::Result {
    if plan.targets.is_empty() {
        return Ok(());
    }
    let targets = listed(&plan.targets);
    let rest =
        format!(" only {targets}, and what it requires and notifies. The rest was not compared.");
    headline(out, STRONG, "Limited:", &rest)
}

/// Writes the remarks, which may also be about unchanged resources.
pub(super) fn write_remarks(out: &mut Page, changes: &[Change]) -> std::fmt::Result {
    let reasons = changes.iter().flat_map(|change| &change.reasons);
    // Where nothing changes, nothing is removed.
    let is_same = changes.iter().all(Change::is_without_effect);
    let is_due = |reason: &&Reason| !(is_same && matches!(reason, Reason::AppliedFrom(_)));
    let mut remarks = reasons.filter(|reason| reason.is_remark()).filter(is_due);
    remarks.try_for_each(|remark| match remark {
        Reason::Exposes(exposure) => comment(out, &exposure.placed()),
        remark => comment(out, &remark.to_string()),
    })
}

/// The plan of a destroy with colors: one block per resource, and the resources that are kept.
pub fn destruction(plan: &Plan, declared: Declared<'_>, facts: &Facts, layout: Layout) -> String {
    let mut text = Page::new(layout);
    text.now = facts.engine_time();
    // Writing to a string cannot fail.
    let _ = write_destruction(&mut text, plan, declared, facts);
    text.into_text()
}

fn write_destruction(
    out: &mut Page,
    plan: &Plan,
    declared: Declared<'_>,
    facts: &Facts,
) -> std::fmt::Result {
    if plan.is_empty() {
        let rest = format!(
            " Neither the VM {} nor a Docker context that cai created for it exists.",
            declared.vm
        );
        headline(out, STRONG, "Nothing to destroy.", &rest)?;
    } else {
        write_header(out, declared, facts)?;
        for change in plan.effective() {
            writeln!(out)?;
            write_change(out, change)?;
        }
        write_summary(out, plan)?;
    }
    write_kept(out, plan)
}

/// Names the resources that a destroy keeps.
pub(super) fn write_kept(out: &mut Page, plan: &Plan) -> std::fmt::Result {
    let mut kept = plan.changes.iter().filter(|change| change.is_without_effect());
    kept.try_for_each(|change| {
        let address = change.address.to_string();
        writeln!(out, "{} is kept: it was not created by cai.", on_a_line(&address))
    })
}

pub(super) fn write_header(
    out: &mut Page,
    Declared { file, vm, layers }: Declared<'_>,
    facts: &Facts,
) -> std::fmt::Result {
    let state = state(facts);
    headline(out, STRONG, vm, &format!(" · {} · {}", on_a_line(file), on_a_line(&state)))?;
    write_layers(out, layers)
}

/// Names the files that a file takes values from, so that none of them is overlooked.
fn write_layers(out: &mut Page, layers: &[String]) -> std::fmt::Result {
    if layers.is_empty() { Ok(()) } else { comment(out, &format!("with {}", listed(layers))) }
}

/// The current state of the VM in a few words.
pub(super) fn state(facts: &Facts) -> String {
    let vm = match &facts.vm {
        Observation::Absent => return "the VM does not exist".into(),
        Observation::Unobservable(_) => return "state of the VM unknown".into(),
        Observation::Present(vm) => vm.status.in_a_sentence(),
    };
    match facts.guest.present().map(|guest| guest.containers.as_deref()) {
        None => vm,
        Some(None) => format!("{vm}, containers unknown"),
        Some(Some([])) => format!("{vm}, no running containers"),
        Some(Some(list)) => {
            let names = listed(list.iter().map(|container| &container.name));
            format!("{vm}, {}: {names}", counted(list.len(), "container"))
        }
    }
}

/// The counts, what restarts, and which containers stop.
pub(super) fn summary(plan: &Plan, now: Option<SystemTime>) -> String {
    let Counts { add, change, destroy, deferred, forget, .. } = plan.counts();
    let mut line = format!(" {add} to add, {change} to change, {destroy} to destroy");
    for (count, what) in [(deferred, "known after apply"), (forget, "to forget")] {
        if count > 0 {
            let _ = write!(line, ", {count} {what}");
        }
    }
    line.push('.');
    for disruption in Disruption::ALL.into_iter().rev() {
        let count = plan.disrupting(disruption);
        if let Some(sentence) = disruption.sentence(count) {
            let _ = write!(line, " {sentence}.");
        }
    }
    let _ = write!(line, " {}", containers::summary(&plan.impact(), now));
    line
}

pub(super) fn write_summary(out: &mut Page, plan: &Plan) -> std::fmt::Result {
    let line = summary(plan, out.now);
    writeln!(out)?;
    headline(out, STRONG, "Plan:", &line)
}

/// The VMs that must still be named because data in them is lost.
pub(super) fn write_consent(
    out: &mut Page,
    plan: &Plan,
    declared: &[Declared<'_>],
) -> std::fmt::Result {
    let Some(Declared { vm, .. }) = declared.first() else { return Ok(()) };
    let names = plan.losses(vm).into_iter().map(|loss| loss.vm);
    let names: BTreeSet<String> = names.filter(|vm| !plan.may_hide.contains(vm)).collect();
    names.iter().try_for_each(|vm| {
        headline(
            out,
            ERROR,
            "Loses data or containers:",
            &format!(" apply needs --allow-replace {vm}."),
        )
    })
}
