//! Texts from outside, made harmless, and figures made readable.

use std::borrow::Cow;
use std::time::Duration;

/// The text without anything that could drive a terminal: control characters and those that
/// reorder what is shown are written as escapes. Line breaks and tabs stay.
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

fn is_harmful(character: char) -> bool {
    let reorders = matches!(
        character,
        '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    reorders || (character.is_control() && character != '\n' && character != '\t')
}

/// A time span, as precise as it is useful: `0.3 s`, `12 s`, `3 min 5 s`.
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
    fn spans_are_readable() {
        let spans = [(340, "0.3 s"), (12_400, "12 s"), (180_000, "3 min"), (185_000, "3 min 5 s")];
        for (milliseconds, shown) in spans {
            assert_eq!(duration(Duration::from_millis(milliseconds)), shown);
        }
    }
}
