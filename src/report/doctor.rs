//! The result of a diagnosis, for the user and as a document.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::palette::{ADDED, CHANGED, DIM, ERROR, STRONG, paint};
use super::text::{INDENT, Layout, Page, headline, inner_lines, on_a_line, wrapped};
use crate::doctor::{Code, Finding, Severity, Unpinned, is_healthy};
use crate::host::Ping;
use crate::model::{counted, listed, printable};
use crate::plan::FORMAT_VERSION;
use crate::resource::facts::Facts;

/// The programs at the start of a remedy that is a command.
const COMMANDS: [&str; 7] = ["brew ", "cai ", "curl ", "docker ", "limactl ", "sudo ", "unset "];

/// A diagnosis, as `cai doctor --json` prints it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DoctorDocument<'a> {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The configuration file; `null` if it does not exist.
    pub file: Option<&'a str>,
    /// Whether all findings are notices.
    pub healthy: bool,
    /// The findings, one per cause, the most severe first.
    pub findings: &'a [Finding],
    /// What the file does not pin, and `cai pin` can write. They are not findings.
    pub unpinned: &'a [Unpinned],
}

impl<'a> DoctorDocument<'a> {
    /// The document of these findings.
    pub fn new(file: Option<&'a str>, findings: &'a [Finding], unpinned: &'a [Unpinned]) -> Self {
        let healthy = is_healthy(findings);
        Self { format_version: FORMAT_VERSION, file, healthy, findings, unpinned }
    }
}

/// The subject of a diagnosis.
#[derive(Debug, Clone, Copy)]
pub struct Examined<'a> {
    /// The VM.
    pub vm: &'a str,
    /// The configuration file, if it exists.
    pub file: Option<&'a str>,
    /// The facts, if the machine could be observed.
    pub facts: Option<&'a Facts>,
    /// What the file does not pin.
    pub unpinned: &'a [Unpinned],
    /// The command that pins them.
    pub pin: &'a str,
}

/// A diagnosis for the user, with colors. It is short if the machine is healthy.
pub fn diagnosis(examined: Examined<'_>, findings: &[Finding], layout: Layout) -> String {
    let mut text = Page::new(layout);
    // Writing to a string cannot fail.
    let _ = write_diagnosis(&mut text, examined, findings);
    text.into_text()
}

fn write_diagnosis(
    out: &mut Page,
    examined: Examined<'_>,
    findings: &[Finding],
) -> std::fmt::Result {
    let Examined { vm, file, .. } = examined;
    if is_healthy(findings) {
        let state = examined.facts.map_or_else(String::new, state);
        headline(out, ADDED, "Healthy.", &format!(" {vm}: {}", on_a_line(&state)))?;
        write_unpinned(out, examined)?;
    } else {
        let file = file.unwrap_or("no containai.toml");
        let count = counted(findings.len(), "finding");
        headline(out, STRONG, vm, &format!(" · {} · {count}", on_a_line(file)))?;
    }
    for finding in findings {
        writeln!(out)?;
        write_finding(out, finding)?;
    }
    if let Some(first) = findings.first() {
        writeln!(
            out,
            "\n{}",
            paint(DIM, format!("Run `cai explain {}` for details.", first.code))
        )?;
    }
    Ok(())
}

/// One sentence about the things that the file does not pin. It is not shown for a broken engine.
fn write_unpinned(out: &mut Page, examined: Examined<'_>) -> std::fmt::Result {
    let Examined { unpinned, pin, .. } = examined;
    if unpinned.is_empty() {
        return Ok(());
    }
    let name = |it: &Unpinned| match (&it.file, it.line) {
        (Some(file), Some(line)) => format!("{} ({file}:{line})", it.what),
        _ => it.what.clone(),
    };
    let text = format!("Not pinned: {}. To pin them: {pin}", listed(unpinned.iter().map(name)));
    for (index, piece) in with_command(&text, out.width() - "  ".len()).iter().enumerate() {
        let indent = if index == 0 { "" } else { "  " };
        writeln!(out, "{indent}{}", paint(DIM, piece))?;
    }
    Ok(())
}

/// The state of a healthy machine.
fn state(facts: &Facts) -> String {
    let engine = match &facts.socket {
        Some(Ping::Answered { .. }) => {
            format!(", Docker answers on {}", facts.docker_socket().display())
        }
        _ => String::new(),
    };
    format!("{}{engine}.", super::plan::state(facts))
}

