//! Quoting, in the forms that the original's messages and ssh's remote shell need.
use std::fmt::Write as _;

/// A Go string literal.
pub(super) fn go(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(quoted, "\\x{:02x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A value named in a message: in back-quotes where Go can, else as a string literal.
pub(super) fn name(text: &str) -> String {
    let raw = !text.chars().any(|c| c == '`' || (c.is_control() && c != '\t'));
    if raw { format!("`{text}`") } else { go(text) }
}

/// One word of a shell command.
pub(super) fn shell(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r#"'"'"'"#))
    }
}
