//! A plan as text: one block per change.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::attributes;
use super::palette::{CHANGED, ERROR, REMOVED, STRONG, paint, sign};
use super::text::{INDENT, Page, comment, headline, inner_lines, loss, on_a_line, wrapped};
use crate::guest::Container;
use crate::model::address::Kind;
use crate::model::listed;
use crate::plan::Observation;
use crate::plan::{Action, Change, Declared, Disruption, Hides, Plan, Reason};
use crate::resource::facts::Facts;

/// The width of the longest sign: `-/+`.
const SIGNS: usize = 3;
/// The consequence of the deletion of a VM.
const LOST: &str = "everything in the VM is lost: its containers, images, volumes and files";

/// The plan of these files with colors, and with the state of their machines.
pub fn plan(plan: &Plan, declared: &[Declared<'_>], facts: &[Facts], width: usize) -> String {
    let mut text = Page::new(width);
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
            Some((Declared { file, vm }, _)) if is_same => {
                headline(
                    out,
                    STRONG,
                    "No changes.",
                    &format!(" {vm} matches {}.", on_a_line(file)),
                )?;
            }
            Some((Declared { file, vm }, facts)) => {
                let (file, state) = (on_a_line(file), state(facts));
                headline(out, STRONG, vm, &format!(" · {file} · {}", on_a_line(&state)))?;
            }
            None => writeln!(out, "{}", paint(STRONG, "this machine"))?,
        }
        // These also concern unchanged resources.
        let reasons = changes.iter().flat_map(|change| &change.reasons);
        for remark in reasons.filter(|reason| reason.is_remark()) {
            comment(out, &remark.to_string())?;
        }
        for change in changes.iter().filter(|change| !change.is_without_effect()) {
            writeln!(out)?;
            write_change(out, change)?;
        }
    }
    if plan.is_empty() {
        return Ok(());
    }
    write_summary(out, plan)?;
    write_consent(out, plan, declared)
}

/// The plan of a destroy with colors: one block per resource, and the resources that are kept.
pub fn destruction(plan: &Plan, name: &str, file: &str, width: usize) -> String {
    let mut text = Page::new(width);
    // Writing to a string cannot fail.
    let _ = write_destruction(&mut text, plan, name, file);
    text.into_text()
}

fn write_destruction(out: &mut Page, plan: &Plan, name: &str, file: &str) -> std::fmt::Result {
    let left_alone = plan.changes.iter().filter(|change| change.action == Action::NoOp);
    let left_alone: Vec<String> = left_alone
        .map(|change| format!("{} is kept: it was not created by cai.", change.address))
        .collect();
    if plan.is_empty() {
        let rest =
            format!(" Neither the VM {name} nor a Docker context that cai created for it exists.");
        headline(out, STRONG, "Nothing to destroy.", &rest)?;
    } else {
        writeln!(out, "{} · {}", paint(STRONG, name), on_a_line(file))?;
        for change in plan.effective() {
            writeln!(out)?;
            write_change(out, change)?;
        }
        writeln!(out, "\n{} {} to destroy.", paint(STRONG, "Plan:"), plan.count(Action::Delete))?;
    }
    left_alone.iter().try_for_each(|line| writeln!(out, "{}", on_a_line(line)))
}

/// The current state of the VM in a few words.
fn state(facts: &Facts) -> String {
    match (&facts.vm, &facts.guest) {
        (Observation::Absent, _) => "the VM does not exist".into(),
        (Observation::Unobservable(_), _) => "state unknown".into(),
        (Observation::Present(vm), Observation::Present(guest)) => {
            let containers = guest.containers.as_ref();
            let containers = containers.map(|list| counted(list.len(), "container"));
            format!("VM {}, {}", vm.status, containers.as_deref().unwrap_or("containers unknown"))
        }
        (Observation::Present(vm), _) => format!("VM {}", vm.status),
    }
}

/// The line with the counts.
fn write_summary(out: &mut Page, plan: &Plan) -> std::fmt::Result {
    let mut line = format!(
        " {} to add, {} to change, {} to destroy, {}",
        // As in Terraform, a replacement counts twice.
        plan.count(Action::Create) + plan.count(Action::Replace),
        plan.count(Action::Update),
        plan.count(Action::Delete) + plan.count(Action::Replace),
        counted(plan.disrupting(Disruption::VmRestart), "VM restart"),
    );
    for milder in [
        Disruption::DaemonRestart,
        Disruption::SysboxRestart,
        Disruption::ContainerStop,
        Disruption::ContainerRecreation,
        Disruption::SessionRefresh,
    ] {
        match plan.disrupting(milder) {
            0 => {}
            1 => {
                let _ = write!(line, ", 1 {milder}");
            }
            count => {
                let _ = write!(line, ", {count} {milder}s");
            }
        }
    }
    match plan.count(Action::Release) {
        0 => {}
        count => {
            let _ = write!(line, ", {count} to keep unmanaged");
        }
    }
    line.push('.');
    writeln!(out)?;
    headline(out, STRONG, "Plan:", &line)?;
    match plan.count(Action::Deferred) {
        0 => Ok(()),
        1 => writeln!(out, "1 more change is known after apply."),
        count => writeln!(out, "{count} more changes are known after apply."),
    }
}

