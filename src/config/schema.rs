//! The JSON Schema of the file, for editors and other programs.

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use serde_json::Value;

use super::types::Config;

/// The identity of the schema. It is not an address: editors find the schema by the path or the
/// address that the file or their settings give.
const ID: &str = "urn:containai:schema:containai.toml:1";

/// The JSON Schema (draft 2020-12) of a `containai.toml`.
pub fn schema() -> Value {
    let settings = SchemaSettings::draft2020_12().for_deserialize();
    // Taplo shows the description of a referenced definition instead of the key's own.
    let settings = settings.with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<Config>();
    schema.insert("$id".to_owned(), ID.into());
    RecursiveTransform(without_null).transform(&mut schema);
    tidy(&mut schema);
    schema.to_value()
}

/// Looks up a key of the file, by its parts.
///
/// # Errors
/// The first unknown part, and the keys that are known there.
pub(super) fn check_key(key: &[String]) -> Result<(), (String, Vec<String>)> {
    let schema = schema();
    let mut node = &schema;
    for part in key {
        let known = node["properties"].as_object();
        match known.and_then(|known| known.get(part)) {
            Some(value) => node = value,
            // The keys of such a table are free.
            None if node["additionalProperties"] == true
                || node["patternProperties"].is_object() =>
            {
                return Ok(());
            }
            None => {
                let known = known.into_iter().flat_map(|known| known.keys().cloned());
                return Err((part.clone(), known.collect()));
            }
        }
    }
    Ok(())
}

/// Removes the traces of Rust from a schema: integer widths and line breaks of doc comments.
pub fn tidy(schema: &mut Schema) {
    RecursiveTransform(without_width).transform(schema);
    RecursiveTransform(paragraphs).transform(schema);
}

/// Removes `null`, which TOML does not have.
fn without_null(schema: &mut Schema) {
    match schema.get_mut("default") {
        // The default of a table repeats the defaults of its keys.
        Some(Value::Null | Value::Object(_)) => drop(schema.remove("default")),
        Some(Value::Array(values)) => {
            for value in values.iter_mut().filter_map(Value::as_object_mut) {
                value.retain(|_, value| !value.is_null());
            }
        }
        _ => {}
    }
    if let Some(Value::Array(kinds)) = schema.get_mut("type") {
        kinds.retain(|kind| kind != "null");
        if let [only] = kinds.as_slice() {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(choices)) = schema.get_mut("anyOf") {
        choices.retain(|choice| choice.get("type").is_none_or(|kind| kind != "null"));
        if let [Value::Object(only)] = choices.as_slice() {
            let only = only.clone();
            schema.remove("anyOf");
            // The key's own description describes it better than that of its type.
            for (key, value) in only {
                schema.ensure_object().entry(key).or_insert(value);
            }
        }
    }
}

/// Rust's number widths are not formats of JSON Schema. The schema has bounds instead.
fn without_width(schema: &mut Schema) {
    let is_number = |kind: &Value| mentions(kind, "integer") || mentions(kind, "number");
    if schema.get("type").is_some_and(is_number) {
        schema.remove("format");
    }
}

fn mentions(kind: &Value, name: &str) -> bool {
    kind == name || kind.as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == name))
}

/// Joins the lines of each paragraph of a doc comment.
fn paragraphs(schema: &mut Schema) {
    let Some(text) = schema.get("description").and_then(Value::as_str) else { return };
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let paragraphs: Vec<String> =
        lines.split(|line| line.is_empty()).map(|paragraph| paragraph.join(" ")).collect();
    let text = paragraphs.join("\n\n").trim().to_owned();
    schema.insert("description".to_owned(), text.into());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_it_is_null() {
        let text = schema().to_string();
        assert!(!text.contains("null"), "{text}");
    }

    #[test]
    fn a_description_is_one_line_a_paragraph_and_names_units() {
        let schema = schema();
        let text = |pointer: &str| schema.pointer(pointer).and_then(Value::as_str).unwrap();
        let memory = text("/properties/vm/properties/memory/description");
        assert!(memory.contains("GiB") && !memory.contains('\n'), "{memory}");
    }
}
