//! The layout of the output: wrapped and indented lines.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::SystemTime;

use anstyle::Style;
use console::measure_text_width;

use super::palette::{DIM, ERROR, paint};
use crate::model::{in_a_line, printable};

/// The width of the text of a comment in a file.
const COMMENT: usize = 98;
/// The indentation of the lines of a block.
pub(super) const INDENT: &str = "      ";
/// The indentation of the second and further lines of an external text.
const INNER: &str = "  ";

/// How a report is laid out.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    /// The line width. A longer word exceeds it.
    pub width: usize,
    /// The mark of a header or summary about a simulated host; empty on a real host.
    pub mark: &'static str,
    /// Whether long values are shown completely.
    pub full: bool,
}

/// On a standard terminal, and a real host.
impl Default for Layout {
    fn default() -> Self {
        Self { width: 80, mark: "", full: false }
    }
}

/// The output of a report.
pub(super) struct Page {
    text: String,
    pub(super) layout: Layout,
    /// The time on the engine's clock, if it is known.
    pub(super) now: Option<SystemTime>,
}

impl Page {
    pub(super) fn new(layout: Layout) -> Self {
        Self { text: String::new(), layout, now: None }
    }

    pub(super) fn width(&self) -> usize {
        self.layout.width
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }
}

impl std::fmt::Write for Page {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.text.write_str(text)
    }
}

/// Writes a wrapped header or summary that starts with an emphasized text.
pub(super) fn headline(out: &mut Page, style: Style, head: &str, rest: &str) -> std::fmt::Result {
    let mark = out.layout.mark;
    let line = format!("{mark}{head}{rest}");
    for (index, piece) in wrapped(&line, out.width()).iter().enumerate() {
        match piece.strip_prefix(mark).and_then(|piece| piece.strip_prefix(head)) {
            Some(rest) if index == 0 => writeln!(out, "{mark}{}{rest}", paint(style, head))?,
            _ => writeln!(out, "  {piece}")?,
        }
    }
    Ok(())
}

/// Sentences as a comment of a TOML file.
pub fn commented(sentences: &[String]) -> String {
    let lines = sentences.iter().flat_map(|sentence| wrapped(&on_a_line(sentence), COMMENT));
    lines.flat_map(|line| ["# ".to_owned(), line, "\n".to_owned()]).collect()
}

/// Writes a wrapped comment within a block.
pub(super) fn comment(out: &mut Page, text: &str) -> std::fmt::Result {
    styled_comment(out, DIM, text)
}

/// A comment about a loss.
pub(super) fn loss(out: &mut Page, text: &str) -> std::fmt::Result {
    styled_comment(out, ERROR, text)
}

fn styled_comment(out: &mut Page, style: Style, text: &str) -> std::fmt::Result {
    for (inner, line) in inner_lines(text) {
        for piece in wrapped(&line, out.width() - INDENT.len() - "# ".len() - inner.len()) {
            writeln!(out, "{INDENT}{}", paint(style, format!("# {inner}{piece}")))?;
        }
    }
    Ok(())
}

/// The lines of an external text. The second and further lines are indented, so that none of them
/// looks like a line of `cai`.
pub(super) fn inner_lines(text: &str) -> impl Iterator<Item = (&'static str, Cow<'_, str>)> {
    let lines = text.lines().enumerate();
    lines.map(|(index, line)| (if index == 0 { "" } else { INNER }, printable(line)))
}

/// An external text as part of a line, or of several lines that start with `indent` and are
/// indented further.
pub(super) fn inner(text: &str, indent: &str) -> String {
    let lines: Vec<String> =
        inner_lines(text).map(|(inner, line)| format!("{inner}{line}")).collect();
    lines.join(&format!("\n{indent}"))
}

/// The text on one line, without terminal control characters.
pub fn on_a_line(text: &str) -> Cow<'_, str> {
    match in_a_line(text) {
        Cow::Borrowed(text) => printable(text),
        Cow::Owned(text) => Cow::Owned(printable(&text).into_owned()),
    }
}

/// Rows in columns. The last column is not padded.
pub fn table<const N: usize>(head: &[String; N], rows: &[[String; N]]) -> String {
    let lines = || std::iter::once(head).chain(rows);
    let mut widths = [0; N];
    for line in lines() {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for line in lines() {
        let cells = line.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        let line = cells.collect::<Vec<_>>().join("  ");
        text.push_str(&on_a_line(line.trim_end()));
        text.push('\n');
    }
    text
}

/// Splits a line into pieces of at most this many characters, except for longer words.
pub(super) fn wrapped(line: &str, width: usize) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for word in line.split(' ') {
        let Some(last) = pieces.last_mut() else { break };
        if last.is_empty() {
            last.push_str(word);
        } else if last.chars().count() + 1 + word.chars().count() <= width {
            last.push(' ');
            last.push_str(word);
        } else {
            pieces.push(word.to_owned());
        }
    }
    pieces
}

/// A message whose lines fit this width, except for longer words and commands. Continuation lines
/// are indented further.
pub fn fitted(text: &str, width: usize) -> String {
    let fit = |line: &str| {
        if measure_text_width(line) <= width {
            return line.to_owned();
        }
        let start = line.len() - line.trim_start().len();
        let (indent, line) = line.split_at(start);
        let mut lines = vec![indent.to_owned()];
        for word in words(line) {
            let Some(last) = lines.last_mut() else { break };
            let is_first = last.trim_start().is_empty();
            if is_first || measure_text_width(last) + 1 + measure_text_width(word) <= width {
                last.push_str(if is_first { "" } else { " " });
                last.push_str(word);
            } else {
                lines.push(format!("{indent}{INNER}{word}"));
            }
        }
        lines.join("\n")
    };
    text.split('\n').map(fit).collect::<Vec<_>>().join("\n")
}

/// The words of a line. A command in backticks is one word, because it is to be copied.
fn words(line: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let (mut start, mut in_command) = (0, false);
    for (at, character) in line.char_indices() {
        match character {
            '`' => in_command = !in_command,
            ' ' if !in_command => {
                words.push(&line[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    words.push(&line[start..]);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_fits_and_its_commands_stay_whole() {
        let hint = "help: review the plan, then run `cai --simulate=world -f 'a b.toml' apply --yes`, or not";
        assert_eq!(
            fitted(hint, 60),
            "help: review the plan, then run\n  `cai --simulate=world -f 'a b.toml' apply --yes`, or not"
        );
        let red = "\u{1b}[31merror:\u{1b}[0m no";
        for short in ["", "a\n  b", red] {
            assert_eq!(fitted(short, 9), short);
        }
        assert_eq!(fitted("  one two three", 10), "  one two\n    three");
    }

    #[test]
    fn long_remarks_are_wrapped_at_words() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("unbreakable ab c", 4), ["unbreakable", "ab c"]);
        assert_eq!(wrapped("", 4), [""]);
    }

    #[test]
    fn no_line_of_a_text_from_outside_begins_where_one_of_cai_does() {
        let said = "no answer\n# stops no container";
        let mut out = Page::new(Layout::default());
        comment(&mut out, said).unwrap();
        let plain = anstream::adapter::strip_str(&out.into_text()).to_string();
        assert_eq!(plain, "      # no answer\n      #   # stops no container\n");
        assert_eq!(inner(said, INDENT), "no answer\n        # stops no container");
        assert_eq!(on_a_line("a\n\tb\u{7}"), "a\\n\\tb\\u{7}");
    }
}
