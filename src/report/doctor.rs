//! What a diagnosis found: for a person, and as one document.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;

use super::palette::{ADDED, CHANGED, DIM, ERROR, STRONG, paint};
use super::text::{INDENT, WIDTH, inner_lines, on_a_line, printable, wrapped};
use crate::doctor::{Code, Finding, Severity, is_healthy};
use crate::facts::{Facts, Observation};
use crate::host::Ping;
use crate::model::listed;
use crate::plan::FORMAT_VERSION;

/// A diagnosis, as `cai doctor --json` prints it.
#[derive(Debug, Serialize)]
pub struct DoctorDocument<'a> {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The file; `null` where there is none.
    pub file: Option<&'a str>,
    /// Whether nothing was found but what is only worth knowing.
    pub healthy: bool,
    /// One for each cause, the worst first.
    pub findings: &'a [Finding],
}

impl<'a> DoctorDocument<'a> {
    /// The document of these findings.
    pub fn new(file: Option<&'a str>, findings: &'a [Finding]) -> Self {
        let healthy = is_healthy(findings);
        Self { format_version: FORMAT_VERSION, file, healthy, findings }
    }
}

/// What was looked at, in a few words.
#[derive(Debug, Clone, Copy)]
pub struct Examined<'a> {
    /// The VM.
    pub vm: &'a str,
    /// The file, where there is one.
    pub file: Option<&'a str>,
    /// What was observed, where anything could be.
    pub facts: Option<&'a Facts>,
}

/// A diagnosis for a person, with colours: short where all is well.
pub fn diagnosis(examined: Examined<'_>, findings: &[Finding]) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write_diagnosis(&mut text, examined, findings);
    text
}

fn write_diagnosis(
    out: &mut String,
    examined: Examined<'_>,
    findings: &[Finding],
) -> std::fmt::Result {
    let Examined { vm, file, .. } = examined;
    if is_healthy(findings) {
        let state = examined.facts.map_or_else(String::new, state);
        writeln!(out, "{} {vm}: {}", paint(ADDED, "Healthy."), on_a_line(&state))?;
    } else {
        let file = file.unwrap_or("no containai.toml");
        let count = match findings.len() {
            1 => "1 finding".to_owned(),
            count => format!("{count} findings"),
        };
        writeln!(out, "{} · {} · {count}", paint(STRONG, vm), on_a_line(file))?;
    }
    for finding in findings {
        writeln!(out)?;
        write_finding(out, finding)?;
    }
    if let Some(first) = findings.first() {
        writeln!(out, "\n{}", paint(DIM, format!("`cai explain {}` says more.", first.code)))?;
    }
    Ok(())
}

/// What a healthy machine is like.
fn state(facts: &Facts) -> String {
    let vm = match &facts.vm {
        Observation::Present(vm) => format!("VM {}", vm.status),
        Observation::Absent => "no VM".into(),
        Observation::Unobservable(_) => "VM not known".into(),
    };
    let containers = facts.guest.present().and_then(|guest| guest.containers.as_ref());
    let containers = match containers.map(Vec::len) {
        None => String::new(),
        Some(1) => ", 1 container".into(),
        Some(count) => format!(", {count} containers"),
    };
    let engine = match &facts.socket {
        Some(Ping::Answered { .. }) => {
            format!(", Docker answers on {}", facts.docker_socket().display())
        }
        _ => String::new(),
    };
    format!("{vm}{containers}{engine}.")
}

fn write_finding(out: &mut String, finding: &Finding) -> std::fmt::Result {
    let style = match finding.severity {
        Severity::Error => ERROR,
        Severity::Warning => CHANGED,
        Severity::Notice => STRONG,
    };
    let address = finding.address.as_ref().map(|address| format!("  {address}"));
    writeln!(
        out,
        "{} {}{}",
        paint(style, finding.severity.word()),
        paint(STRONG, finding.code),
        paint(DIM, on_a_line(&address.unwrap_or_default()))
    )?;
    paragraph(out, "", &finding.cause)?;
    for (name, value) in &finding.observed {
        write_observed(out, name, value)?;
    }
    for consequence in &finding.consequences {
        paragraph(out, "so ", consequence)?;
    }
    // A command is to be copied, so it stays on its line.
    writeln!(out, "{INDENT}{} {}", paint(STRONG, "do:"), on_a_line(&finding.remedy))
}

/// A text, wrapped, each line after the first as far in as the first is behind its label.
fn paragraph(out: &mut String, label: &str, text: &str) -> std::fmt::Result {
    let width = WIDTH - INDENT.len() - label.len();
    let mut label = label.to_owned();
    for (inner, line) in inner_lines(text) {
        for piece in wrapped(&line, width - inner.len()) {
            writeln!(out, "{INDENT}{}{inner}{piece}", paint(DIM, &label))?;
            label = " ".repeat(label.len());
        }
    }
    Ok(())
}

fn write_observed(out: &mut String, name: &str, value: &Value) -> std::fmt::Result {
    let lines = match value {
        Value::Null => return Ok(()),
        Value::String(text) => text.lines().map(str::to_owned).collect(),
        Value::Array(values) if is_log(name) => {
            let lines = values.iter().map(plain);
            lines.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
        }
        Value::Array(values) if values.is_empty() => vec!["none".to_owned()],
        Value::Array(values) => vec![listed(values.iter().map(plain))],
        value => vec![value.to_string()],
    };
    let name = on_a_line(name);
    match lines.as_slice() {
        [] => Ok(()),
        [line] if !is_log(&name) => {
            writeln!(out, "{INDENT}{}", paint(DIM, format!("# {name}: {}", on_a_line(line))))
        }
        lines => {
            writeln!(out, "{INDENT}{}", paint(DIM, format!("# {name}:")))?;
            lines.iter().try_for_each(|line| {
                writeln!(out, "{INDENT}{}", paint(DIM, format!("#   {}", printable(line))))
            })
        }
    }
}

fn is_log(name: &str) -> bool {
    matches!(name, "log" | "mistakes" | "causes")
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// One finding for a person.
pub fn finding(finding: &Finding) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write_finding(&mut text, finding);
    text.trim_end().to_owned()
}

/// The longer text of a code.
pub fn explanation(code: Code) -> String {
    let mut text = format!("{} · {}\n\n", paint(STRONG, code), code.meaning());
    for line in code.text().lines().flat_map(|line| wrapped(line, WIDTH)) {
        let _ = writeln!(text, "{line}");
    }
    text
}

/// All codes, a line for each.
pub fn codes() -> String {
    let width = Code::ALL.iter().map(|code| code.name().len()).max().unwrap_or_default();
    let line = |code: &Code| format!("{:width$}  {}\n", code.name(), code.meaning());
    Code::ALL.iter().map(line).collect()
}