/// The VMs that must be named because data in them is lost.
fn write_consent(out: &mut Page, plan: &Plan, declared: &[Declared<'_>]) -> std::fmt::Result {
    let Some(Declared { vm, .. }) = declared.first() else { return Ok(()) };
    let names: BTreeSet<String> = plan.losses(vm).into_iter().map(|loss| loss.vm).collect();
    names.iter().try_for_each(|vm| {
        headline(
            out,
            ERROR,
            "Loses data or containers:",
            &format!(" apply needs --allow-replace {vm}."),
        )
    })
}

fn counted(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    }
}

fn write_change(out: &mut Page, change: &Change) -> std::fmt::Result {
    let (sign, style) = sign(change.action);
    let disruption = match change.disruption {
        Disruption::None => String::new(),
        disruption => format!("  {}", paint(CHANGED, disruption)),
    };
    let is_former = change.reasons.contains(&Reason::NoLongerDeclared);
    let former =
        if is_former { paint(style, "  no longer in containai.toml") } else { String::new() };
    writeln!(
        out,
        "{}{} {}{former}{disruption}",
        " ".repeat(SIGNS - sign.len()),
        paint(style, sign),
        paint(STRONG, on_a_line(&change.address.to_string()))
    )?;
    match change.action {
        Action::Create => attributes::write_created(out, &change.shown().1)?,
        Action::Update | Action::Replace => attributes::write_updated(out, change)?,
        Action::Delete => attributes::write_deleted(out, change)?,
        Action::NoOp | Action::Refresh | Action::Deferred | Action::Release => {}
    }
    for reason in change.reasons.iter().filter(|reason| !is_shown(reason)) {
        comment(out, &reason.to_string())?;
    }
    let is_deleted = change.action == Action::Delete && change.address.kind == Kind::VM;
    if change.disruption == Disruption::Replace || is_deleted {
        loss(out, LOST)?;
    }
    let hides = change.hides.as_ref().filter(|hides| !is_said(hides, change));
    match hides {
        Some(hides) if change.action == Action::Deferred => {
            let keys = listed(&hides.keys);
            comment(
                out,
                &format!(
                    "if {keys} changes, data will no longer be visible, and apply needs \
                     --allow-replace {}",
                    hides.vm
                ),
            )?;
        }
        Some(hides) => loss(out, &hides.to_string())?,
        None => {}
    }
    write_stops(out, change)?;
    if let Some(problem) = &change.problem {
        write_problem(out, &problem.to_string())?;
    }
    Ok(())
}

fn write_problem(out: &mut Page, problem: &str) -> std::fmt::Result {
    let mut label = paint(REMOVED, "cannot be done:");
    let width = out.width - INDENT.len() - "cannot be done: ".len();
    for (inner, line) in inner_lines(problem) {
        for piece in wrapped(&line, width - inner.len()) {
            writeln!(out, "{INDENT}{label} {inner}{piece}")?;
            label = " ".repeat("cannot be done:".len());
        }
    }
    Ok(())
}

/// Whether the attribute lines, the sign of the block, or the head of the plan already show a
/// reason.
pub(super) fn is_shown(reason: &Reason) -> bool {
    let by_attributes =
        matches!(reason, Reason::Differs(_) | Reason::ForcesReplacement(_) | Reason::Unwanted);
    by_attributes || *reason == Reason::NoLongerDeclared || reason.is_remark()
}

/// Whether the change that writes the file already shows that data becomes hidden.
fn is_said(hides: &Hides, change: &Change) -> bool {
    let written = change.reasons.iter().filter_map(|reason| match reason {
        Reason::DaemonWillPredate(written) => Some(&written.keys),
        _ => None,
    });
    let written: Vec<&String> = written.flatten().collect();
    // A key can include a nested one: `features.containerd-snapshotter`.
    let is_written =
        |key: &String| written.iter().any(|it| key.split('.').next() == Some(it.as_str()));
    hides.running.is_empty() && hides.keys.iter().all(is_written)
}

fn write_stops(out: &mut Page, change: &Change) -> std::fmt::Result {
    if let (Action::Deferred, Some(disruption)) = (change.action, change.fallback) {
        return comment(out, &format!("may need a {disruption} (known after apply)"));
    }
    if !change.disruption.may_stop_containers() && change.fallback.is_none() {
        return Ok(());
    }
    let stops = match &change.stops {
        None if change.disruption == Disruption::SysboxRestart => {
            "stops all Sysbox containers, which could not be listed".to_owned()
        }
        None => "stops all containers, which could not be listed".to_owned(),
        Some(stops) if stops.is_empty() => "stops no containers".to_owned(),
        Some(stops) => stopped(stops, &change.restarted()),
    };
    match change.fallback {
        Some(fallback) => comment(out, &format!("fallback: {} ({stops})", fallback.verb())),
        None => comment(out, &stops),
    }
}

/// The containers that stop, and those that are started again.
fn stopped(stops: &[Container], restarted: &[&Container]) -> String {
    let counted_list = |verb: &str, names: Vec<String>| {
        let count = counted(names.len(), "container");
        (!names.is_empty()).then(|| format!("{verb} {count}: {}", names.join(", ")))
    };
    let again = restarted.iter().map(|container| container.name.clone()).collect();
    let others = stops.iter().filter(|container| !restarted.contains(container));
    let since = |container: &Container| format!("{} (since {})", container.name, container.started);
    let lists =
        [counted_list("restarts", again), counted_list("stops", others.map(since).collect())];
    lists.into_iter().flatten().collect::<Vec<_>>().join("; ")
}
