//! A change as text: one block.

use std::fmt::Write as _;

use super::palette::{CHANGED, REMOVED, STRONG, paint, sign};
use super::text::{INDENT, Page, comment, inner_lines, loss, on_a_line, wrapped};
use super::{attributes, containers};
use crate::model::listed;
use crate::plan::{Action, Change, Disruption, Hides, Reason, Stored};

/// The width of the longest sign: `-/+`.
const SIGNS: usize = 3;

/// Writes a change as a block: its attributes, its reasons, and what it stops or loses.
pub(super) fn write_change(out: &mut Page, change: &Change) -> std::fmt::Result {
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
        Action::Create | Action::Deferred => attributes::write_declared(out, &change.shown().1)?,
        Action::Update | Action::Replace => attributes::write_updated(out, change)?,
        Action::Delete => attributes::write_deleted(out, change)?,
        Action::NoOp | Action::Refresh | Action::Release => {}
    }
    for reason in change.reasons.iter().filter(|reason| !is_shown(reason)) {
        comment(out, &reason.to_string())?;
    }
    if change.deletes_vm() {
        loss(out, &lost(change.contents, change.kept_on.as_deref()))?;
        if let (Some(disk), Action::Delete) = (&change.kept_on, change.action) {
            comment(
                out,
                &format!("to delete the disk too, run afterward: limactl disk delete {disk}"),
            )?;
        }
    }
    let hides = change.hides.as_ref().filter(|hides| !is_said(hides, change));
    match hides {
        Some(hides) if change.action == Action::Deferred => {
            let keys = listed(&hides.keys);
            comment(
                out,
                &format!(
                    "may change {keys}, which hides all existing data; apply would then need \
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
    let mut label = paint(REMOVED, "cannot be applied:");
    let width = out.width() - INDENT.len() - "cannot be applied: ".len();
    for (inner, line) in inner_lines(problem) {
        for piece in wrapped(&line, width - inner.len()) {
            writeln!(out, "{INDENT}{label} {inner}{piece}")?;
            label = " ".repeat("cannot be applied:".len());
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
    if let (Action::Deferred, Some(fallback)) = (change.action, &change.fallback) {
        let way = fallback.disruption;
        return comment(out, &format!("may need a {way}; containers unknown until the VM runs"));
    }
    if change.disruption.may_stop_containers() || change.deletes_vm() {
        let is_recreation = change.disruption == Disruption::ContainerRecreation;
        let verb = if is_recreation { "recreates" } else { "stops" };
        let restarted = change.restarted();
        comment(out, &containers::effect(verb, change.stops.as_deref(), &restarted, out.now))?;
    }
    match &change.fallback {
        Some(fallback) => comment(out, &containers::fallback(fallback, out.now)),
        None => Ok(()),
    }
}

/// What is lost with a VM.
pub fn lost(contents: Option<Stored>, kept_on: Option<&str>) -> String {
    match (contents, kept_on) {
        (contents, Some(disk)) => {
            let kept = contents.map(|stored| format!(" ({stored})"));
            let kept = kept.unwrap_or_else(|| " (not counted)".into());
            format!(
                "everything in the VM is lost, except Docker's data{kept} on the Lima disk {disk}"
            )
        }
        (Some(stored), None) if stored.is_empty() => {
            "all files in the VM are lost; it has no containers, images or volumes".to_owned()
        }
        (Some(stored), None) => format!("everything in the VM is lost: {stored}, and all files"),
        (None, None) => {
            "everything in the VM is lost: all containers, images, volumes and files (not counted)"
                .to_owned()
        }
    }
}
