//! A plan as text: one block for each change, and nothing that does not change.

use std::fmt::Write as _;

use serde_json::Value;

use super::palette::{ADDED, CHANGED, DIM, REMOVED, STRONG, paint, sign};
use super::text::printable;
use crate::facts::{Facts, Observation};
use crate::plan::{Action, Change, Disruption, Line, Origin, Plan, Reason, text_diff};
use crate::value::{Attributes, Known};

/// The whole plan, with colours. `file` is how the file is called on the command line, `name` the
/// VM's name.
pub fn plan(plan: &Plan, facts: &Facts, name: &str, file: &str) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write_plan(&mut text, plan, facts, name, file);
    text
}

fn write_plan(
    out: &mut String,
    plan: &Plan,
    facts: &Facts,
    name: &str,
    file: &str,
) -> std::fmt::Result {
    if plan.is_empty() {
        return writeln!(
            out,
            "{} {name} matches {}.",
            paint(STRONG, "No changes."),
            printable(file)
        );
    }
    writeln!(out, "{} · {} · {}", paint(STRONG, name), printable(file), state(facts))?;
    for change in plan.effective() {
        writeln!(out)?;
        write_change(out, change)?;
    }
    writeln!(out, "\n{}", summary(plan))
}

/// What the VM is right now, in a few words.
fn state(facts: &Facts) -> String {
    match (&facts.vm, &facts.guest) {
        (Observation::Absent, _) => "no VM yet".into(),
        (Observation::Unobservable(_), _) => "VM not known".into(),
        (Observation::Present(vm), Observation::Present(guest)) => {
            let containers = counted(guest.containers.len(), "container");
            format!("VM {}, {containers}", vm.status)
        }
        (Observation::Present(vm), _) => format!("VM {}", vm.status),
    }
}

/// The line that counts.
fn summary(plan: &Plan) -> String {
    let mut line = format!(
        "{} {} to add, {} to change, 0 to destroy, {}",
        paint(STRONG, "Plan:"),
        plan.count(Action::Create),
        plan.count(Action::Update),
        counted(plan.disrupting(Disruption::VmRestart), "restart"),
    );
    for milder in [Disruption::DaemonRestart, Disruption::SessionRefresh] {
        match plan.disrupting(milder) {
            0 => {}
            1 => {
                let _ = write!(line, ", 1 {milder}");
            }
            count => {
                let _ = write!(line, ", {count} times {milder}");
            }
        }
    }
    line.push('.');
    match plan.count(Action::Deferred) {
        0 => {}
        1 => line.push_str("\n1 is looked at again on the way."),
        count => {
            let _ = write!(line, "\n{count} are looked at again on the way.");
        }
    }
    line
}

fn counted(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    }
}

fn write_change(out: &mut String, change: &Change) -> std::fmt::Result {
    let (sign, style) = sign(change.action);
    let disruption = match change.disruption {
        Disruption::None => String::new(),
        disruption => format!("  {}", paint(CHANGED, disruption)),
    };
    writeln!(
        out,
        "  {} {}{disruption}",
        paint(style, sign),
        paint(STRONG, printable(&change.address.to_string()))
    )?;
    match change.action {
        Action::Create => write_created(out, &change.after)?,
        Action::Update => write_updated(out, change)?,
        Action::NoOp | Action::Refresh | Action::Deferred => {}
    }
    for reason in change.reasons.iter().filter(|reason| !matches!(reason, Reason::Differs(_))) {
        comment(out, &reason.to_string())?;
    }
    write_stops(out, change)?;
    if let Some(problem) = &change.problem {
        writeln!(
            out,
            "      {} {}",
            paint(REMOVED, "cannot be done:"),
            printable(&problem.to_string())
        )?;
    }
    Ok(())
}

