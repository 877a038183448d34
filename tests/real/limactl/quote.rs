//! Quoting, in the forms that the original's messages and ssh's remote shell need.
pub(super) use containai::simulate::log::go;

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
