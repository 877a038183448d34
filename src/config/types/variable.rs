use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::model::EnvName;
use crate::model::redact::SENSITIVE;

/// A value of `[vm.env]`: a string, or a table with its source and whether it is sensitive.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Variable {
    /// The value; `None` if it comes from the environment and has not been read.
    pub value: Option<String>,
    /// The environment variable of `cai` with the value.
    pub env: Option<EnvName>,
    /// Whether `cai` hides the value in everything that it prints or saves.
    pub sensitive: bool,
}

/// A variable of the guest, written as a table.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Variable", extend("oneOf" = [{"required": ["value"]}, {"required": ["env"]}]))]
struct Table {
    /// Its value.
    #[serde(default)]
    value: Option<String>,
    /// The environment variable of `cai` with the value, so that the value is not in the file.
    #[serde(default)]
    env: Option<EnvName>,
    /// Whether to hide the value in plans, saved plans, errors, traces and bundles.
    #[serde(default)]
    sensitive: bool,
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
        f.write_str("a string, or a table with `value` or `env`")
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
        // `check` verifies that exactly one of `value` and `env` is set.
        let table = Table::deserialize(MapAccessDeserializer::new(map))?;
        let Table { value, env, sensitive } = table;
        Ok(Variable { value, env, sensitive })
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
        let Self { env, sensitive, .. } = self;
        f.debug_struct("Variable")
            .field("value", &value)
            .field("env", env)
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
            "description": "The value of a variable of the guest.",
            "anyOf": [{"type": "string"}, table],
        })
    }
}
