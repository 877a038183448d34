use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::config::{pattern, rules, text};
use crate::model::EnvName;
use crate::model::redact::SENSITIVE;

/// A value that may come from outside the file: a string, or a table with its source and whether it is
/// sensitive.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Variable {
    /// The value; `None` if it comes from elsewhere and has not been read.
    pub value: Option<String>,
    /// Where it comes from, if it is not in the file.
    pub source: Option<ValueSource>,
    /// Whether `cai` hides the value in everything that it prints or saves.
    pub sensitive: bool,
}

/// Where a value comes from that is not in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValueSource {
    /// An environment variable of `cai`.
    Env(EnvName),
    /// The text of a file on this machine.
    File(String),
    /// The output of a program on this machine: its name and its arguments.
    Command(Vec<String>),
}

impl fmt::Display for ValueSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "the environment variable {name}"),
            Self::File(path) => write!(f, "the file {path}"),
            // The arguments could contain a secret.
            Self::Command(words) => {
                write!(f, "the command {}", words.first().map(String::as_str).unwrap_or_default())
            }
        }
    }
}

/// A value, written as a table with exactly one of `value`, `env`, `file` and `command`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Variable", extend("oneOf" = [
    {"required": ["value"]}, {"required": ["env"]}, {"required": ["file"]}, {"required": ["command"]},
]))]
struct Table {
    /// The value.
    #[serde(default)]
    value: Option<String>,
    /// The environment variable of `cai` with the value, so that the value is not in the file.
    #[serde(default)]
    env: Option<EnvName>,
    /// The file on this machine with the value: a path that starts with `/` or `~/`, or with `./` or `../`
    /// (relative to this file). One line break at its end is ignored. The value is sensitive.
    #[serde(default, deserialize_with = "rules::value_file")]
    #[schemars(regex(pattern = pattern::LOCAL_PATH))]
    file: Option<String>,
    /// A program on this machine that prints the value, and its arguments, such as
    /// `["op", "read", "op://team/proxy/password"]`. No shell is used. It runs in the directory of this
    /// file, after you have reviewed it with `cai allow`. One line break at the end of its output is
    /// ignored. The value is sensitive.
    #[serde(default, deserialize_with = "rules::value_command")]
    #[schemars(with = "Option<Vec<String>>", length(min = 1))]
    command: Option<Vec<String>>,
    /// Whether to hide the value in plans, saved plans, errors, traces and bundles.
    #[serde(default)]
    sensitive: bool,
}

impl Variable {
    /// The file on this machine that it names.
    pub(in crate::config) fn local_path(&mut self) -> Option<&mut String> {
        match &mut self.source {
            Some(ValueSource::File(path)) => Some(path),
            // A name without a slash is looked up on PATH.
            Some(ValueSource::Command(words)) => {
                words.first_mut().filter(|program| text::is_local(program))
            }
            _ => None,
        }
    }
}

impl From<&str> for Variable {
    fn from(value: &str) -> Self {
        Self { value: Some(value.to_owned()), ..Self::default() }
    }
}

impl<'de> Deserialize<'de> for Variable {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Written)
    }
}

struct Written;

impl<'de> Visitor<'de> for Written {
    type Value = Variable;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, or a table with `value`, `env`, `file` or `command`")
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Variable, E> {
        Ok(value.into())
    }

    // serde's own message would show the value, which may be a secret.
    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Variable, E> {
        Err(E::custom(format!("expected a string, found a whole number: {QUOTES}")))
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Variable, E> {
        Err(E::custom(format!("expected a string, found a number with a fraction: {QUOTES}")))
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Variable, E> {
        Err(E::custom(format!("expected a string, found true or false: {QUOTES}")))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Variable, A::Error> {
        // `check` verifies that there is exactly one of them.
        let table = Table::deserialize(MapAccessDeserializer::new(map))?;
        let Table { value, env, file, command, sensitive } = table;
        let source = env.map(ValueSource::Env).or(file.map(ValueSource::File));
        let source = source.or(command.map(ValueSource::Command));
        // Values from files and programs are always secret.
        let is_secret = matches!(source, Some(ValueSource::File(_) | ValueSource::Command(_)));
        Ok(Variable { value, source, sensitive: sensitive || is_secret })
    }
}

const QUOTES: &str = "write it in quotes";

/// Without the value if it is sensitive.
impl Serialize for Variable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.value {
            Some(value) if !self.sensitive => serializer.serialize_str(value),
            _ => serializer.serialize_str(SENSITIVE),
        }
    }
}

/// Without the value if it is sensitive.
impl fmt::Debug for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = if self.sensitive { Some(SENSITIVE) } else { self.value.as_deref() };
        let Self { source, sensitive, .. } = self;
        f.debug_struct("Variable")
            .field("value", &value)
            .field("source", source)
            .field("sensitive", sensitive)
            .finish()
    }
}

impl JsonSchema for Variable {
    fn schema_name() -> Cow<'static, str> {
        "VariableOrString".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let table = generator.subschema_for::<Table>();
        json_schema!({
            "description": "A value, or where it comes from.",
            "anyOf": [{"type": "string"}, table],
        })
    }
}
