//! The man page of `containai.toml`, generated from its schema.

use clap_mangen::roff::{Roff, bold, italic, roman};
use serde_json::{Map, Value, json};

use super::{FILE_FORMAT, inlines};
use crate::config;

/// The title of the keys outside of a table.
const TOP_LEVEL: &str = "top level";

/// The page `containai.toml.5`.
pub(super) fn page() -> String {
    let schema = config::schema();
    let mut roff = Roff::default();
    let source = concat!("cai ", env!("CARGO_PKG_VERSION"));
    roff.control("TH", [FILE_FORMAT, "5", "", source]);
    roff.control("SH", ["NAME"]);
    roff.text([roman(format!("{FILE_FORMAT} - a Docker engine in a Lima VM, as a file"))]);
    roff.control("SH", ["DESCRIPTION"]);
    roff.text([roman(
        "The file is in TOML. Unknown keys are errors. A required key of a table is required only if \
         the file has the table.",
    )]);
    roff.control("SH", ["KEYS"]);
    let page = ManualPage { root: &schema };
    page.table(TOP_LEVEL, &page.resolved(&schema), &mut roff);
    roff.control("SH", ["EXAMPLES"]);
    roff.control("EX", []);
    let example = include_str!("../../../examples/team/base.toml");
    // The path of the schema is only right beside the example.
    for line in example.lines().filter(|line| !line.starts_with("#:schema ")) {
        roff.text([roman(line)]);
    }
    roff.control("EE", []);
    roff.control("SH", ["SEE ALSO"]);
    roff.text(inlines("`cai`(1), `cai help file`, `cai schema`"));
    roff.to_roff()
}

struct ManualPage<'a> {
    root: &'a Value,
}

impl ManualPage<'_> {
    /// A table with its keys, and then the tables in it.
    fn table(&self, title: &str, table: &Map<String, Value>, roff: &mut Roff) {
        let Some(Value::Object(keys)) = table.get("properties") else { return };
        let required = |key: &str| {
            let names = table.get("required").and_then(Value::as_array);
            names.is_some_and(|names| names.iter().any(|name| name == key))
        };
        roff.control("SS", [title]);
        let description = text(table, "description");
        // Most descriptions start with the title, for editors that show only them.
        let description = description.strip_prefix(&format!("`{title}`: ")).unwrap_or(description);
        roff.text(inlines(description));
        if let Some(default) = table.get("default").filter(|default| **default != json!([])) {
            roff.control("br", []);
            roff.text([roman(format!("Default: {default}"))]);
        }
        let mut inner = Vec::new();
        for (key, schema) in keys {
            let schema = self.resolved(schema);
            let path = match title {
                TOP_LEVEL => key.clone(),
                _ => format!("{}.{key}", title.trim_matches(['[', ']'])),
            };
            let table = self.table_in(&path, &schema);
            let is_key = table.is_none() || schema.contains_key("patternProperties");
            inner.extend(table);
            if is_key {
                self.key(key, &schema, required(key), roff);
            }
        }
        for (title, table) in inner {
            self.table(&title, &table, roff);
        }
    }

    fn key(&self, key: &str, schema: &Map<String, Value>, required: bool, roff: &mut Roff) {
        roff.control("TP", []);
        let mut head = vec![bold(key), roman(" ("), italic(self.kind(schema))];
        if required {
            head.push(roman(", required"));
        } else if let Some(default) = schema.get("default") {
            head.push(roman(format!(", default {default}")));
        }
        head.push(roman(")"));
        roff.text(head);
        roff.text(inlines(text(schema, "description")));
        for choice in schema.get("oneOf").and_then(Value::as_array).into_iter().flatten() {
            let choice = self.resolved(choice);
            roff.control("br", []);
            let meaning = format!("{}: {}", self.kind(&choice), text(&choice, "description"));
            roff.text(inlines(&meaning));
        }
    }

    /// The table or the list of tables that a key holds, with its title.
    fn table_in(
        &self,
        path: &str,
        schema: &Map<String, Value>,
    ) -> Option<(String, Map<String, Value>)> {
        let has_keys = |schema: &Map<String, Value>| schema.contains_key("properties");
        if has_keys(schema) {
            return Some((format!("[{path}]"), schema.clone()));
        }
        if let Some(items) = schema.get("items") {
            let items = self.resolved(items);
            return has_keys(&items).then(|| (format!("[[{path}]]"), merged(items, schema)));
        }
        let names = schema.get("patternProperties")?.as_object()?;
        let value = self.resolved(names.values().next()?);
        let mut forms = value.get("anyOf")?.as_array()?.iter().map(|form| self.resolved(form));
        Some((format!("[{path}.NAME]"), forms.find(has_keys)?))
    }

    /// A schema with the keys of the definition that it refers to. Its own keys win.
    fn resolved(&self, schema: &Value) -> Map<String, Value> {
        let own = schema.as_object().cloned().unwrap_or_default();
        let reference = own.get("$ref").and_then(Value::as_str);
        let definition = reference.and_then(|path| self.root.pointer(path.trim_start_matches('#')));
        match definition {
            Some(definition) => merged(self.resolved(definition), &own),
            None => own,
        }
    }

    /// The type of a value, in words.
    fn kind(&self, schema: &Map<String, Value>) -> String {
        if let Some(value) = schema.get("const") {
            return value.to_string();
        }
        for key in ["oneOf", "anyOf"] {
            if let Some(Value::Array(all)) = schema.get(key) {
                let kinds = all.iter().map(|one| self.kind(&self.resolved(one)));
                // A choice between required keys is not a choice between types.
                let kinds: Vec<_> = kinds.filter(|kind| !kind.is_empty()).collect();
                if !kinds.is_empty() {
                    return kinds.join(" or ");
                }
            }
        }
        let bounds = [schema.get("minimum"), schema.get("maximum")];
        match (text(schema, "type"), bounds) {
            ("array", _) => {
                let items = self.resolved(schema.get("items").unwrap_or(&Value::Null));
                format!("list of {}s", self.kind(&items))
            }
            ("object", _) => "table".into(),
            (kind, [Some(least), Some(most)]) => format!("{kind} from {least} to {most}"),
            (kind, _) => kind.into(),
        }
    }
}

fn merged(mut definition: Map<String, Value>, own: &Map<String, Value>) -> Map<String, Value> {
    definition.extend(own.clone());
    definition
}

fn text<'a>(schema: &'a Map<String, Value>, key: &str) -> &'a str {
    schema.get(key).and_then(Value::as_str).unwrap_or_default()
}
