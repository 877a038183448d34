//! Removes known secrets from text.

use serde_json::{Map, Value};

use super::named::{self, foreign, hidden, is_secret};
use super::urls::{credentials, proxy_value};
use super::{REDACTED, SENSITIVE};

/// Shorter values are not removed: they can be common words.
const SHORTEST: usize = 4;

/// Removes known secrets from text.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    /// The secrets and their replacements, longest secret first.
    known: Vec<(String, &'static str)>,
    /// The names of variables whose values are secret, even if the values are not known.
    names: Vec<String>,
}

impl Redactor {
    /// Also replaces the home directory with `~` and removes these values everywhere. Used for
    /// files that leave the machine.
    #[must_use]
    pub fn stricter(
        mut self,
        home: Option<&str>,
        secrets: impl IntoIterator<Item = String>,
    ) -> Self {
        let home = home.map(|home| home.trim_end_matches('/')).filter(|home| !home.is_empty());
        self.known.extend(home.map(|home| (home.to_owned(), "~")));
        self.add(secrets, REDACTED);
        self
    }

    /// Also removes these values.
    pub fn hide(&mut self, secrets: impl IntoIterator<Item = String>) {
        self.add(secrets, SENSITIVE);
    }

    /// Also removes every value of these names.
    pub fn hide_names(&mut self, names: impl IntoIterator<Item = String>) {
        self.names.extend(names);
    }

    fn add(&mut self, secrets: impl IntoIterator<Item = String>, instead: &'static str) {
        for secret in secrets.into_iter().filter(|it| it.chars().count() >= SHORTEST) {
            for form in forms(secret) {
                if !self.known.iter().any(|(known, _)| *known == form) {
                    self.known.push((form, instead));
                }
            }
        }
        self.known.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
    }

    /// A text of `cai` without known secrets and without credentials in URLs.
    pub fn shown(&self, text: &str) -> String {
        // Credentials first: once a password is removed, the rest of a URL is not recognized.
        let text = self.without_known(&credentials(text));
        if self.names.is_empty() { text } else { named::without_named(&text, &self.names) }
    }

    /// A document of `cai` without them. Keys and resource addresses stay, because programs and
    /// saved plans depend on them.
    pub fn shown_document(&self, value: &Value) -> Value {
        self.shown_part(value, true)
    }

    /// A part of a document, which may contain resource addresses.
    fn shown_part(&self, value: &Value, has_addresses: bool) -> Value {
        match value {
            Value::String(text) => self.shown(text).into(),
            Value::Array(values) => {
                values.iter().map(|it| self.shown_part(it, has_addresses)).collect()
            }
            Value::Object(map) => {
                let entry = |(key, it): (&String, &Value)| {
                    let value = match (key.as_str(), it) {
                        ("env", Value::Object(env)) => self.shown_variables(env),
                        ("address", Value::String(_)) if has_addresses => it.clone(),
                        // Attributes can have any key.
                        ("before" | "after", _) => self.shown_part(it, false),
                        (_, Value::String(text)) => self.shown(&proxy_value(key, text)).into(),
                        _ => self.shown_part(it, has_addresses),
                    };
                    (credentials(key), value)
                };
                map.iter().map(entry).collect()
            }
            other => other.clone(),
        }
    }

    fn shown_variables(&self, env: &Map<String, Value>) -> Value {
        let variable = |(name, value): (&String, &Value)| {
            let is_hidden = self.names.contains(name);
            let value = match value {
                _ if is_hidden => hidden(value),
                Value::String(text) => self.shown(&proxy_value(name, text)).into(),
                _ => self.shown_part(value, false),
            };
            (name.clone(), value)
        };
        env.iter().map(variable).collect()
    }

    /// A text from elsewhere without known secrets and without anything that looks like a secret.
    pub fn text(&self, text: &str) -> String {
        foreign(&self.shown(text))
    }

    /// A document from elsewhere without them, and without the values of `env` and `auths`.
    pub fn document(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => self.text(text).into(),
            Value::Array(values) => values.iter().map(|value| self.document(value)).collect(),
            Value::Object(map) => {
                let entry = |(key, value): (&String, &Value)| {
                    let value = if is_secret(key) || matches!(key.as_str(), "env" | "auths") {
                        hidden(value)
                    } else if let Value::String(text) = value {
                        self.text(&proxy_value(key, text)).into()
                    } else {
                        self.document(value)
                    };
                    (self.text(key), value)
                };
                Value::Object(map.iter().map(entry).collect())
            }
            other => other.clone(),
        }
    }

    fn without_known(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (known, instead) in &self.known {
            if text.contains(known.as_str()) {
                text = text.replace(known.as_str(), instead);
            }
            if known.contains(' ') {
                text = without_wrapped(&text, known, instead);
            }
        }
        self.without_cut(&text)
    }

    /// A text without the beginnings of truncated secrets.
    fn without_cut(&self, text: &str) -> String {
        let mut parts: Vec<&str> = text.split('…').collect();
        let last = parts.pop().unwrap_or_default();
        let mut out = String::with_capacity(text.len());
        for part in parts {
            let secrets = self.known.iter().filter(|(_, instead)| *instead != "~");
            let begun = secrets.filter_map(|(known, instead)| {
                let ends = known.char_indices().map(|(end, _)| end).skip(SHORTEST);
                let end = ends.filter(|end| part.ends_with(&known[..*end])).last()?;
                Some((end, *instead))
            });
            match begun.max_by_key(|(length, _)| *length) {
                Some((length, instead)) => {
                    out.push_str(&part[..part.len() - length]);
                    out.push_str(instead);
                }
                None => out.push_str(part),
            }
            out.push('…');
        }
        out + last
    }
}

/// The secret as it appears in plain text, JSON, YAML and escaped text.
fn forms(secret: String) -> Vec<String> {
    let json = Value::from(secret.as_str()).to_string();
    let mut forms = vec![
        json.get(1..json.len() - 1).unwrap_or_default().to_owned(),
        secret.replace('\'', "''"),
        secret.replace('\'', "'\\''"),
        secret.escape_debug().to_string(),
        crate::model::printable(&secret).into_owned(),
        secret,
    ];
    forms.sort();
    forms.dedup();
    forms
}

/// A text without a secret of several words, which may be wrapped and colored.
fn without_wrapped(text: &str, secret: &str, instead: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let words: Vec<&str> = secret.split(' ').filter(|word| !word.is_empty()).collect();
    let Some((first, others)) = words.split_first() else { return text.to_owned() };
    while let Some(start) = rest.find(first) {
        let after = &rest[start + first.len()..];
        let end = others.iter().try_fold(after, |rest, word| gap(rest).strip_prefix(word));
        out.push_str(&rest[..start]);
        out.push_str(if end.is_some() { instead } else { first });
        rest = end.unwrap_or(after);
    }
    out + rest
}

/// The text after spaces, line breaks, comment signs and color codes.
fn gap(mut text: &str) -> &str {
    loop {
        let rest = text.trim_start_matches(|c: char| c.is_whitespace() || c == '#');
        let coloured = rest.strip_prefix("\u{1b}[").and_then(|rest| rest.split_once('m'));
        match coloured {
            Some((_, rest)) => text = rest,
            None => return rest,
        }
    }
}
