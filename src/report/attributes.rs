//! The attributes of a change: one line each, or a diff for long values.

use std::fmt::Write as _;

use anstyle::Style;
use serde_json::Value;

use super::palette::{ADDED, CHANGED, DIM, REMOVED, paint};
use super::text::{INDENT, Page, comment, on_a_line};
use crate::model::digest::sha256;
use crate::model::printable;
use crate::model::redact;
use crate::model::value::{Attributes, Known};
use crate::plan::{Change, DiffLine, LineKind, text_diff};

/// A script or another text with more lines is collapsed.
const SCRIPT: usize = 4;
const TEXT: usize = 40;

/// The attributes of a resource that is created, or may be.
pub(super) fn write_declared(out: &mut Page, after: &Attributes) -> std::fmt::Result {
    let width = width(after.iter().map(|(name, _)| name));
    for (name, value) in after.iter() {
        let collapsed = collapsed(out, value);
        match value {
            Known::Known(value) if collapsed.is_none() && is_long(value) => {
                writeln!(out, "{INDENT}{} =", padded(name, width, ADDED))?;
                let room = out.width() - INDENT.len() - "  + ".len();
                let lines = entries(value, room);
                let lines = lines.map_or_else(|| as_text(value), |lines| lines.join("\n"));
                lines.lines().try_for_each(|line| write_line(out, LineKind::After, line))?;
            }
            value => {
                let shown = collapsed.unwrap_or_else(|| short(name, Some(value)));
                writeln!(out, "{INDENT}{} = {shown}", padded(name, width, ADDED))?;
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
            let (was, is) = (known_text(was), known_text(is));
            // Without another side, there is nothing to position the lines in.
            let is_whole = was.is_empty() || is.is_empty();
            let lines = text_diff(&was, &is).into_iter();
            for DiffLine { kind, text } in lines.filter(|it| !is_whole || it.kind != LineKind::Gap)
            {
                write_line(out, kind, &text)?;
            }
            continue;
        }
        let (was, is) = (short(name, was), short(name, is));
        let room = out.width().saturating_sub(INDENT.len() + width + " = ".len());
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
        let shown = collapsed(out, value).unwrap_or_else(|| short(name, Some(value)));
        writeln!(out, "{INDENT}{} = {shown}", padded(name, width, REMOVED))?;
    }
    Ok(())
}

/// The lines that differ between two texts.
pub fn difference(before: &str, after: &str) -> String {
    let lines = text_diff(before, after).into_iter();
    let lines = lines.map(|DiffLine { kind, text }| format!("{}\n", marked(kind, &text)));
    lines.collect()
}

fn write_line(out: &mut Page, kind: LineKind, text: &str) -> std::fmt::Result {
    writeln!(out, "{INDENT}  {}", marked(kind, text))
}

fn marked(kind: LineKind, text: &str) -> String {
    let (sign, style) = match kind {
        LineKind::Before => ("- ", REMOVED),
        LineKind::After => ("+ ", ADDED),
        LineKind::Both => ("  ", DIM),
        LineKind::Gap => ("", DIM),
    };
    let text = redact::foreign(text);
    paint(style, format!("{sign}{}", printable(&text)))
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

/// A value with long scripts in one line, unless everything is to be shown.
fn collapsed(out: &Page, value: &Known<Value>) -> Option<String> {
    let Known::Known(value) = value else { return None };
    if out.layout.full {
        return None;
    }
    match value {
        Value::String(text) => script(text),
        Value::Array(entries) => {
            let scripts = entries.iter().map(|entry| script(entry.get("script")?.as_str()?));
            let scripts: Vec<String> = scripts.collect::<Option<_>>()?;
            (!scripts.is_empty()).then(|| scripts.join(", "))
        }
        _ => None,
    }
}

/// A long text as its author, length and checksum.
fn script(text: &str) -> Option<String> {
    const MARK: &str = "# Written by cai.";
    let lines = text.lines().count();
    let is_script = text.starts_with("#!");
    let is_own = is_script && text.lines().nth(1).is_some_and(|line| line.starts_with(MARK));
    let (kind, hint) = match (is_own, is_script) {
        (true, _) => ("script by cai, ", "see cai render"),
        (_, true) => ("script, ", "--full shows it"),
        _ => ("", "--full shows it"),
    };
    let sum = sha256(text.as_bytes());
    let sum = sum.get(..6).unwrap_or_default();
    (lines > if is_script { SCRIPT } else { TEXT })
        .then(|| format!("({kind}{lines} lines, sha256:{sum}…; {hint})"))
}

/// The entries of a list, or one object, with a line for each. `None` if they are nested or too long.
fn entries(value: &Value, room: usize) -> Option<Vec<String>> {
    let list = match value {
        Value::Array(list) => list.as_slice(),
        other => std::slice::from_ref(other),
    };
    let line = |entry: &Value| {
        let keys = entry.as_object()?.iter();
        let keys = keys.map(|(key, value)| {
            let is_nested = value.is_object() || value.is_array() || is_long(value);
            (!is_nested).then(|| format!("{key}: {}", redact::value(key, value)))
        });
        let line = keys.collect::<Option<Vec<_>>>()?.join(", ");
        (line.chars().count() <= room).then_some(line)
    };
    list.iter().map(line).collect()
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
    redact::secrets_in_a_line(&text)
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
