//! Attributes: the state of a resource as values that can be compared and shown.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use serde::ser::Error;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::redact::{self, SENSITIVE};

/// Shown for a secret that differs from the one before.
const CHANGED: &str = "(sensitive value, changed)";

/// A value that may be known only after apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known<T> {
    /// The value is known.
    Known(T),
    /// The value is known only after apply.
    Unknown,
}

/// A value that its copies share until one of them changes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shared<T>(Arc<T>);

impl<T> From<T> for Shared<T> {
    fn from(value: T) -> Self {
        Self(Arc::new(value))
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Clone> DerefMut for Shared<T> {
    fn deref_mut(&mut self) -> &mut T {
        Arc::make_mut(&mut self.0)
    }
}

/// These strings stand for an unknown value, and start a secret, in serialized attributes. The check of
/// the file refuses NUL, and an argument or a line of a tool cannot contain it.
const UNKNOWN: &str = "\0unknown";
const SECRET: &str = "\0secret ";

impl<T: Serialize> Serialize for Known<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Known(value) => value.serialize(serializer),
            Self::Unknown => serializer.serialize_str(UNKNOWN),
        }
    }
}

/// A value that can be compared and must not be shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret<T>(pub T);

impl<T> std::fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(SENSITIVE)
    }
}

/// As a marked string, which [`Attributes::shown`] replaces.
impl<T: Serialize> Serialize for Secret<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value = serde_json::to_string(&self.0).map_err(S::Error::custom)?;
        serializer.serialize_str(&format!("{SECRET}{value}"))
    }
}

/// The attributes of a resource, in display order. Copies share them until one is changed, because
/// the attributes of a VM contain whole scripts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attributes(Arc<Vec<(String, Known<Value>)>>);

impl Attributes {
    /// The fields of a state, in order. `()` has no fields.
    pub fn of(state: impl Serialize) -> Self {
        match serde_json::to_value(state) {
            Ok(Value::Object(fields)) => fields.into(),
            other => {
                debug_assert!(
                    matches!(other, Ok(Value::Null)),
                    "a state is not an object: {other:?}"
                );
                Self::default()
            }
        }
    }

    /// Shares them with `other` if both are equal.
    pub fn share(&mut self, other: &Self) {
        if self == other {
            self.0 = Arc::clone(&other.0);
        }
    }

    /// The attribute of this name.
    pub fn get(&self, name: &str) -> Option<&Known<Value>> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value)
    }

    /// The attribute with this name, if it is known.
    pub fn known(&self, name: &str) -> Option<&Value> {
        match self.get(name)? {
            Known::Known(value) => Some(value),
            Known::Unknown => None,
        }
    }

    /// The attribute with this name, if it is a known string.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.known(name)?.as_str()
    }

    /// The attributes without their secrets. With `before`, a reader still sees which ones differ.
    #[must_use]
    pub fn shown(&self, before: Option<&Self>) -> Self {
        let shown = self.iter().map(|(name, value)| {
            let value = match value {
                Known::Known(value) => {
                    Known::Known(without_secrets(value, before.and_then(|it| it.known(name))))
                }
                Known::Unknown => Known::Unknown,
            };
            (name.to_owned(), value)
        });
        let hides = self.iter().any(|(_, value)| match value {
            Known::Known(value) => hides_any(value),
            Known::Unknown => false,
        });
        if hides { Self(Arc::new(shown.collect())) } else { self.clone() }
    }

    /// JSON pointers to the secrets.
    pub fn secrets(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (name, value) in self.iter() {
            if let Known::Known(value) = value {
                find_secrets(value, format!("/{name}"), &mut found);
            }
        }
        found
    }

    /// All attributes, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Known<Value>)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// The number of attributes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no attributes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names of the attributes that differ between `before` and `self`, in order.
    pub fn changed_from(&self, before: &Self) -> Vec<String> {
        self.iter()
            .filter(|(name, after)| before.get(name) != Some(after))
            .map(|(name, _)| name.to_owned())
            .collect()
    }
}

impl From<Map<String, Value>> for Attributes {
    fn from(fields: Map<String, Value>) -> Self {
        let known = |value: Value| match value {
            Value::String(text) if text == UNKNOWN => Known::Unknown,
            value => Known::Known(value),
        };
        let fields = fields.into_iter().map(|(name, value)| (name, known(value)));
        Self(Arc::new(fields.collect()))
    }
}

impl Serialize for Attributes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

fn is_secret(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.starts_with(SECRET))
}

fn without_secrets(value: &Value, before: Option<&Value>) -> Value {
    match value {
        Value::Object(keys) => {
            let shown = keys.iter().map(|(key, value)| {
                let before = before.and_then(|it| it.get(key));
                (key.clone(), shown_by_name(key, value, before))
            });
            shown.collect()
        }
        Value::Array(values) => {
            let before = |index| before.and_then(|it| it.get(index));
            let shown = values.iter().enumerate();
            shown.map(|(index, value)| without_secrets(value, before(index))).collect()
        }
        value if !is_secret(value) => value.clone(),
        value if before.is_some_and(|before| before != value) => CHANGED.into(),
        _ => SENSITIVE.into(),
    }
}

/// Whether a part of a value is not shown.
fn hides_any(value: &Value) -> bool {
    match value {
        Value::Object(keys) => {
            keys.iter().any(|(key, value)| is_named_secret(key, value) || hides_any(value))
        }
        Value::Array(values) => values.iter().any(hides_any),
        value => is_secret(value),
    }
}

fn is_named_secret(name: &str, value: &Value) -> bool {
    value.is_string() && redact::is_secret(name)
}

/// The same, for a value whose name may say that it is a secret.
fn shown_by_name(name: &str, value: &Value, before: Option<&Value>) -> Value {
    match before {
        _ if is_secret(value) || !is_named_secret(name, value) => without_secrets(value, before),
        Some(before) if before != value => CHANGED.into(),
        _ => SENSITIVE.into(),
    }
}

fn find_secrets(value: &Value, pointer: String, found: &mut Vec<String>) {
    match value {
        Value::Object(keys) => {
            for (key, value) in keys {
                find_secrets(value, format!("{pointer}/{key}"), found);
            }
        }
        Value::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                find_secrets(value, format!("{pointer}/{index}"), found);
            }
        }
        value if is_secret(value) => found.push(pointer),
        _ => {}
    }
}
