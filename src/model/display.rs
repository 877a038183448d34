//! Escapes text from outside for the terminal, and formats durations.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::Duration;

use super::is_unshowable;

/// The text with control characters and bidirectional formatting characters escaped, so that it
/// cannot control a terminal. Line breaks and tabs stay.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_harmful(character) {
            safe.extend(character.escape_unicode());
        } else {
            safe.push(character);
        }
    }
    Cow::Owned(safe)
}

/// The first `most` characters of a line, with an ellipsis if it is longer.
pub fn shortened(line: &str, most: usize) -> Cow<'_, str> {
    match line.char_indices().nth(most) {
        Some((end, _)) => Cow::Owned(format!("{}…", line.get(..end).unwrap_or_default())),
        None => Cow::Borrowed(line),
    }
}

/// JSON with the same meaning, in which all characters that could control a terminal are escaped.
/// JSON itself requires this only for the characters below U+0020.
pub fn printable_json(json: &str) -> Cow<'_, str> {
    if !json.contains(is_harmful) {
        return Cow::Borrowed(json);
    }
    let mut safe = String::with_capacity(json.len() + 16);
    for character in json.chars() {
        if is_harmful(character) {
            // These characters occur only in strings, and each is one UTF-16 code unit.
            let _ = write!(safe, "\\u{:04x}", u32::from(character));
        } else {
            safe.push(character);
        }
    }
    Cow::Owned(safe)
}

fn is_harmful(character: char) -> bool {
    is_unshowable(character) && character != '\n' && character != '\t'
}

/// A count with its noun: `1 container`, `2 containers`.
pub fn counted(count: usize, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        count => format!("{count} {noun}s"),
    }
}

/// A duration, rounded for display: `0.3 s`, `12 s`, `3 min 5 s`.
pub fn duration(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0..10 => format!("{:.1} s", span.as_secs_f64()),
        10..60 => format!("{seconds} s"),
        _ if seconds.is_multiple_of(60) => format!("{} min", seconds / 60),
        _ => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_drives_the_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb\u{7}"), "a\\u{1b}[2Jb\\u{7}");
        assert_eq!(printable("x\u{202e}y\r"), "x\\u{202e}y\\u{d}");
        assert_eq!(printable("é\tä\n"), "é\tä\n");
    }

    #[test]
    fn json_says_the_same_without_driving_the_terminal() {
        let text = "a\u{9b}2J\u{202e}\u{7f}\u{1b}é\n\u{feff}\"";
        let json = serde_json::to_string_pretty(&[text]).unwrap();
        let safe = printable_json(&json);
        assert_eq!(printable(&safe), safe);
        assert_eq!(serde_json::from_str::<[String; 1]>(&safe).unwrap(), [text]);
        assert_eq!(printable_json("[\n  \"é\"\n]"), "[\n  \"é\"\n]");
    }

    #[test]
    fn spans_are_readable() {
        let spans = [(340, "0.3 s"), (12_400, "12 s"), (180_000, "3 min"), (185_000, "3 min 5 s")];
        for (milliseconds, shown) in spans {
            assert_eq!(duration(Duration::from_millis(milliseconds)), shown);
        }
    }
}