fn write_finding(out: &mut Page, finding: &Finding) -> std::fmt::Result {
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
    write_remedy(out, &finding.remedy)
}

fn write_remedy(out: &mut Page, remedy: &str) -> std::fmt::Result {
    let width = out.width() - INDENT.len() - "do: ".len();
    for (index, piece) in with_command(remedy, width).iter().enumerate() {
        let label = if index == 0 { paint(STRONG, "do:") } else { "   ".to_owned() };
        writeln!(out, "{INDENT}{label} {piece}")?;
    }
    Ok(())
}

/// The lines of a text that is or ends with a command. A command stays on one line, so that it can be copied;
/// other text is wrapped.
fn with_command(text: &str, width: usize) -> Vec<String> {
    /// This character does not occur in any text that is shown.
    const GLUE: char = '\0';
    let is_command = |text: &str| COMMANDS.iter().any(|name| text.starts_with(name));
    let text = on_a_line(text);
    let at = if is_command(&text) {
        Some(0)
    } else {
        text.match_indices(": ").map(|(at, _)| at + 2).find(|at| is_command(&text[*at..]))
    };
    let (prose, command) = text.split_at(at.unwrap_or(text.len()));
    let glued = |text: &str| text.replace(' ', &GLUE.to_string());
    let parts = prose.split('`').enumerate();
    let prose: Vec<String> = parts
        .map(|(index, part)| if index % 2 == 1 { glued(part) } else { part.to_owned() })
        .collect();
    let lines = wrapped(&format!("{}{}", prose.join("`"), glued(command)), width);
    lines.into_iter().map(|line| line.replace(GLUE, " ")).collect()
}

/// A wrapped text with a label; the following lines are indented to match.
fn paragraph(out: &mut Page, label: &str, text: &str) -> std::fmt::Result {
    let width = out.width() - INDENT.len() - label.len();
    let mut label = label.to_owned();
    for (inner, line) in inner_lines(text) {
        for piece in wrapped(&line, width - inner.len()) {
            writeln!(out, "{INDENT}{}{inner}{piece}", paint(DIM, &label))?;
            label = " ".repeat(label.len());
        }
    }
    Ok(())
}

fn write_observed(out: &mut Page, name: &str, value: &Value) -> std::fmt::Result {
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
            write_evidence(out, "", &format!("{name}: {}", on_a_line(line)))
        }
        lines => {
            writeln!(out, "{INDENT}{}", paint(DIM, format!("# {name}:")))?;
            lines.iter().try_for_each(|line| write_evidence(out, "  ", &printable(line)))
        }
    }
}

/// A wrapped line of evidence; the following lines are indented.
fn write_evidence(out: &mut Page, inner: &str, line: &str) -> std::fmt::Result {
    let room = out.width() - INDENT.len() - "# ".len() - inner.len();
    // Continuation lines are indented.
    let width = if line.chars().count() > room { room - "  ".len() } else { room };
    for (index, piece) in wrapped(line, width).iter().enumerate() {
        let further = if index == 0 { "" } else { "  " };
        writeln!(out, "{INDENT}{}", paint(DIM, format!("# {inner}{further}{piece}")))?;
    }
    Ok(())
}

fn is_log(name: &str) -> bool {
    matches!(name, "log" | "dockerd_log" | "mistakes" | "causes")
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// One finding for the user.
pub fn finding(finding: &Finding, layout: Layout) -> String {
    let mut text = Page::new(layout);
    // Writing to a string cannot fail.
    let _ = write_finding(&mut text, finding);
    text.into_text().trim_end().to_owned()
}

/// The long explanation of a code.
pub fn explanation(code: Code, width: usize) -> String {
    let mut text = format!("{} · {}\n\n", paint(STRONG, code), code.meaning());
    for line in code.text().lines().flat_map(|line| wrapped(line, width)) {
        let _ = writeln!(text, "{line}");
    }
    text
}

/// All codes, one per line.
pub fn codes() -> String {
    let width = Code::ALL.iter().map(|code| code.name().len()).max().unwrap_or_default();
    let line = |code: &Code| format!("{:width$}  {}\n", code.name(), code.meaning());
    Code::ALL.iter().map(line).collect()
}
