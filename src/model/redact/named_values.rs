//! Finds the values of names in a line: `name=value`, `name: value`, `"name": "value"` and
//! `--name value`.

use std::ops::Range;

use super::{PLACEHOLDER, REDACTED};

/// How far a value without quotes extends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// To the end of the word.
    Word,
    /// To the end of the line, or to the end of the quotes or brackets that the name is in.
    Line,
}

/// Characters between a name and its value.
const SIGNS: [char; 4] = ['=', ':', ' ', '\t'];
const CLOSING: [char; 3] = ['}', ']', ')'];

/// The positions of the values of these names. It reads each character only a few times, because the
/// output of a guest can have lines of millions of characters.
pub(super) fn named_by(
    line: &str,
    extent: Extent,
    is_wanted: &dyn Fn(&str) -> bool,
) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let closes = line.rfind(CLOSING).unwrap_or_default();
    let mut surroundings = Surroundings { closes, ..Surroundings::default() };
    // The start of the text before the next separator, and the name at its end if it is wanted.
    let (mut begin, mut wanted): (usize, Option<&str>) = (0, None);
    let mut at = 0;
    while let Some(sign) = line[at..].find(SIGNS) {
        at += sign;
        let (before, after) = (&line[begin..at], &line[at..]);
        // Spaces and quotes can stand between a name and its separator.
        let before = before.trim_end_matches(['"', '\'', '\\', ' ', '\t']);
        if !before.is_empty() {
            let begins = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
            wanted = before.rsplit(begins).next().filter(|name| is_wanted(name));
        }
        let run = after.len() - after.trim_start_matches(SIGNS).len();
        // A space separates a name from its value only after a flag.
        let is_signed = after[..run].contains(['=', ':']);
        let start = at + run;
        let Some(name) = wanted.filter(|name| is_signed || name.starts_with("--")) else {
            at = start;
            begin = at;
            if is_signed {
                wanted = None;
            }
            continue;
        };
        let is_parameter = before.strip_suffix(name).is_some_and(|it| it.ends_with(['?', '&']));
        let extent = if is_parameter || name.starts_with("--") { Extent::Word } else { extent };
        let value = match opening(&line[start..]) {
            Some((lead, quote)) => start + lead..start + lead + quote.end(&line[start + lead..]),
            // A TOML or JSON table is not a value. Its entries have their own names.
            None if line[start..].starts_with("{ ") => start..start,
            None => {
                surroundings.read(&line[..start]);
                start..start + surroundings.end(&line[start..], extent)
            }
        };
        if !value.is_empty() && !is_replacement(&line[value.clone()]) {
            found.push(value.clone());
        }
        surroundings.read(&line[..value.start]);
        surroundings.skip_to(value.end);
        // A value can end with the name of the next value.
        begin = value.start;
        at = value.end;
        if is_signed {
            wanted = None;
        }
    }
    found
}

/// Whether a value was replaced before.
fn is_replacement(value: &str) -> bool {
    value == REDACTED || value.starts_with(PLACEHOLDER) && value.find(')') == Some(value.len() - 1)
}

/// A quotation mark with this number of backslashes before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Quote {
    mark: char,
    escapes: usize,
}

/// The opening quote of a value, and its length in bytes.
fn opening(text: &str) -> Option<(usize, Quote)> {
    let rest = text.trim_start_matches('\\');
    let escapes = text.len() - rest.len();
    let mark = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    Some((escapes + 1, Quote { mark, escapes }))
}

impl Quote {
    /// The end of the text in these quotes: their end, or that of the line.
    fn end(self, text: &str) -> usize {
        let mut escapes = 0;
        for (at, c) in text.char_indices() {
            if c == self.mark && escapes <= self.escapes {
                return at - escapes;
            }
            escapes = if c == '\\' { escapes + 1 } else { 0 };
        }
        text.len()
    }
}

/// The quotes and brackets that are open at a position of a line.
#[derive(Debug, Default)]
struct Surroundings {
    /// The last closing bracket of the line.
    closes: usize,
    at: usize,
    last: char,
    escapes: usize,
    quote: Option<Quote>,
    depth: usize,
}

impl Surroundings {
    /// Reads on to the end of this text, which starts with the text that was read.
    fn read(&mut self, text: &str) {
        for c in text.get(self.at..).unwrap_or_default().chars() {
            let here = Quote { mark: c, escapes: self.escapes };
            match self.quote {
                Some(quote) if quote == here => self.quote = None,
                Some(_) => {}
                None => self.read_plain(c),
            }
            self.escapes = if c == '\\' { self.escapes + 1 } else { 0 };
            self.last = c;
        }
        self.at = self.at.max(text.len());
    }

    /// Reads a character that is not in quotes.
    fn read_plain(&mut self, c: char) {
        match c {
            // An apostrophe is not a quote.
            '"' | '\'' if !self.last.is_alphanumeric() => {
                self.quote = Some(Quote { mark: c, escapes: self.escapes });
            }
            // A color code is not a bracket.
            '[' if self.last == '\u{1b}' => {}
            '{' | '[' | '(' => self.depth += 1,
            '}' | ']' | ')' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
    }

    /// Skips the text up to this position.
    fn skip_to(&mut self, at: usize) {
        self.at = self.at.max(at);
        self.escapes = 0;
    }

    /// The end of a value without quotes, which starts here.
    fn end(&self, value: &str, extent: Extent) -> usize {
        let ends_word = |c: char| c.is_whitespace() || ",;&)}]\"'".contains(c);
        let ends_entry = |c: char| c == ',' || CLOSING.contains(&c);
        // A replacement has a bracket.
        let replaced = value.starts_with(PLACEHOLDER).then(|| value.find(')')).flatten();
        let start = replaced.map_or(0, |end| end + 1);
        let end = match (extent, self.quote) {
            (Extent::Word, _) => value.find(ends_word),
            (Extent::Line, Some(quote)) => Some(quote.end(value)),
            (Extent::Line, None) if self.depth > 0 && self.closes >= self.at => {
                value[start..].find(ends_entry).map(|end| start + end)
            }
            (Extent::Line, None) => None,
        };
        let value = value[..end.unwrap_or(value.len())].trim_end();
        // A plan has colors.
        value.strip_suffix("\u{1b}[0m").unwrap_or(value).len()
    }
}
