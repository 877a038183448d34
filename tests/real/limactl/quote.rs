//! Quoting in the formats of Lima's messages and of ssh's remote shell.
pub(super) use containai::simulate::log::go;

/// A value in a message: in backquotes if Go can use them, otherwise as a string literal.
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
