//! Keys that the organisation's file locks: no other layer gives them another value.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Sources;
use super::merge::plain;
use crate::config::diagnostic::Diagnostic;
use crate::config::{schema, suggest};

/// The key with the locked keys.
pub(in crate::config) const LOCKED: &str = "locked";

#[derive(Default)]
pub(super) struct Locks {
    /// The locked keys, and the places that lock them.
    keys: Vec<(Vec<String>, Range<usize>)>,
    /// The values of the organisation's files.
    pub(super) values: Option<toml::Value>,
}

impl Locks {
    /// Adds the keys of `locked`.
    pub(super) fn add(&mut self, locked: &Spanned<DeValue<'_>>, diagnostics: &mut Vec<Diagnostic>) {
        let entries = match locked.get_ref() {
            DeValue::Array(entries) => entries.iter().collect(),
            _ => vec![locked],
        };
        for entry in entries {
            let key = entry.get_ref().as_str().and_then(parts);
            let Some(key) = key else {
                let error = Diagnostic::new("expected the names of keys, such as \"vm.mounts\"");
                diagnostics.push(error.at(entry.span()));
                continue;
            };
            match schema::find(&key) {
                Ok(()) => self.keys.push((key, entry.span())),
                Err((unknown, known)) => {
                    let known: Vec<&str> = known.iter().map(String::as_str).collect();
                    let message = format!("unknown key {}", suggest::shown(&unknown));
                    let error = Diagnostic::new(message).at(entry.span());
                    diagnostics.push(error.hint(suggest::hint(&unknown, &known, "key")));
                }
            }
        }
    }

    /// Reports the values of a layer that change locked keys.
    pub(super) fn check(
        &self,
        document: &DeTable<'_>,
        sources: &Sources,
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        for (key, lock) in &self.keys {
            let mut path = key.iter();
            let own = path.next().and_then(|first| document.get(first.as_str()));
            let own = path.try_fold(own, |it, key| it.map(|it| it.get_ref().get(key.as_str())));
            let Some(own) = own.flatten() else { continue };
            let mut path = key.iter();
            let locked =
                path.try_fold(self.values.as_ref(), |it, key| it.map(|it| it.get(key.as_str())));
            let Some(span) = difference(own, locked.flatten()) else { continue };
            let owner = sources.at(lock.start).map_or("", |place| place.layer.shown.as_str());
            let error = Diagnostic::new(format!("`{}` is locked by {owner}", key.join(".")));
            let hint = "remove it here, or ask the owner of that file to change it";
            diagnostics.push(error.at(span).hint(hint).also(lock.clone(), "locked here"));
        }
    }
}

/// The place of the first value that is not also in `locked`.
fn difference(own: &Spanned<DeValue<'_>>, locked: Option<&toml::Value>) -> Option<Range<usize>> {
    match (own.get_ref(), locked) {
        (DeValue::Table(table), Some(toml::Value::Table(locked))) => table
            .iter()
            .find_map(|(key, value)| difference(value, locked.get(key.get_ref().as_ref()))),
        // An array of tables adds its elements to those of lower layers.
        (DeValue::Array(array), Some(toml::Value::Array(locked))) if !array.is_empty() => {
            let are_tables = array.iter().all(|element| element.get_ref().is_table());
            let is_there = |own: &DeValue<'_>| locked.contains(&plain(own));
            if are_tables {
                return array.iter().find(|it| !is_there(it.get_ref())).map(Spanned::span);
            }
            (plain(own.get_ref()) != toml::Value::Array(locked.clone())).then(|| own.span())
        }
        (value, Some(locked)) if plain(value) == *locked => None,
        _ => Some(own.span()),
    }
}

/// The parts of a key such as `vm.env."a.b"`.
fn parts(key: &str) -> Option<Vec<String>> {
    let line = format!("{key} = 0");
    let table = DeTable::parse(&line).ok()?.into_inner();
    let mut parts = Vec::new();
    let mut next = Some(&table);
    while let Some((key, value)) = next.and_then(|table| table.iter().next()) {
        parts.push(key.get_ref().to_string());
        next = value.get_ref().as_table();
    }
    (!parts.is_empty()).then_some(parts)
}
