//! The subset of yq's language for `edit --set`: `.a.b = JSON | ."c" = JSON | del(.d)`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

/// Applies an expression.
///
/// # Errors
/// Names the part that is not supported.
pub fn apply(value: &mut Value, expression: &str) -> Result<(), String> {
    let unknown =
        |rest: &str| format!("the simulated limactl does not support the expression `{rest}`");
    let mut rest = expression.trim();
    loop {
        let deletes = rest.strip_prefix("del(");
        let (keys, after) = path(deletes.unwrap_or(rest)).ok_or_else(|| unknown(rest))?;
        let after = after.trim_start();
        if deletes.is_some() {
            remove(value, &keys);
            rest = after.strip_prefix(')').ok_or_else(|| unknown(after))?;
        } else {
            let text = after.strip_prefix('=').ok_or_else(|| unknown(after))?;
            let (new, after) = literal(text).ok_or_else(|| unknown(text))?;
            rest = after;
            *place(value, &keys) = new;
        }
        rest = rest.trim_start();
        if rest.is_empty() {
            return Ok(());
        }
        rest = rest.strip_prefix('|').ok_or_else(|| unknown(rest))?.trim_start();
    }
}

/// A JSON value, or `("BASE64" | @base64d | from_json)`, and the rest of the text.
fn literal(text: &str) -> Option<(Value, &str)> {
    let json = |text: &str| {
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
        let (value, end) = (values.next()?.ok()?, values.byte_offset());
        // yq interprets these escapes differently from JSON.
        let written = text[..end].replace("\\\\", "");
        let is_plain = !["\\u", "\\/", "\\("].iter().any(|escape| written.contains(escape));
        is_plain.then_some((value, end))
    };
    let text = text.trim_start();
    let Some(encoded) = text.strip_prefix('(') else {
        let (value, end) = json(text)?;
        return Some((value, &text[end..]));
    };
    let (encoded_value, end) = json(encoded)?;
    let rest = encoded[end..].trim_start().strip_prefix("| @base64d | from_json)")?;
    let bytes = STANDARD.decode(encoded_value.as_str()?).ok()?;
    Some((serde_json::from_slice(&bytes).ok()?, rest))
}

/// The keys of a path such as `.a."b c"`, and the rest of the text.
fn path(text: &str) -> Option<(Vec<String>, &str)> {
    let mut keys = Vec::new();
    let mut rest = text.trim_start();
    while let Some(after) = rest.strip_prefix('.') {
        if after.starts_with('"') {
            let mut values = serde_json::Deserializer::from_str(after).into_iter::<String>();
            keys.push(values.next()?.ok()?);
            rest = &after[values.byte_offset()..];
        } else {
            let plain = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
            let end = after.find(|c| !plain(c)).unwrap_or(after.len());
            keys.push(after[..end].to_owned());
            rest = &after[end..];
        }
    }
    (!keys.is_empty() && keys.iter().all(|key| !key.is_empty())).then_some((keys, rest))
}

/// The value at a path. Missing objects are created.
fn place<'a>(value: &'a mut Value, keys: &[String]) -> &'a mut Value {
    keys.iter().fold(value, |value, key| {
        if !value.is_object() {
            *value = Value::Object(Map::new());
        }
        &mut value[key]
    })
}

fn remove(value: &mut Value, keys: &[String]) {
    let Some((last, above)) = keys.split_last() else { return };
    let above = above.iter().try_fold(value, |value, key| value.get_mut(key));
    if let Some(Value::Object(map)) = above {
        map.shift_remove(last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_cai_and_people_write_is_understood() {
        let mut value = json!({"cpus": 2, "user": {"name": "dev"}, "env": {"A": "1"}});
        apply(&mut value, r#"."cpus" = 4 | .user.name="zed" | ."x" = [{"a":"|"}]"#).unwrap();
        apply(&mut value, "del(.env.A)").unwrap();
        let wanted = json!({"cpus": 4, "user": {"name": "zed"}, "env": {}, "x": [{"a": "|"}]});
        assert_eq!(value, wanted);
    }

    #[test]
    fn what_is_beyond_it_is_refused() {
        for expression in [".a += 1", "select(.a)", ".a = $b", ". = 1", ".a", r#".a = "\u0041""#] {
            let error = apply(&mut json!({}), expression).unwrap_err();
            assert!(error.contains("does not support"), "{error}");
        }
    }
}
