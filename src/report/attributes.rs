//! The attributes of a change: one line each, or a diff for long values.

use std::fmt::Write as _;

use anstyle::Style;
use serde_json::Value;

use super::palette::{ADDED, CHANGED, DIM, REMOVED, paint};
use super::text::{INDENT, Page, comment, on_a_line};
use crate::model::printable;
use crate::model::redact;
use crate::model::value::{Attributes, Known};
use crate::plan::{Change, Line, Origin, text_diff};

pub(super) fn write_created(out: &mut Page, after: &Attributes) -> std::fmt::Result {
    let width = width(after.iter().map(|(name, _)| name));
    for (name, value) in after.iter() {
        match value {
            Known::Known(value) if is_long(value) => {
                writeln!(out, "{INDENT}{} =", paint(ADDED, on_a_line(name)))?;
                for line in as_text(value).lines() {
                    write_line(out, Origin::After, line)?;
                }
            }
            value => {
                let padded = padded(name, width, ADDED);
                writeln!(out, "{INDENT}{padded} = {}", short(name, Some(value)))?;
            }
        }
    }
    Ok(())
}

pub(super) fn write_updated(out: &mut Page, change: &Change) -> std::fmt::Result {
    let changed = change.changed();
    let (before, after) = change.shown();
    let width = width(changed.iter().map(String::as_str));
    for name in &changed {
        let was = before.as_ref().and_then(|before| before.get(name));
        let is = after.get(name);
        let forces = if change.is_forced_by(name) {
            paint(REMOVED, "  # forces replacement")
        } else {
            String::new()
        };
        let long = [was, is]
            .iter()
            .any(|value| matches!(value, Some(Known::Known(value)) if is_long(value)));
        if long {
            writeln!(out, "{INDENT}{}{forces}", paint(CHANGED, on_a_line(name)))?;
            for Line { origin, text } in text_diff(&known_text(was), &known_text(is)) {
                write_line(out, origin, &text)?;
            }
            continue;
        }
        let (was, is) = (short(name, was), short(name, is));
        let room = out.width.saturating_sub(INDENT.len() + width + " = ".len());
        // Two long values such as paths are easier to compare one above the other.
        let arrow = if shown_width(&format!("{was} -> {is}{forces}")) <= room {
            " ->".to_owned()
        } else {
            format!("\n{INDENT}{}->", " ".repeat(width))
        };
        writeln!(out, "{INDENT}{} = {was}{arrow} {is}{forces}", padded(name, width, CHANGED))?;
    }
    match change.after.len() - changed.len() {
        0 => Ok(()),
        1 => comment(out, "1 unchanged attribute hidden"),
        count => comment(out, &format!("{count} unchanged attributes hidden")),
    }
}

pub(super) fn write_deleted(out: &mut Page, change: &Change) -> std::fmt::Result {
    let (Some(before), _) = change.shown() else { return Ok(()) };
    let width = width(before.iter().map(|(name, _)| name));
    for (name, value) in before.iter() {
        writeln!(out, "{INDENT}{} = {}", padded(name, width, REMOVED), short(name, Some(value)))?;
    }
    Ok(())
}

fn write_line(out: &mut Page, origin: Origin, text: &str) -> std::fmt::Result {
    let (sign, style) = match origin {
        Origin::Before => ("- ", REMOVED),
        Origin::After => ("+ ", ADDED),
        Origin::Both => ("  ", DIM),
        Origin::Gap => ("", DIM),
    };
    let text = redact::foreign(text);
    writeln!(out, "{INDENT}  {}", paint(style, format!("{sign}{}", printable(&text))))
}

fn width<'a>(names: impl Iterator<Item = &'a str>) -> usize {
    names.map(|name| on_a_line(name).chars().count()).max().unwrap_or_default()
}

fn padded(name: &str, width: usize, style: Style) -> String {
    let name = on_a_line(name);
    format!("{}{}", paint(style, &name), " ".repeat(width - name.chars().count()))
}

/// The number of columns of a text on a terminal, without color codes.
fn shown_width(text: &str) -> usize {
    anstream::adapter::strip_str(text).to_string().chars().count()
}

/// Whether a value is shown on separate lines.
fn is_long(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\n'),
        Value::Array(items) => items.iter().any(|item| item.is_object() || item.is_array()),
        Value::Object(keys) => !keys.is_empty(),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn as_text(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        // Every JSON value has a form in YAML.
        value => serde_yaml::to_string(value).unwrap_or_default(),
    };
    // Secrets are searched line by line, so each secret must be on one line.
    redact::keys_in_a_line(&text)
}

fn known_text(value: Option<&Known<Value>>) -> String {
    match value {
        Some(Known::Known(Value::Null)) | None => String::new(),
        Some(Known::Known(value)) => as_text(value),
        Some(Known::Unknown) => "(known after apply)\n".into(),
    }
}

fn short(name: &str, value: Option<&Known<Value>>) -> String {
    match value {
        Some(Known::Known(Value::Null)) | None => paint(DIM, "(none)"),
        Some(Known::Known(value)) => {
            printable(&redact::value(name, value).to_string()).into_owned()
        }
        Some(Known::Unknown) => paint(DIM, "(known after apply)"),
    }
}