fn write_stops(out: &mut String, change: &Change) -> std::fmt::Result {
    let stops: Vec<String> = change
        .stops
        .iter()
        .map(|container| format!("{} ({})", container.name, container.status))
        .collect();
    let stops = match (stops.len(), change.disruption, change.fallback) {
        (0, Disruption::VmRestart, _) | (0, _, Some(_)) => "stops no container".to_owned(),
        (0, ..) => return Ok(()),
        (1, ..) => format!("stops 1 container: {}", stops.join(", ")),
        (count, ..) => format!("stops {count} containers: {}", stops.join(", ")),
    };
    match change.fallback {
        Some(fallback) => comment(out, &format!("only if that has no effect: {fallback}, {stops}")),
        None => comment(out, &stops),
    }
}

fn comment(out: &mut String, text: &str) -> std::fmt::Result {
    for line in text.lines() {
        writeln!(out, "      {}", paint(DIM, format!("# {}", printable(line))))?;
    }
    Ok(())
}

fn write_created(out: &mut String, after: &Attributes) -> std::fmt::Result {
    let width = width(after.iter().map(|(name, _)| name));
    for (name, value) in after.iter() {
        match value {
            Known::Known(value) if is_long(value) => {
                writeln!(out, "      {} =", paint(ADDED, printable(name)))?;
                for line in as_text(value).lines() {
                    writeln!(out, "        {}", paint(ADDED, format!("+ {}", printable(line))))?;
                }
            }
            value => writeln!(
                out,
                "      {}{} = {}",
                paint(ADDED, printable(name)),
                " ".repeat(width - name.chars().count()),
                short(Some(value))
            )?,
        }
    }
    Ok(())
}

fn write_updated(out: &mut String, change: &Change) -> std::fmt::Result {
    let changed = change.changed();
    let width = width(changed.iter().map(String::as_str));
    let before = change.before.as_ref();
    for name in &changed {
        let was = before.and_then(|before| before.get(name));
        let is = change.after.get(name);
        let long = [was, is]
            .iter()
            .any(|value| matches!(value, Some(Known::Known(value)) if is_long(value)));
        if long {
            writeln!(out, "      {}", paint(CHANGED, printable(name)))?;
            for line in text_diff(&known_text(was), &known_text(is)) {
                write_line(out, &line)?;
            }
        } else {
            writeln!(
                out,
                "      {}{} = {} -> {}",
                paint(CHANGED, printable(name)),
                " ".repeat(width - name.chars().count()),
                short(was),
                short(is)
            )?;
        }
    }
    match change.after.len() - changed.len() {
        0 => Ok(()),
        1 => comment(out, "1 unchanged attribute hidden"),
        count => comment(out, &format!("{count} unchanged attributes hidden")),
    }
}

fn write_line(out: &mut String, line: &Line) -> std::fmt::Result {
    let (sign, style) = match line.origin {
        Origin::Before => ("- ", REMOVED),
        Origin::After => ("+ ", ADDED),
        Origin::Both => ("  ", DIM),
        Origin::Gap => ("", DIM),
    };
    writeln!(out, "        {}", paint(style, format!("{sign}{}", printable(&line.text))))
}

fn width<'a>(names: impl Iterator<Item = &'a str>) -> usize {
    names.map(|name| name.chars().count()).max().unwrap_or_default()
}

/// Whether a value is better shown on lines of its own.
fn is_long(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\n'),
        Value::Array(items) => items.iter().any(|item| item.is_object() || item.is_array()),
        Value::Object(keys) => !keys.is_empty(),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        // Every JSON value has a form in YAML.
        value => serde_yaml::to_string(value).unwrap_or_default(),
    }
}

fn known_text(value: Option<&Known<Value>>) -> String {
    match value {
        Some(Known::Known(value)) => as_text(value),
        Some(Known::Unknown) => "(known after apply)\n".into(),
        None => String::new(),
    }
}

fn short(value: Option<&Known<Value>>) -> String {
    match value {
        Some(Known::Known(value)) => printable(&value.to_string()).into_owned(),
        Some(Known::Unknown) => paint(DIM, "(known after apply)"),
        None => paint(DIM, "(none)"),
    }
}
