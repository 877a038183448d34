//! Differences of longer texts, line by line.

use similar::{ChangeTag, TextDiff};

/// Where a line of a difference is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Only in the old text.
    Before,
    /// Only in the new text.
    After,
    /// In both.
    Both,
    /// It stands for the lines in between, which are the same.
    Gap,
}

/// A line of a difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Where it is from.
    pub origin: Origin,
    /// Its text, without the line break; for a gap, the position as in a unified diff.
    pub text: String,
}

/// The lines that differ, with two lines around them.
pub fn text_diff(before: &str, after: &str) -> Vec<Line> {
    let diff = TextDiff::from_lines(before, after);
    let mut lines = Vec::new();
    for hunk in diff.unified_diff().context_radius(2).iter_hunks() {
        lines.push(Line { origin: Origin::Gap, text: hunk.header().to_string() });
        for change in hunk.iter_changes() {
            let origin = match change.tag() {
                ChangeTag::Delete => Origin::Before,
                ChangeTag::Insert => Origin::After,
                ChangeTag::Equal => Origin::Both,
            };
            let text = change.value().trim_end_matches('\n').to_owned();
            lines.push(Line { origin, text });
        }
    }
    lines
}
