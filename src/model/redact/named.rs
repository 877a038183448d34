//! Recognizes secrets by their names or positions.

use std::ops::Range;

use serde_json::{Map, Value};

use super::urls::{credentials, passwords, proxy_passwords, proxy_value};
use super::{PLACEHOLDER, REDACTED};

/// Parts of names that mark a value as secret.
const PARTS: [&str; 14] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "api_key",
    "api-key",
    "credential",
    "private_key",
    "privatekey",
    "access_key",
    "accesskey",
    "authorization",
];

/// A part of the first and last line of a private key.
const KEY: &str = "PRIVATE KEY-----";

/// A text from elsewhere, such as the output of a tool, without anything that looks like a secret.
pub fn foreign(text: &str) -> String {
    let clean = |line: &str| {
        if line.contains(KEY) {
            return REDACTED.to_owned();
        }
        let line = credentials(line);
        without(&line, &named(&line))
    };
    keys_in_a_line(text).split('\n').map(clean).collect::<Vec<_>>().join("\n")
}

/// A text with each private key on one line, so that [`foreign`] recognizes it when it is called
/// line by line.
pub fn keys_in_a_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut in_key = false;
    for (place, line) in text.split('\n').enumerate() {
        if place > 0 {
            out.push(if in_key { ' ' } else { '\n' });
        }
        out.push_str(line);
        if line.contains(KEY) {
            in_key = line.contains("BEGIN") && !line.contains("END ");
        }
    }
    out
}

/// A text without the values of these names. A table is not a value.
pub(super) fn without_named(text: &str, names: &[String]) -> String {
    let is_one = |name: &str| names.iter().any(|own| own == name);
    let line = |line: &str| {
        let mut parts = named_by(line, &is_one);
        parts.retain(|part| !line[part.clone()].starts_with(['{', '[']));
        without(line, &parts)
    };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

/// The value of this name without anything that looks like a secret.
pub fn value(name: &str, value: &Value) -> Value {
    if is_secret(name) || name == "auths" {
        return hidden(value);
    }
    match value {
        Value::String(text) => foreign(&proxy_value(name, text)).into(),
        Value::Array(values) => values.iter().map(|it| self::value(name, it)).collect(),
        Value::Object(map) => {
            map.iter().map(|(key, it)| (key.clone(), self::value(key, it))).collect()
        }
        other => other.clone(),
    }
}

/// The structure of a value without its contents.
pub(super) fn hidden(value: &Value) -> Value {
    match value {
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), hidden(value))).collect(),
        Value::Array(values) => values.iter().map(hidden).collect(),
        Value::Null => Value::Null,
        Value::String(text) if text.starts_with(PLACEHOLDER) => value.clone(),
        _ => REDACTED.into(),
    }
}

/// The values in these keys that look like secrets: by their names, or as parts of URLs.
pub fn secrets(keys: &Map<String, Value>) -> Vec<String> {
    let mut found = Vec::new();
    for (key, value) in keys {
        collect(key, value, is_secret(key) || key == "auths", &mut found);
    }
    found
}

