use std::collections::HashMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::identity::{dependent, identity, is_merged, is_value};
use super::lock::{LOCKED, Locks};
use super::{EXTENDS, Rank, Sources};
use crate::config::de::integer;
use crate::config::diagnostic::Diagnostic;

type Value<'i> = Spanned<DeValue<'i>>;

/// The document of all layers. Its spans are those of `sources`.
pub(in crate::config) struct Merged<'i> {
    pub(in crate::config) document: Value<'i>,
    /// The places that a value replaced, by the start of that value.
    pub(in crate::config) replaced: HashMap<usize, Vec<Range<usize>>>,
}

/// Merges the documents of layers, from the lowest to the highest.
pub(in crate::config) fn merge<'i>(
    sources: &Sources,
    documents: Vec<(usize, DeTable<'i>)>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Merged<'i> {
    let mut locks = Locks::default();
    let mut merge =
        Merge { sources, diagnostics, replaced: HashMap::new(), rivals: HashMap::new() };
    let mut all = Spanned::new(0..0, DeValue::Table(DeTable::new()));
    for (layer, mut document) in documents {
        document.remove(EXTENDS);
        let locked = document.remove(LOCKED);
        if sources.layers()[layer].rank == Rank::Organisation {
            locks.check(&document, sources, merge.diagnostics);
            merge.value(&mut all, Spanned::new(0..0, DeValue::Table(document)), &mut Vec::new());
            if let Some(locked) = locked {
                locks.add(&locked, merge.diagnostics);
            }
            locks.values = Some(plain(all.get_ref()));
            continue;
        }
        if let Some(locked) = locked {
            let error = Diagnostic::new("only the organisation's file can lock keys");
            merge.diagnostics.push(error.at(locked.span()).hint("remove `locked` from this file"));
        }
        locks.check(&document, sources, merge.diagnostics);
        merge.value(&mut all, Spanned::new(0..0, DeValue::Table(document)), &mut Vec::new());
    }
    merge.report_rivals();
    Merged { document: all, replaced: merge.replaced }
}

struct Merge<'a> {
    sources: &'a Sources,
    diagnostics: &'a mut Vec<Diagnostic>,
    replaced: HashMap<usize, Vec<Range<usize>>>,
    /// The other values that are as high as a value, by the start of that value.
    rivals: HashMap<usize, (String, Vec<Range<usize>>)>,
}

impl Merge<'_> {
    fn value<'i>(&mut self, under: &mut Value<'i>, over: Value<'i>, path: &mut Vec<String>) {
        if is_value(path) {
            return self.replace(under, over, path);
        }
        let span = over.span();
        match (under.get_mut(), over.into_inner()) {
            (DeValue::Table(low), DeValue::Table(high)) => self.table(low, high, path),
            (DeValue::Array(low), DeValue::Array(high))
                if is_merged(path) && !high.is_empty() && are_tables(low) && are_tables(&high) =>
            {
                self.elements(low, high, path);
            }
            (low, high) if low.is_table() != high.is_table() => {
                let what = |it: &DeValue<'_>| if it.is_table() { "a table" } else { "a value" };
                let message = format!("`{}` is {} here", path.join("."), what(&high));
                let error = Diagnostic::new(message).at(span);
                let other = format!("{} here", what(low));
                self.diagnostics.push(error.also(under.span(), other).hint("write both alike"));
            }
            (_, high) => self.replace(under, Spanned::new(span, high), path),
        }
    }

    fn table<'i>(&mut self, low: &mut DeTable<'i>, high: DeTable<'i>, path: &mut Vec<String>) {
        for (key, value) in high {
            path.push(key.get_ref().to_string());
            match low.get_mut(key.get_ref().as_ref()) {
                Some(under) => self.value(under, value, path),
                None => drop(low.insert(key, value)),
            }
            path.pop();
        }
    }

    /// Merges the elements of arrays of tables. Those that are in no lower layer are added.
    fn elements<'i>(&mut self, low: &mut DeArray<'i>, high: DeArray<'i>, path: &mut Vec<String>) {
        // Elements of one layer are not merged with each other.
        let known: Vec<_> = low.iter().map(|it| identity(path, it.get_ref().as_table()?)).collect();
        for element in high {
            let own = element.get_ref().as_table().and_then(|table| identity(path, table));
            let same = known.iter().position(|other| own.is_some() && *other == own);
            match same.and_then(|index| low.get_mut(index)) {
                Some(under) => {
                    forget_dependent(under, &element, path);
                    self.value(under, element, path);
                }
                None => low.push(element),
            }
        }
    }

    fn replace<'i>(&mut self, under: &mut Value<'i>, over: Value<'i>, path: &[String]) {
        let (low, high) = (under.span(), over.span());
        let mut replaced = self.replaced.remove(&low.start).unwrap_or_default();
        let mut rivals = self.rivals.remove(&low.start).unwrap_or_default().1;
        if plain(under.get_ref()) != plain(over.get_ref()) {
            replaced.push(low.clone());
            rivals.push(low);
        }
        self.replaced.insert(high.start, replaced);
        let layer = self.sources.index(high.start);
        rivals.retain(|rival| !self.sources.is_above(layer, self.sources.index(rival.start)));
        if !rivals.is_empty() {
            self.rivals.insert(high.start, (path.join("."), rivals));
        }
        *under = over;
    }

    /// Reports the values of layers of which none extends the other.
    fn report_rivals(&mut self) {
        for (start, (path, rivals)) in self.rivals.drain() {
            let message =
                format!("`{path}` has different values in files that are extended together");
            let hint = "set it in the file that extends them, or remove one of the values";
            let error = Diagnostic::new(message).at(start..start + 1).hint(hint);
            let error =
                rivals.into_iter().fold(error, |error, rival| error.also(rival, "the other value"));
            self.diagnostics.push(error);
        }
    }
}

/// Removes the keys of a lower layer that belong to a key that the higher one changes.
fn forget_dependent(under: &mut Value<'_>, over: &Value<'_>, path: &[String]) {
    let (DeValue::Table(low), DeValue::Table(high)) = (under.get_mut(), over.get_ref()) else {
        return;
    };
    for (key, value) in high {
        let name = key.get_ref().as_ref();
        let is_same =
            low.get(name).is_some_and(|old| plain(old.get_ref()) == plain(value.get_ref()));
        for key in dependent(path, name).iter().filter(|_| !is_same) {
            low.remove(*key);
        }
    }
}

fn are_tables(array: &DeArray<'_>) -> bool {
    array.iter().all(|element| element.get_ref().is_table())
}

/// The value without its places.
pub(in crate::config) fn plain(value: &DeValue<'_>) -> toml::Value {
    match value {
        DeValue::String(text) => text.to_string().into(),
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
            toml::Value::Array(array.iter().map(|it| plain(it.get_ref())).collect())
        }
        DeValue::Table(table) => toml::Value::Table(
            table
                .iter()
                .map(|(key, it)| (key.get_ref().to_string(), plain(it.get_ref())))
                .collect(),
        ),
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
