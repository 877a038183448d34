//! Deserializes TOML values, with errors ([`Mistake`]) that know which value is wrong.

use std::ops::Range;

use serde::de::value::StrDeserializer;
use serde::de::{DeserializeSeed, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use toml::Spanned;
use toml::de::{DeInteger, DeValue};

use super::parse_error::{Identity, Mistake, Refused};
use super::suggest;
use crate::config::diagnostic::Diagnostic;

/// A value in a document.
#[derive(Clone, Copy)]
pub(super) struct TomlNode<'a, 'i> {
    value: &'a Spanned<DeValue<'i>>,
    refused: &'a Refused,
}

impl<'a, 'i> TomlNode<'a, 'i> {
    pub(super) fn new(value: &'a Spanned<DeValue<'i>>, refused: &'a Refused) -> Self {
        Self { value, refused }
    }

    /// Its place in the text. For a table with a header, that of the header.
    pub(super) fn span(self) -> Range<usize> {
        self.value.span()
    }

    /// The value of a key of this table, even if it was refused.
    pub(super) fn get(self, key: &str) -> Option<Self> {
        self.value.get_ref().get(key).map(|value| Self { value, ..self })
    }

    /// The keys of this table, with their places.
    pub(super) fn keys(self) -> impl Iterator<Item = (&'a str, Range<usize>)> {
        let keys = self.value.get_ref().as_table().into_iter().flat_map(|table| table.keys());
        keys.map(|key| (key.get_ref().as_ref(), key.span()))
    }

    /// The elements of this array, without those that were refused. They match the elements that
    /// were read one to one.
    pub(super) fn elements(self) -> impl Iterator<Item = Self> {
        let elements = self.value.get_ref().as_array().into_iter().flat_map(|array| array.iter());
        elements.map(move |value| Self { value, ..self }).filter(|node| !node.is_refused())
    }

    /// The number of elements of this array, including those that were refused.
    pub(super) fn count(self) -> usize {
        self.value.get_ref().as_array().map_or(0, |array| array.len())
    }

    /// The text, if this is a string.
    pub(super) fn text(self) -> Option<&'a str> {
        self.value.get_ref().as_str()
    }

    /// The number, if this is an integer of 64 bits.
    pub(super) fn whole_number(self) -> Option<i64> {
        match self.value.get_ref() {
            DeValue::Integer(number) => integer(number),
            _ => None,
        }
    }

    /// Whether this is `true`.
    pub(super) fn is_true(self) -> bool {
        matches!(self.value.get_ref(), DeValue::Boolean(true))
    }

    /// Whether this is `false`.
    pub(super) fn is_false(self) -> bool {
        matches!(self.value.get_ref(), DeValue::Boolean(false))
    }

    /// All keys and strings in this value, with their places. Refused values are skipped.
    pub(super) fn texts(self) -> Vec<(&'a str, Range<usize>)> {
        let (mut texts, mut rest) = (Vec::new(), vec![self]);
        while let Some(node) = rest.pop() {
            if node.is_refused() {
                continue;
            }
            match node.value.get_ref() {
                DeValue::String(text) => texts.push((text.as_ref(), node.span())),
                DeValue::Array(array) => {
                    rest.extend(array.iter().map(|value| Self { value, ..self }));
                }
                DeValue::Table(table) => {
                    let own = table.iter().map(|(key, value)| (key, Self { value, ..self }));
                    for (key, node) in own.filter(|(_, node)| !node.is_refused()) {
                        texts.push((key.get_ref().as_ref(), key.span()));
                        rest.push(node);
                    }
                }
                _ => {}
            }
        }
        texts
    }

    /// Its address. The document does not move while it is read.
    pub(super) fn identity(self) -> Identity {
        std::ptr::from_ref(self.value).addr()
    }

    /// Whether it was refused. Such an error has been reported.
    pub(super) fn is_refused(self) -> bool {
        self.refused.contains(self.identity())
    }

    fn read<'de, S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Mistake> {
        seed.deserialize(self).map_err(|mistake| mistake.about(self, self.span()))
    }

    fn sequence<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        visitor.visit_seq(Elements(self.elements()))
    }

    fn table<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        let table = self.value.get_ref().as_table().into_iter().flatten();
        let entries = table
            .map(|(key, value)| (key, Self { value, ..self }))
            .filter(|(_, node)| !node.is_refused());
        visitor.visit_map(Entries { entries, value: None })
    }

    fn expected(self, expected: &str) -> Mistake {
        let found = match self.value.get_ref() {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a number with a fraction",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date or time",
            DeValue::Array(_) => "an array",
            DeValue::Table(_) => "a table",
        };
        let diagnostic = Diagnostic::new(format!("expected {expected}, found {found}"));
        Mistake::new(match (expected, self.value.get_ref()) {
            (WHOLE_NUMBER | TRUE_OR_FALSE, DeValue::String(_)) => {
                diagnostic.hint("write numbers, true and false without quotes")
            }
            (STRING, DeValue::Integer(_) | DeValue::Float(_)) => {
                diagnostic.hint("write it in quotes; a size needs a unit, such as \"8GiB\"")
            }
            (ARRAY, DeValue::Table(_)) => diagnostic
                .hint("write a header in double brackets for each table of an array: [[…]]"),
            (TABLE, DeValue::Array(_)) => {
                diagnostic.hint("write one header in single brackets for a table: […]")
            }
            _ => diagnostic,
        })
    }
}

