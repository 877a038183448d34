//! Errors in a file, shown on the file's own lines.

use std::fmt::Write as _;
use std::ops::Range;

use annotate_snippets::{Annotation, AnnotationKind, Level, Origin, Renderer, Snippet};

use super::layers::{Place, Sources};
use crate::model::is_unshowable;

/// An error in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// What is wrong, in one line.
    pub message: String,
    /// The bytes of the file that it is about; `None` if it is about the whole file.
    pub span: Option<Range<usize>>,
    /// A short text below the span.
    pub label: Option<String>,
    /// Other places that it is about, each with a short text.
    pub also: Vec<(Range<usize>, String)>,
    /// What to do.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// A diagnostic with only a message.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), span: None, label: None, also: Vec::new(), hint: None }
    }

    /// Sets the bytes of the file that it is about.
    #[must_use]
    pub fn at(mut self, span: Range<usize>) -> Self {
        self.span = Some(span);
        self
    }

    /// A short text below the span.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Adds another place, with a short text below it.
    #[must_use]
    pub fn also(mut self, span: Range<usize>, label: impl Into<String>) -> Self {
        self.also.push((span, label.into()));
        self
    }

    /// What to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// The line of a byte in `source`, counted from 1.
pub fn line_of(source: &str, offset: usize) -> usize {
    line_at(source, offset).0
}

/// The line and the column, in characters, of a byte in `source`, counted from 1.
pub fn place_of(source: &str, offset: usize) -> (usize, usize) {
    let (line, start, _) = line_at(source, offset);
    (line, until(source, offset)[start..].chars().count() + 1)
}

/// The diagnostics as text, each with its line of `sources`. `color` enables ANSI colors.
///
/// Text of `sources` cannot control the terminal: control characters and characters that change the
/// text direction are replaced with visible ones.
pub fn render(diagnostics: &[Diagnostic], sources: &Sources, color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let mut text = String::new();
    for (index, diagnostic) in diagnostics.iter().enumerate() {
        let blank_line = if index == 0 { "" } else { "\n" };
        let shown = render_one(diagnostic, sources, &renderer);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{blank_line}{shown}");
    }
    text
}

fn render_one(diagnostic: &Diagnostic, sources: &Sources, renderer: &Renderer) -> String {
    let title = Level::ERROR.primary_title(visible(&diagnostic.message));
    let mut group = match &diagnostic.span {
        None => {
            let file = sources.layers().first().map(|layer| layer.shown.as_str());
            title.element(Origin::path(visible(file.unwrap_or_default())))
        }
        Some(span) => {
            let label = diagnostic.label.as_deref();
            let main = marked(sources, span, AnnotationKind::Primary, label);
            title.elements(main)
        }
    };
    for (span, label) in &diagnostic.also {
        let other = marked(sources, span, AnnotationKind::Context, Some(label));
        group = group.elements(other);
    }
    if let Some(hint) = &diagnostic.hint {
        group = group.element(Level::HELP.message(visible(hint)));
    }
    renderer.render(&[group])
}

/// The line of a span. For a value on several lines, only the first is shown.
fn marked<'a>(
    sources: &'a Sources,
    span: &Range<usize>,
    kind: AnnotationKind,
    label: Option<&'a str>,
) -> Option<Snippet<'a, Annotation<'a>>> {
    let Place { layer, offset } = sources.at(span.start)?;
    let (number, start, line) = line_at(&layer.text, offset);
    let mark = |offset: usize| visible(until(line, offset.saturating_sub(start))).len();
    let end = offset + span.len();
    let range = mark(offset)..mark(end).max(mark(offset));
    let annotation = kind.span(range).label(label.map(visible));
    let snippet = Snippet::source(visible(line)).path(visible(&layer.shown)).line_start(number);
    Some(snippet.annotation(annotation))
}

/// The line with the byte at `offset`: its number, its start and its text.
fn line_at(source: &str, offset: usize) -> (usize, usize, &str) {
    let before = until(source, offset);
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = source[start..].split('\n').next().unwrap_or_default();
    (before.matches('\n').count() + 1, start, line.strip_suffix('\r').unwrap_or(line))
}

/// `text` up to `offset`, or to the last whole character before it.
fn until(text: &str, offset: usize) -> &str {
    let mut end = offset.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// `text` with control characters replaced one to one by visible characters, so that columns stay
/// correct. Tabs and newlines stay. A byte order mark is removed, because editors do not count it
/// as a column.
fn visible(text: &str) -> String {
    let stand_in = |c: char| match c {
        '\u{feff}' => None,
        '\t' | '\n' => Some(c),
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)),
        '\u{7f}' => Some('␡'),
        // A zero-width joiner would merge two columns.
        '\u{200c}' | '\u{200d}' => Some('\u{fffd}'),
        c if is_unshowable(c) => Some('\u{fffd}'),
        _ => Some(c),
    };
    text.chars().filter_map(stand_in).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_diagnostic_stands_on_its_line() {
        let source = "version = 1\r\n[vm]\r\n\tmemory = \"8GB\"\r\n";
        let diagnostic = Diagnostic::new("not a size").at(29..34).label("here").hint("write 8GiB");
        let expected = "\
error: not a size
 --> team/containai.toml:3:11
  |
3 |     memory = \"8GB\"
  |              ^^^^^ here
  |
  = help: write 8GiB
";
        assert_eq!(
            render(&[diagnostic], &Sources::single("team/containai.toml", source), false),
            expected
        );
    }

    #[test]
    fn one_about_the_whole_file_names_the_file() {
        let text =
            render(&[Diagnostic::new("too long")], &Sources::single("containai.toml", ""), false);
        assert_eq!(text, "error: too long\n--> containai.toml\n");
    }

    #[test]
    fn a_value_over_several_lines_is_marked_on_its_first() {
        let text =
            render(&[Diagnostic::new("no").at(4..9)], &Sources::single("f", "a = [\n1]\n"), false);
        assert!(text.contains("1 | a = [\n  |     ^\n"), "{text}");
    }

    #[test]
    fn a_hostile_file_cannot_drive_the_terminal() {
        let source = "\u{feff}x = \"\u{1b}]0;t\u{7}\u{9b}2J\u{202e}\" # é\u{7f}";
        let diagnostic = Diagnostic::new(source).at(7..10).label(source).hint(source);
        let text = render(&[diagnostic], &Sources::single(source, source), false);
        assert!(text.contains(":1:5\n"), "{text}");
        let obeyed = |c: &char| c.is_control() && *c != '\n' || "\u{feff}\u{202e}".contains(*c);
        assert_eq!(text.chars().find(obeyed), None, "{text}");
    }

    #[test]
    fn colour_is_only_where_it_was_asked_for() {
        let diagnostics = [Diagnostic::new("no").at(0..1)];
        let sources = Sources::single("f", "x");
        assert!(render(&diagnostics, &sources, true).contains("\u{1b}["));
        assert!(!render(&diagnostics, &sources, false).contains('\u{1b}'));
    }

    proptest! {
        #[test]
        fn any_span_of_any_text_can_be_shown(
            source in "(\\PC|[\r\n\t\u{1b}\u{feff}é字]){0,60}", start in 0usize..80, end in 0usize..80,
        ) {
            let text = render(&[Diagnostic::new("m").at(start..end)], &Sources::single("f", &source), false);
            let line = format!("f:{}:", line_of(&source, start));
            prop_assert!(text.contains(&line), "{}", text);
        }
    }
}
