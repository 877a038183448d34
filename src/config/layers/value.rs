//! Values of a document, without their places or at other places.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Sources;
use crate::config::de::integer;
use crate::model::clean_path;

pub(super) type Value<'i> = Spanned<DeValue<'i>>;

/// The value without its places.
pub(super) fn plain(value: &Value<'_>) -> toml::Value {
    converted(value, &|text, _| text.to_owned())
}

/// The value without its places, with relative paths from the directories of their files. In another
/// directory, the same text is another file.
pub(super) fn resolved(value: &Value<'_>, sources: &Sources) -> toml::Value {
    converted(value, &|text, span| {
        if text.starts_with("./") || text.starts_with("../") {
            clean_path(&sources.directory(span.start).join(text).to_string_lossy())
        } else {
            text.to_owned()
        }
    })
}

fn converted(value: &Value<'_>, text: &dyn Fn(&str, Range<usize>) -> String) -> toml::Value {
    match value.get_ref() {
        DeValue::String(own) => text(own, value.span()).into(),
        DeValue::Integer(number) => match integer(number) {
            Some(number) => number.into(),
            None => number.as_str().into(),
        },
        DeValue::Float(number) => match number.as_str().parse::<f64>() {
            Ok(number) => number.into(),
            Err(_) => number.as_str().into(),
        },
        DeValue::Boolean(value) => (*value).into(),
        DeValue::Datetime(time) => (*time).into(),
        DeValue::Array(array) => {
            toml::Value::Array(array.iter().map(|it| converted(it, text)).collect())
        }
        DeValue::Table(table) => {
            let entries = table.iter();
            let entries = entries.map(|(key, it)| (key.get_ref().to_string(), converted(it, text)));
            toml::Value::Table(entries.collect())
        }
    }
}

/// Moves all spans of a document to the offsets of its layer.
pub(in crate::config) fn moved<'i>(
    table: DeTable<'i>,
    sources: &Sources,
    layer: usize,
) -> DeTable<'i> {
    let entries = table.into_iter().map(|(key, value)| {
        let span = sources.offsets(layer, key.span());
        (Spanned::new(span, key.into_inner()), moved_value(value, sources, layer))
    });
    entries.collect()
}

fn moved_value<'i>(value: Value<'i>, sources: &Sources, layer: usize) -> Value<'i> {
    let span = sources.offsets(layer, value.span());
    let value = match value.into_inner() {
        DeValue::Array(array) => {
            let elements = array.into_iter().map(|value| moved_value(value, sources, layer));
            DeValue::Array(elements.collect())
        }
        DeValue::Table(table) => DeValue::Table(moved(table, sources, layer)),
        value => value,
    };
    Spanned::new(span, value)
}
