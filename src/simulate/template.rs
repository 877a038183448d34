//! The subset of Go's templates that is common on command lines and used by cai: `{{.A.B}}` and
//! `{{json .A}}`.

use serde_json::Value;

/// Expands a template with the fields of a value.
///
/// # Errors
/// Names a template that is not supported.
pub(super) fn expand(template: &str, value: &Value) -> Result<String, String> {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let unknown = || format!("the template `{template}`");
        let (expression, after) = after.split_once("}}").ok_or_else(unknown)?;
        let (as_json, path) = match expression.trim().strip_prefix("json ") {
            Some(path) => (true, path.trim()),
            None => (false, expression.trim()),
        };
        let path = path.strip_prefix('.').ok_or_else(unknown)?;
        let found = path
            .split('.')
            .filter(|key| !key.is_empty())
            .try_fold(value, |value, key| value.get(key))
            .ok_or_else(unknown)?;
        text.push_str(before);
        match found {
            Value::String(found) if !as_json => text.push_str(found),
            found => text.push_str(&found.to_string()),
        }
        rest = after;
    }
    Ok(text + rest)
}