const WHOLE_NUMBER: &str = "a whole number";
const TRUE_OR_FALSE: &str = "true or false";
const STRING: &str = "a string";
const ARRAY: &str = "an array";
const TABLE: &str = "a table";

/// The number, if it fits into 64 bits, as TOML requires.
pub(super) fn integer(number: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

/// A method that expects one kind of value: its name in messages, and how a visitor reads it. A
/// TOML integer is an `i64`. A field of another width needs its own line, or serde's message would
/// be shown.
macro_rules! wants {
    ($($method:ident $expected:expr, $pattern:pat => $visit:expr;)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
            let visit: fn(Self, V) -> Result<V::Value, Mistake> = $visit;
            match self.value.get_ref() {
                $pattern => visit(self, visitor),
                _ => Err(self.expected($expected)),
            }
        })*
    };
}

impl<'de> serde::Deserializer<'de> for TomlNode<'_, '_> {
    type Error = Mistake;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        let unfit = |text: &str, why: &str| {
            Mistake::new(Diagnostic::new(format!("{} {why}", suggest::shown(text))))
        };
        match self.value.get_ref() {
            DeValue::String(text) => visitor.visit_str(text),
            DeValue::Integer(number) => match integer(number) {
                Some(number) => visitor.visit_i64(number),
                None => Err(unfit(number.as_str(), "does not fit in 64 bits")),
            },
            DeValue::Float(number) => match number.as_str().parse::<f64>() {
                Ok(number) if number.is_finite() => visitor.visit_f64(number),
                _ => Err(unfit(number.as_str(), "is not a finite number")),
            },
            DeValue::Boolean(value) => visitor.visit_bool(*value),
            DeValue::Datetime(datetime) => visitor.visit_string(datetime.to_string()),
            DeValue::Array(_) => self.sequence(visitor),
            DeValue::Table(_) => self.table(visitor),
        }
    }

    wants! {
        deserialize_bool TRUE_OR_FALSE, DeValue::Boolean(_) => Self::deserialize_any;
        deserialize_i64 WHOLE_NUMBER, DeValue::Integer(_) => Self::deserialize_any;
        deserialize_str STRING, DeValue::String(_) => Self::deserialize_any;
        deserialize_string STRING, DeValue::String(_) => Self::deserialize_any;
        deserialize_seq ARRAY, DeValue::Array(_) => Self::sequence;
        deserialize_map TABLE, DeValue::Table(_) => Self::table;
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        match self.value.get_ref() {
            DeValue::String(name) => visitor.visit_enum(name.as_ref().into_deserializer()),
            _ => Err(self.expected(STRING)),
        }
    }

    /// TOML has no null, so a key that exists has a value.
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        visitor.visit_some(self)
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i32 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct
        newtype_struct tuple tuple_struct identifier ignored_any
    }
}

struct Elements<I>(I);

impl<'de, 'a, 'i: 'a, I: Iterator<Item = TomlNode<'a, 'i>>> SeqAccess<'de> for Elements<I> {
    type Error = Mistake;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Mistake> {
        self.0.next().map(|node| node.read(seed)).transpose()
    }
}

struct Entries<'a, 'i, I> {
    entries: I,
    /// The value of the key that was read last.
    value: Option<TomlNode<'a, 'i>>,
}

impl<'de, 'a, 'i: 'a, I> MapAccess<'de> for Entries<'a, 'i, I>
where
    I: Iterator<Item = (&'a Spanned<toml::de::DeString<'i>>, TomlNode<'a, 'i>)>,
{
    type Error = Mistake;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Mistake> {
        let Some((key, node)) = self.entries.next() else {
            return Ok(None);
        };
        self.value = Some(node);
        let name: StrDeserializer<'_, Mistake> = key.get_ref().as_ref().into_deserializer();
        seed.deserialize(name).map(Some).map_err(|mistake| mistake.about(node, key.span()))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Mistake> {
        match self.value.take() {
            Some(node) => node.read(seed),
            None => Err(serde::de::Error::custom("a value was requested before its key")),
        }
    }
}
