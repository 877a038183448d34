//! Checks every JSON document that `cai` prints in a test against its schema.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::{Value, json};

use super::sandbox::Ran;

/// The commands, each with the schema of its documents.
const COMMANDS: [(&str, &str); 17] = [
    ("validate", "validate"),
    ("plan", "plan"),
    ("apply", "apply"),
    ("setup", "apply"),
    ("destroy", "apply"),
    ("start", "apply"),
    ("stop", "apply"),
    ("restart", "apply"),
    ("status", "status"),
    ("report", "report"),
    ("list", "list"),
    ("show", "show"),
    ("doctor", "doctor"),
    ("explain", "explain"),
    ("graph", "graph"),
    ("env", "env"),
    ("simulate", "simulate-list"),
];

/// The schemas, without unknown keys.
static SCHEMAS: LazyLock<BTreeMap<&str, Validator>> = LazyLock::new(|| {
    let validator = |mut schema: Value| {
        close(&mut schema);
        jsonschema::draft202012::new(&schema).unwrap()
    };
    containai::cli::schemas().map(|(name, schema)| (name, validator(schema))).collect()
});

/// The schema of the documents of this call.
fn schema(arguments: &[&str]) -> Option<&'static str> {
    let command = |word: &str| COMMANDS.iter().find(|(name, _)| *name == word);
    let at = arguments.iter().position(|word| command(word).is_some())?;
    let (_, schema) = command(arguments[at])?;
    let has = |word: &str| arguments[at..].contains(&word);
    match *schema {
        // The format of the state of the simulated host is not stable.
        "simulate-list" if has("show") || has("reset") => None,
        "show" if has("next.plan") => Some("plan"),
        "apply" if has("--dry-run") => Some("plan"),
        schema => Some(schema),
    }
}

/// Checks the output of a call with `--json`.
#[track_caller]
pub fn check(arguments: &[&str], ran: &Ran) {
    let Some(schema) = schema(arguments).filter(|_| arguments.contains(&"--json")) else { return };
    let documents = serde_json::Deserializer::from_str(&ran.stdout).into_iter::<Value>();
    for document in documents {
        // A caller that cares fails on output that is not JSON.
        let Ok(document) = document else { return };
        let is_error = !ran.status.success() && fits("error", &document).is_ok();
        if !is_error {
            fits(schema, &document).unwrap_or_else(|errors| panic!("{errors}: {ran}"));
        }
    }
}

/// The lines of a call that prints JSON Lines.
#[track_caller]
pub fn lines(ran: &Ran) -> Vec<Value> {
    let lines = ran.stdout.lines().map(serde_json::from_str);
    lines.collect::<Result<_, _>>().unwrap_or_else(|why| panic!("{why}: {ran}"))
}

/// The last of these lines: the result.
#[track_caller]
pub fn report(ran: &Ran) -> Value {
    let last = lines(ran).pop().unwrap_or_else(|| panic!("no output: {ran}"));
    assert_eq!(last["type"], "change_summary", "{ran}");
    last
}

/// Checks that a document fits a schema, without unknown keys.
pub fn fits(schema: &str, document: &Value) -> Result<(), String> {
    let errors = SCHEMAS[schema].iter_errors(document);
    let errors: Vec<String> = errors
        .map(|error| format!("{schema}.schema.json: {}: {error}", error.instance_path()))
        .collect();
    if errors.is_empty() { Ok(()) } else { Err(errors.join("\n")) }
}

/// Refuses keys that the schema does not name. It allows them, because a later version may add
/// keys.
fn close(schema: &mut Value) {
    let is_object = schema.get("properties").is_some() || schema.get("oneOf").is_some();
    match schema {
        Value::Object(keys) => {
            for (name, inner) in keys.iter_mut() {
                // The branches have only some of the keys of their object.
                if name == "oneOf" || name == "anyOf" {
                    for branch in inner.as_array_mut().into_iter().flatten() {
                        branch.get_mut("properties").into_iter().for_each(close);
                    }
                } else {
                    close(inner);
                }
            }
            if is_object {
                keys.insert("unevaluatedProperties".to_owned(), json!(false));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}