fn collect(name: &str, value: &Value, is_hidden: bool, found: &mut Vec<String>) {
    match value {
        Value::String(text) if is_hidden => found.push(text.clone()),
        Value::String(text) => {
            found.extend(passwords(text));
            found.extend(proxy_passwords(name, text));
        }
        Value::Array(values) => {
            for it in values {
                collect(name, it, is_hidden, found);
            }
        }
        Value::Object(map) => {
            for (key, it) in map {
                collect(key, it, is_hidden || is_secret(key) || key == "auths", found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Whether a name marks its value as secret.
pub fn is_secret(name: &str) -> bool {
    let name = name.trim_start_matches('-').to_ascii_lowercase();
    PARTS.iter().any(|part| name.contains(part))
        || name == "auth"
        || name.ends_with("_auth")
        || name.ends_with("-auth")
}

/// The positions of values in `name=value`, `name: value`, `"name": "value"` and `--name value`
/// whose name marks them as secret.
pub(super) fn named(line: &str) -> Vec<Range<usize>> {
    named_by(line, &is_secret)
}

/// The same, with a function that recognizes the names. It reads each character only a few times,
/// because the output of a guest can have lines of millions of characters.
pub(super) fn named_by(line: &str, is_secret: &dyn Fn(&str) -> bool) -> Vec<Range<usize>> {
    const SIGNS: [char; 4] = ['=', ':', ' ', '\t'];
    const QUOTES: [char; 3] = ['"', '\'', '\\'];
    let mut found = Vec::new();
    // The start of the text before the next separator, and the name at its end if that name is
    // secret.
    let (mut begin, mut secret): (usize, Option<&str>) = (0, None);
    let mut at = 0;
    while let Some(sign) = line[at..].find(SIGNS) {
        at += sign;
        let (before, after) = (&line[begin..at], &line[at..]);
        // Spaces and quotes can stand between a name and its separator.
        let before = before.trim_end_matches(['"', '\'', '\\', ' ', '\t']);
        if !before.is_empty() {
            let begins = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
            secret = before.rsplit(begins).next().filter(|name| is_secret(name));
        }
        let run = &after[..after.len() - after.trim_start_matches(SIGNS).len()];
        // A space separates a name from its value only after a flag.
        let is_signed = run.contains(['=', ':']);
        if let Some(name) = secret.filter(|name| is_signed || name.starts_with("--")) {
            let value = after.trim_start_matches(|c| SIGNS.contains(&c) || QUOTES.contains(&c));
            if value.is_empty() {
                break;
            }
            let (lead, value) = after.split_at(after.len() - value.len());
            // A TOML or JSON table is not a value. Its entries have their own names.
            let is_table = !lead.contains(['"', '\'']) && value.starts_with("{ ");
            let end = if is_table { 1 } else { end_of_value(name, lead, value) };
            let is_hidden =
                is_table || value.starts_with(REDACTED) || value.starts_with(PLACEHOLDER);
            at += lead.len();
            if !is_hidden && end > 0 {
                found.push(at..at + end);
            }
            // A value can end with the name of the next value.
            begin = at;
            at += end;
        } else {
            at += run.len();
            begin = at;
        }
        if is_signed {
            secret = None;
        }
    }
    found
}

/// The end of a secret: the closing quote, or the end of the line for a header.
fn end_of_value(name: &str, lead: &str, value: &str) -> usize {
    let quote = lead.chars().rev().find(|c| matches!(c, '"' | '\''));
    let is_end = |c: char| match quote {
        Some(quote) => c == quote,
        None if name.to_ascii_lowercase().ends_with("authorization") => matches!(c, '"' | '\''),
        None => c.is_whitespace() || matches!(c, ',' | ';' | '&' | ')' | '}' | ']' | '"' | '\''),
    };
    value.find(is_end).unwrap_or(value.len())
}

/// A text without these parts, which are in order.
pub(super) fn without(text: &str, parts: &[Range<usize>]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for part in parts {
        out.push_str(&text[at..part.start]);
        out.push_str(REDACTED);
        at = part.end;
    }
    out + &text[at..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_no_value_and_what_is_in_it_may_be_one() {
        let line = "3 | TOKEN = { env = \"TOKEN_X\", sensitive = true }";
        assert_eq!(foreign(line), line);
        assert_eq!(
            foreign("TOKEN = { password = \"hunter2\" }"),
            "TOKEN = { password = \"[redacted]\" }"
        );
        assert_eq!(foreign("TOKEN={hunter2}"), "TOKEN=[redacted]}");
    }

    #[test]
    fn a_line_of_nothing_but_signs_takes_no_longer_than_any_other() {
        for part in
            [" ", "=", "\t:", "' ", "a ", "a=", "://", "token ", "token='", "token=[redacted]"]
        {
            let noise = part.repeat((1 << 20) / part.len());
            let text = format!("--token{noise}\nPASSWORD=hunter2");
            assert!(foreign(&text).ends_with("\nPASSWORD=[redacted]"), "{part:?}");
        }
    }
}
