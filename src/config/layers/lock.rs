//! Keys that the organization's file locks: no other layer gives them another value.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::identity::{is_merged, is_value};
use super::value::resolved;
use super::{EXTENDS, Sources};
use crate::config::diagnostic::Diagnostic;
use crate::config::{schema, suggest};

/// The key with the locked keys.
pub(in crate::config) const LOCKED: &str = "locked";

#[derive(Default)]
pub(super) struct Locks {
    /// The locked keys, and the places that lock them.
    keys: Vec<(Vec<String>, Range<usize>)>,
    /// The values of the organization's files.
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
                let error = Diagnostic::new("expected the name of a key, such as \"vm.mounts\"");
                diagnostics.push(error.at(entry.span()));
                continue;
            };
            // They are about files, not values.
            let is_meta = [EXTENDS, LOCKED].iter().any(|meta| key[0] == *meta);
            match schema::check_key(&key) {
                Ok(()) if is_meta => {
                    let error = Diagnostic::new(format!("`{}` cannot be locked", key[0]));
                    diagnostics
                        .push(error.at(entry.span()).hint("lock the keys that must not change"));
                }
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
            let mut path = key.clone();
            let Some(span) = difference(own, locked.flatten(), &mut path, sources) else {
                continue;
            };
            let owner = sources.at(lock.start).map_or("", |place| place.layer.shown.as_str());
            let error = Diagnostic::new(format!("`{}` is locked by {owner}", key.join(".")));
            let hint = "remove it here, or ask the owner of that file to change it";
            diagnostics.push(error.at(span).hint(hint).also(lock.clone(), "locked here"));
        }
    }
}

/// The place of the first value that is not also in `locked`, or that would replace more than itself.
fn difference(
    own: &Spanned<DeValue<'_>>,
    locked: Option<&toml::Value>,
    path: &mut Vec<String>,
    sources: &Sources,
) -> Option<Range<usize>> {
    match (own.get_ref(), locked) {
        (DeValue::Table(table), Some(toml::Value::Table(locked))) if !is_value(path) => {
            table.iter().find_map(|(key, value)| {
                path.push(key.get_ref().to_string());
                let found = difference(value, locked.get(key.get_ref().as_ref()), path, sources);
                path.pop();
                found
            })
        }
        // Its elements are added to those of lower layers.
        (DeValue::Array(array), Some(toml::Value::Array(locked)))
            if is_merged(path) && !array.is_empty() =>
        {
            let own = array.iter().find(|it| !locked.contains(&resolved(it, sources)));
            own.map(Spanned::span)
        }
        (_, Some(locked)) if resolved(own, sources) == *locked => None,
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
