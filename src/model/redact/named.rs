//! Recognizes secrets by their names or positions.

use std::ops::Range;

use serde_json::{Map, Value};

use super::named_values::{Extent, named_by};
use super::urls::{self, passwords, proxy_passwords, proxy_value};
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

/// A part of the first and last line of a private key, also of `PRIVATE KEY BLOCK`.
const KEY: &str = "PRIVATE KEY";

/// Whether a line starts or ends a private key.
pub(super) fn is_of_key(line: &str) -> bool {
    line.find("-----").is_some_and(|start| line[start..].contains(KEY))
}

/// A text from elsewhere, such as the output of a tool, without anything that looks like a secret.
pub fn foreign(text: &str) -> String {
    let clean = |line: &str| {
        if is_of_key(line) {
            return REDACTED.to_owned();
        }
        let mut parts = urls::parts(line);
        parts.extend(named(line));
        without(line, &merged(parts))
    };
    secrets_in_a_line(text).split('\n').map(clean).collect::<Vec<_>>().join("\n")
}

/// A text with each private key, and each YAML block of a secret, on one line, so that [`foreign`]
/// recognizes it when it is called line by line.
pub fn secrets_in_a_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut in_key = false;
    // The indentation of the name of a block, whose lines are indented more.
    let mut block: Option<usize> = None;
    for (place, line) in text.split('\n').enumerate() {
        let indent = line.len() - line.trim_start().len();
        block = block.filter(|name| indent > *name || line.trim().is_empty());
        if place > 0 {
            out.push(if in_key || block.is_some() { ' ' } else { '\n' });
        }
        out.push_str(line);
        if is_of_key(line) {
            in_key = line.contains("BEGIN") && !line.contains("END ");
        } else if block.is_none() && starts_block(line) {
            // The name can follow the hyphens of lists.
            block = Some(line.len() - line.trim_start_matches([' ', '\t', '-']).len());
        }
    }
    out
}

/// Whether the next lines are the value of a secret: `password: |`.
fn starts_block(line: &str) -> bool {
    let Some((name, mark)) = line.trim_end().rsplit_once(':') else { return false };
    let name = name.rsplit([' ', '\t', '"', '\'']).find(|name| !name.is_empty());
    ["|", "|-", "|+", ">", ">-", ">+"].contains(&mark.trim_start()) && name.is_some_and(is_secret)
}

/// A text without the values of these names. A table is not a value.
pub(super) fn without_named(text: &str, names: &[String]) -> String {
    let is_one = |name: &str| names.iter().any(|own| own == name);
    let line = |line: &str| {
        let mut parts = named_by(line, Extent::Line, &is_one);
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

/// The positions of values whose name marks them as secret.
pub(super) fn named(line: &str) -> Vec<Range<usize>> {
    named_by(line, Extent::Line, &is_secret)
}

/// These parts in order, without overlaps.
pub(super) fn merged(mut parts: Vec<Range<usize>>) -> Vec<Range<usize>> {
    parts.sort_by_key(|part| (part.start, part.end));
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(parts.len());
    for part in parts {
        match merged.last_mut().filter(|last| part.start < last.end) {
            Some(last) => last.end = last.end.max(part.end),
            None => merged.push(part),
        }
    }
    merged
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
        assert_eq!(foreign("TOKEN={hunter2}"), "TOKEN=[redacted]");
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
