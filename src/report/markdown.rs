//! A plan as Markdown, for a comment on a pull request.

use std::fmt::Write as _;

use anstream::adapter::strip_str;

use super::change::write_change;
use super::plan::{
    destruction, plan as plan_text, write_consent, write_header, write_kept, write_limits,
    write_remarks, write_summary,
};
use super::text::{INDENT, Layout, Page};
use crate::plan::{Action, Change, Declared, Plan};
use crate::resource::facts::Facts;

/// A Markdown renderer wraps the lines.
const WIDTH: usize = 10_000;

/// The plan of these files as Markdown: a summary, and one collapsed block per change. Its lines
/// are those of [`super::plan`], so secrets are hidden in the same way.
pub fn markdown(plan: &Plan, declared: &[Declared<'_>], facts: &[Facts], layout: Layout) -> String {
    let layout = Layout { width: WIDTH, ..layout };
    if plan.is_empty() {
        return paragraphs(&plan_text(plan, declared, facts, layout));
    }
    let mut head = page(facts, layout);
    // Writing to a string cannot fail.
    let _ = write_headers(&mut head, declared, facts);
    let _ = write_summary(&mut head, plan);
    let _ = write_consent(&mut head, plan, declared);
    let _ = write_remarks(&mut head, &plan.changes);
    let mut end = page(facts, layout);
    let _ = write_limits(&mut end, plan);
    framed(head, &blocks(plan, facts, layout), end)
}

/// Paragraphs before and after the blocks.
fn framed(head: Page, blocks: &str, end: Page) -> String {
    let end = paragraphs(&end.into_text());
    let gap = if end.is_empty() { "" } else { "\n" };
    format!("{}{blocks}{gap}{end}", paragraphs(&head.into_text()))
}

fn write_headers(out: &mut Page, declared: &[Declared<'_>], facts: &[Facts]) -> std::fmt::Result {
    let mut machines = declared.iter().zip(facts);
    machines.try_for_each(|(declared, facts)| write_header(out, *declared, facts))
}

/// The plan of a destroy as Markdown.
pub fn destruction_markdown(
    plan: &Plan,
    declared: Declared<'_>,
    facts: &Facts,
    layout: Layout,
) -> String {
    let layout = Layout { width: WIDTH, ..layout };
    if plan.is_empty() {
        return paragraphs(&destruction(plan, declared, facts, layout));
    }
    let facts = std::slice::from_ref(facts);
    let mut head = page(facts, layout);
    // Writing to a string cannot fail.
    let _ = write_headers(&mut head, &[declared], facts);
    let _ = write_summary(&mut head, plan);
    let mut end = page(facts, layout);
    let _ = write_kept(&mut end, plan);
    framed(head, &blocks(plan, facts, layout), end)
}

fn page(facts: &[Facts], layout: Layout) -> Page {
    let mut page = Page::new(layout);
    page.now = facts.iter().find_map(Facts::engine_time);
    page
}

fn blocks(plan: &Plan, facts: &[Facts], layout: Layout) -> String {
    let changes = plan.changes.iter().filter(|change| !change.is_without_effect());
    changes.map(|change| block(change, page(facts, layout))).collect()
}

/// A change: its first line as the summary of a collapsed block, the other lines as a diff.
fn block(change: &Change, mut page: Page) -> String {
    // Writing to a string cannot fail.
    let _ = write_change(&mut page, change);
    let text = strip_str(&page.into_text()).to_string();
    let (head, body) = text.split_once('\n').unwrap_or((&text, ""));
    let head = escaped_html(head.trim());
    if body.is_empty() {
        return format!("\n- <code>{head}</code>\n");
    }
    let body: String = body.lines().map(|line| diff_line(change.action, line)).collect();
    let fence = fence(&body);
    format!(
        "\n<details>\n<summary><code>{head}</code></summary>\n\n{fence}diff\n{body}{fence}\n\n\
         </details>\n"
    )
}

/// A line with the mark that gives it the color of the action. A line of a difference has one.
fn diff_line(action: Action, line: &str) -> String {
    let line = line.strip_prefix(INDENT).unwrap_or(line);
    let mark = match action {
        Action::Create => "+ ",
        Action::Delete => "- ",
        Action::Update | Action::Replace => "! ",
        Action::NoOp | Action::Release | Action::Refresh | Action::Deferred => "  ",
    };
    let Some(inner) = line.strip_prefix("  ") else {
        return if line.starts_with("# ") {
            format!("{line}\n")
        } else {
            format!("{mark}{line}\n")
        };
    };
    match inner.split_once(' ') {
        Some((sign @ ("+" | "-"), text)) => format!("{sign}   {text}\n"),
        _ => format!("{line}\n"),
    }
}

/// A fence that no line of the text closes.
fn fence(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    "`".repeat(longest.max(2) + 1)
}

/// The lines of a text as paragraphs. Markdown in them is escaped.
fn paragraphs(text: &str) -> String {
    let text = strip_str(text).to_string();
    let lines: Vec<String> =
        text.lines().map(|line| escaped(line.trim().trim_start_matches("# "))).collect();
    let lines = lines.into_iter().filter(|line| !line.is_empty());
    lines.fold(String::new(), |mut text, line| {
        let gap = if text.is_empty() { "" } else { "\n" };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{gap}{line}");
        text
    })
}

fn escaped_html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for character in escaped_html(text).chars() {
        if "\\`*_[]#|~@".contains(character) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}
