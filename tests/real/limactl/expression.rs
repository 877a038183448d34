//! The part of yq's language that `--set` takes here: `.a.b = JSON | del(.c) | …`.
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use containai::simulate::yaml;
use serde_json::{Map, Value};

use super::{Result, unknown};

/// Applies an expression to a YAML text.
///
/// Only the top-level keys that change are written anew: comments and the form of the others stay,
/// as with yq.
pub(super) fn apply(text: &str, expression: &str) -> Result<String> {
    let before = yaml::parse(text)?;
    let mut after = before.clone();
    for edit in (Scanner { rest: expression }).edits()? {
        match edit {
            Edit::Set(path, value) => set(&mut after, &path, value)?,
            Edit::Delete(path) => delete(&mut after, &path),
        }
    }
    if before == after {
        return Ok(text.to_owned());
    }
    let rewritten = rewrite(text, &before, &after)?;
    if yaml::parse(&rewritten).as_ref() == Ok(&after) {
        return Ok(rewritten);
    }
    // A document that is not one key a line, such as JSON.
    serde_yaml::to_string(&after).map_err(|error| error.to_string())
}

enum Key {
    Name(String),
    Index(usize),
}

enum Edit {
    Set(Vec<Key>, Value),
    Delete(Vec<Key>),
}

struct Scanner<'a> {
    rest: &'a str,
}

impl Scanner<'_> {
    fn edits(mut self) -> Result<Vec<Edit>> {
        let mut edits = Vec::new();
        loop {
            if self.takes("del(") {
                edits.push(Edit::Delete(self.path()?));
                self.demands(")")?;
            } else {
                let path = self.path()?;
                self.demands("=")?;
                edits.push(Edit::Set(path, self.value()?));
            }
            if self.rest.trim().is_empty() {
                return Ok(edits);
            }
            self.demands("|")?;
        }
    }

    fn refused(&self) -> String {
        unknown(&format!("the yq expression at `{}`", self.rest.trim()))
    }

    fn takes(&mut self, token: &str) -> bool {
        let trimmed = self.rest.trim_start();
        trimmed.strip_prefix(token).is_some_and(|rest| {
            self.rest = rest;
            true
        })
    }

    fn demands(&mut self, token: &str) -> Result<()> {
        if self.takes(token) { Ok(()) } else { Err(self.refused()) }
    }

    fn path(&mut self) -> Result<Vec<Key>> {
        let mut path = Vec::new();
        loop {
            if self.takes("[") {
                let key = match self.json()? {
                    Value::String(name) => Key::Name(name),
                    Value::Number(index) => index
                        .as_u64()
                        .and_then(|index| usize::try_from(index).ok())
                        .map(Key::Index)
                        .ok_or_else(|| self.refused())?,
                    _ => return Err(self.refused()),
                };
                self.demands("]")?;
                path.push(key);
            } else if self.takes(".") {
                if self.rest.starts_with('[') {
                    continue;
                }
                if self.rest.starts_with('"') {
                    let Value::String(name) = self.json()? else {
                        return Err(self.refused());
                    };
                    path.push(Key::Name(name));
                    continue;
                }
                let end = self
                    .rest
                    .find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-')
                    .unwrap_or(self.rest.len());
                if end == 0 {
                    return Err(self.refused());
                }
                path.push(Key::Name(self.rest[..end].to_owned()));
                self.rest = &self.rest[end..];
            } else if path.is_empty() {
                return Err(self.refused());
            } else {
                return Ok(path);
            }
        }
    }

    /// A literal, or one that travels as `("BASE64" | @base64d | from_json)`.
    fn value(&mut self) -> Result<Value> {
        if !self.takes("(") {
            return self.json();
        }
        let encoded = self.json()?;
        for token in ["|", "@base64d", "|", "from_json", ")"] {
            self.demands(token)?;
        }
        let bytes = STANDARD.decode(encoded.as_str().unwrap_or_default());
        let value = bytes.ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        value.ok_or_else(|| self.refused())
    }

    fn json(&mut self) -> Result<Value> {
        let mut values = serde_json::Deserializer::from_str(self.rest).into_iter::<Value>();
        let Some(Ok(value)) = values.next() else {
            return Err(self.refused());
        };
        let written = &self.rest[..values.byte_offset()];
        // yq would take these for something else than JSON does.
        for escape in ["\\u", "\\/", "\\("] {
            if written.replace("\\\\", "").contains(escape) {
                return Err(unknown(&format!("the escape `{escape}` in a string of yq")));
            }
        }
        self.rest = &self.rest[written.len()..];
        Ok(value)
    }
}

fn set(value: &mut Value, path: &[Key], new: Value) -> Result<()> {
    let Some((key, rest)) = path.split_first() else {
        *value = new;
        return Ok(());
    };
    match key {
        Key::Name(name) => {
            if value.is_null() {
                *value = Value::Object(Map::new());
            }
            let map = value
                .as_object_mut()
                .ok_or_else(|| format!("cannot index a value that is no map with `{name}`"))?;
            set(map.entry(name).or_insert(Value::Null), rest, new)
        }
        Key::Index(index) => {
            if value.is_null() {
                *value = Value::Array(Vec::new());
            }
            let list = value
                .as_array_mut()
                .ok_or_else(|| format!("cannot index a value that is no array with {index}"))?;
            if list.len() <= *index {
                list.resize(index + 1, Value::Null);
            }
            set(&mut list[*index], rest, new)
        }
    }
}

fn delete(value: &mut Value, path: &[Key]) {
    match (path, value) {
        ([Key::Name(name)], Value::Object(map)) => {
            map.shift_remove(name);
        }
        ([Key::Index(index)], Value::Array(list)) if *index < list.len() => {
            list.remove(*index);
        }
        ([Key::Name(name), rest @ ..], Value::Object(map)) => {
            if let Some(value) = map.get_mut(name) {
                delete(value, rest);
            }
        }
        ([Key::Index(index), rest @ ..], Value::Array(list)) => {
            if let Some(value) = list.get_mut(*index) {
                delete(value, rest);
            }
        }
        _ => {}
    }
}

/// Replaces the lines of the top-level keys that differ.
fn rewrite(text: &str, before: &Value, after: &Value) -> Result<String> {
    let (Some(before), Some(after)) = (before.as_object(), after.as_object()) else {
        return Ok(String::new());
    };
    let written = |key: &str, value: &Value| {
        let one = Map::from_iter([(key.to_owned(), value.clone())]);
        serde_yaml::to_string(&one).map_err(|error| error.to_string())
    };
    let mut rewritten = String::new();
    let mut dropping = false;
    for line in text.split_inclusive('\n') {
        let starts_key = line.starts_with(|c: char| c.is_ascii_alphabetic() || c == '"');
        if starts_key {
            let name = line.split(':').next().unwrap_or_default().trim().trim_matches('"');
            dropping = before.get(name) != after.get(name);
            if dropping && let Some(value) = after.get(name) {
                rewritten.push_str(&written(name, value)?);
            }
        } else if line.starts_with(['#', '\n']) {
            dropping = false;
        }
        if !dropping {
            rewritten.push_str(line);
        }
    }
    for (key, value) in after.iter().filter(|(key, _)| !before.contains_key(*key)) {
        if !rewritten.is_empty() && !rewritten.ends_with('\n') {
            rewritten.push('\n');
        }
        rewritten.push_str(&written(key, value)?);
    }
    Ok(rewritten)
}
