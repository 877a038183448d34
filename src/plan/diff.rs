//! Differences of longer texts, line by line.

use similar::{ChangeTag, TextDiff};

/// Which text a line of a difference is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineKind {
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
pub struct DiffLine {
    /// Which text it is from.
    pub kind: LineKind,
    /// Its text, without the line break; for a gap, the position as in a unified diff.
    pub text: String,
}

/// The lines that differ, with two lines around them. In JSON, a comma at the end of a line is not
/// a difference, because a line gets one when another is added after it.
pub fn text_diff(before: &str, after: &str) -> Vec<DiffLine> {
    let is_json = [before, after].iter().all(|text| text.trim_start().starts_with('{'));
    let compared = |text: &str| {
        let without_comma = |line: &str| line.strip_suffix(',').unwrap_or(line).to_owned() + "\n";
        if is_json { text.lines().map(without_comma).collect() } else { text.to_owned() }
    };
    let (old, new): (String, String) = (compared(before), compared(after));
    let diff = TextDiff::from_lines(&old, &new);
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let mut lines = Vec::new();
    for hunk in diff.unified_diff().context_radius(2).iter_hunks() {
        lines.push(DiffLine { kind: LineKind::Gap, text: hunk.header().to_string() });
        for change in hunk.iter_changes() {
            let kind = match change.tag() {
                ChangeTag::Delete => LineKind::Before,
                ChangeTag::Insert => LineKind::After,
                ChangeTag::Equal => LineKind::Both,
            };
            let written = match (change.new_index(), change.old_index()) {
                (Some(index), _) => new.get(index),
                (None, index) => index.and_then(|index| old.get(index)),
            };
            let text = written.copied().unwrap_or(change.value()).trim_end_matches('\n').to_owned();
            lines.push(DiffLine { kind, text });
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn differing(before: &str, after: &str) -> Vec<(LineKind, String)> {
        let lines = text_diff(before, after).into_iter();
        let differs = |line: &DiffLine| matches!(line.kind, LineKind::Before | LineKind::After);
        lines.filter(differs).map(|line| (line.kind, line.text)).collect()
    }

    #[test]
    fn a_comma_at_the_end_of_a_json_line_is_no_difference() {
        let (before, after) = ("{\n  \"a\": 1\n}\n", "{\n  \"a\": 1,\n  \"b\": 2\n}\n");
        assert_eq!(differing(before, after), [(LineKind::After, "  \"b\": 2".into())]);
        assert_eq!(differing(after, before), [(LineKind::Before, "  \"b\": 2".into())]);
        let yaml = differing("a: x\n", "a: x,\n");
        assert_eq!(yaml, [(LineKind::Before, "a: x".into()), (LineKind::After, "a: x,".into())]);
    }
}
