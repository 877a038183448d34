//! Applies `--set` to the text of a YAML.
use containai::simulate::{expression, yaml};
use serde_json::{Map, Value};

use super::{Result, unknown};

/// Applies an expression to a YAML text.
///
/// Only the changed top-level keys are rewritten. The others keep their comments and format, as
/// with yq.
pub(super) fn apply(text: &str, edit: &str) -> Result<String> {
    let before = yaml::parse(text)?;
    let mut after = before.clone();
    expression::apply(&mut after, edit)
        .map_err(|_| unknown(&format!("the yq expression `{edit}`")))?;
    if before == after {
        return Ok(text.to_owned());
    }
    let rewritten = rewrite(text, &before, &after)?;
    if yaml::parse(&rewritten).as_ref() == Ok(&after) {
        return Ok(rewritten);
    }
    // A document without one top-level key per line, such as JSON.
    serde_yaml::to_string(&after).map_err(|error| error.to_string())
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
