//! `cai schema`

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;
use serde_json::{Value, json};

use super::Terminal;
use super::egress::EgressDocument;
use super::env::EnvDocument;
use super::explain::ExplainDocument;
use super::list::ListDocument;
use super::report_line::ReportLine;
use super::show::ShowDocument;
use super::simulate::FaultsDocument;
use super::status::StatusDocument;
use super::validate::ValidateDocument;
use super::version::VersionDocument;
use crate::cli::error::Error;
use crate::config;
use crate::plan::{FORMAT_VERSION, PlanDocument};
use crate::report::{Diagnostic, DiagnosticsDocument, DoctorDocument, GraphDocument, Line};

/// The name of the schema of the file.
pub(super) const FILE: &str = "containai";

/// The address where the schema of the file is published. A release sets it; other builds have none.
pub(super) const ADDRESS: Option<&str> = option_env!("CAI_SCHEMA_URL");

/// A name, and the function that creates the schema.
type Named = (&'static str, fn() -> Value);

/// The schema of the file and those of the JSON documents, by name. A document has the name of the
/// command that prints it.
pub(super) const SCHEMAS: [Named; 16] = [
    (FILE, config::schema),
    ("validate", of::<ValidateDocument>),
    ("plan", of::<PlanDocument<'_>>),
    ("apply", root::<Line<'_>>),
    ("status", of::<StatusDocument<'_>>),
    ("report", versioned::<ReportLine<'_>>),
    ("egress-test", of::<EgressDocument>),
    ("list", of::<ListDocument>),
    ("show", of::<ShowDocument<'_>>),
    ("doctor", of::<DoctorDocument<'_>>),
    ("explain", of::<ExplainDocument>),
    ("graph", of::<GraphDocument<'_>>),
    ("env", of::<EnvDocument>),
    ("error", of::<DiagnosticsDocument>),
    ("simulate-list", of::<FaultsDocument>),
    ("version", of::<VersionDocument>),
];

/// All schemas, by name.
pub fn schemas() -> impl Iterator<Item = (&'static str, Value)> {
    SCHEMAS.into_iter().map(|(name, schema)| (name, schema()))
}

/// The JSON Schema of a document, which may also have the errors of the command.
fn of<T: JsonSchema>() -> Value {
    let mut schema = versioned::<WithErrors<T>>();
    let document = root::<T>();
    for key in ["title", "description"] {
        schema[key] = document[key].clone();
    }
    schema
}

/// The JSON Schema of a document with its format version.
fn versioned<T: JsonSchema>() -> Value {
    let mut schema = root::<T>();
    if let Some(version) = schema.pointer_mut("/properties/format_version") {
        *version = json!({
            "description": "It is increased when a program could misread the new format. Added \
                            keys do not increase it.",
            "const": FORMAT_VERSION,
        });
    }
    schema
}

/// A document with the errors of the command.
#[derive(Serialize, JsonSchema)]
struct WithErrors<T> {
    #[serde(flatten)]
    document: T,
    /// The errors, if there are any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    diagnostics: Vec<Diagnostic>,
}

/// The JSON Schema (draft 2020-12) of a document or line. One of the same format version may have
/// more keys.
fn root<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    config::tidy(&mut schema);
    let mut schema = schema.to_value();
    if let Some(keys) = schema["properties"].as_object_mut() {
        let simulated = json!({ "description": "The host is simulated.", "const": true });
        keys.insert("simulated".to_owned(), simulated);
    }
    schema
}

/// A schema as JSON. Empty if no schema has this name.
pub(super) fn text(name: &str) -> String {
    let schema = SCHEMAS.into_iter().find(|(known, _)| *known == name);
    schema.map_or_else(String::new, |(_, schema)| format!("{:#}\n", schema()))
}

pub(super) fn run(name: &str, terminal: &mut Terminal) -> Result<(), Error> {
    // A schema is not about a host, so it is not marked as simulated.
    terminal.raw(&text(name))
}
