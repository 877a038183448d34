//! `cai schema`

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::Terminal;
use super::env::EnvDocument;
use super::explain::ExplainDocument;
use super::list::ListDocument;
use super::show::ShowDocument;
use super::simulate::FaultsDocument;
use super::status::StatusDocument;
use super::validate::ValidateDocument;
use crate::cli::error::Error;
use crate::config;
use crate::plan::{FORMAT_VERSION, PlanDocument};
use crate::report::{
    Diagnostic, DiagnosticsDocument, DoctorDocument, GraphDocument, ReportDocument,
};

/// The name of the schema of the file.
pub(super) const FILE: &str = "containai";

/// The schema of the file and those of the JSON documents, by name. A document has the name of the
/// command that prints it.
pub(super) const SCHEMAS: [(&str, fn() -> Value); 13] = [
    (FILE, config::schema),
    ("validate", of::<ValidateDocument>),
    ("plan", of::<PlanDocument<'_>>),
    ("apply", of::<ReportDocument<'_>>),
    ("status", of::<StatusDocument<'_>>),
    ("list", of::<ListDocument>),
    ("show", of::<ShowDocument<'_>>),
    ("doctor", of::<DoctorDocument<'_>>),
    ("explain", of::<ExplainDocument>),
    ("graph", of::<GraphDocument<'_>>),
    ("env", of::<EnvDocument>),
    ("error", of::<DiagnosticsDocument>),
    ("simulate-list", of::<FaultsDocument>),
];

/// All schemas, by name.
pub fn schemas() -> impl Iterator<Item = (&'static str, Value)> {
    SCHEMAS.into_iter().map(|(name, schema)| (name, schema()))
}

/// The JSON Schema (draft 2020-12) of a document that `cai` prints. A document of the same format
/// version may have more keys.
fn of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut generator = settings.into_generator();
    let diagnostics = generator.subschema_for::<Vec<Diagnostic>>();
    let mut schema = generator.into_root_schema_for::<T>();
    let keys = schema.ensure_object().entry("properties").or_insert(json!({}));
    if let Some(keys) = keys.as_object_mut() {
        keys.entry("diagnostics").or_insert(diagnostics.to_value());
    }
    config::tidy(&mut schema);
    let mut schema = schema.to_value();
    if let Some(keys) = schema["properties"].as_object_mut() {
        if let Some(version) = keys.get_mut("format_version") {
            *version = json!({
                "description": "It is increased when a program could misread the new format. Added \
                                keys do not increase it.",
                "const": FORMAT_VERSION,
            });
        }
        let simulated = json!({ "description": "The host is simulated.", "const": true });
        keys.insert("simulated".to_owned(), simulated);
        keys["diagnostics"]["description"] = "The errors, if there are any.".into();
    }
    schema
}

pub(super) fn run(name: &str, terminal: &mut Terminal) -> Result<(), Error> {
    let schema = schemas().find(|(known, _)| *known == name).map(|(_, schema)| schema);
    // A schema is not about a host, so it is not marked as simulated.
    schema.map_or(Ok(()), |schema| terminal.raw(&format!("{schema:#}\n")))
}
