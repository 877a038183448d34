use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::identity::{dependent, identity, is_merged, is_value, same};
use super::lock::{LOCKED, Locks};
use super::value::{Value, resolved};
use super::{EXTENDS, Rank, Sources};
use crate::config::diagnostic::Diagnostic;

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
        locks.check(&document, sources, merge.diagnostics);
        merge.value(&mut all, Spanned::new(0..0, DeValue::Table(document)), &mut Vec::new());
        let Some(locked) = locked else { continue };
        if sources.layers()[layer].rank == Rank::Organization {
            locks.add(&locked, merge.diagnostics);
            locks.values = Some(resolved(&all, sources));
        } else {
            let error = Diagnostic::new("only the organization's file can lock keys");
            merge.diagnostics.push(error.at(locked.span()).hint("remove `locked` from this file"));
        }
    }
    merge.report_rivals(&all);
    Merged { document: all, replaced: merge.replaced }
}

struct Merge<'a> {
    sources: &'a Sources,
    diagnostics: &'a mut Vec<Diagnostic>,
    replaced: HashMap<usize, Vec<Range<usize>>>,
    /// The other values that are as high as a value, by the start of that value.
    rivals: HashMap<usize, Rivals>,
}

/// Values of layers of which none may override the other.
struct Rivals {
    key: String,
    /// The value that was taken.
    taken: Range<usize>,
    others: Vec<Range<usize>>,
}

impl Merge<'_> {
    fn value<'i>(&mut self, under: &mut Value<'i>, mut over: Value<'i>, path: &mut Vec<String>) {
        if is_value(path) {
            stay_sensitive(under, &mut over);
            return self.replace(under, over, path);
        }
        let (span, other) = (over.span(), under.span());
        match (under.get_mut(), over.into_inner()) {
            (DeValue::Table(low), DeValue::Table(high)) => self.table(low, high, path),
            // An empty array removes the elements.
            (DeValue::Array(low), DeValue::Array(high))
                if is_merged(path)
                    && !low.is_empty()
                    && !high.is_empty()
                    && are_tables(low)
                    && are_tables(&high) =>
            {
                self.elements(low, high, path);
            }
            (low, high) if low.is_table() != high.is_table() => {
                let key = path.join(".");
                let error = Diagnostic::new(format!("`{key}` is {} here", form(&high))).at(span);
                let error = error.also(other, format!("{} here", form(low)));
                let is_list = [low, &high].map(|it| form(it)).contains(&ARRAY);
                let hint = if is_list {
                    format!("write `[[{key}]]` in both files")
                } else {
                    format!("write `{key}` as a table in both files")
                };
                self.diagnostics.push(error.hint(hint));
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
        let known: Vec<_> = low.iter().map(|it| identity(path, it.get_ref().as_table()?)).collect();
        // Elements of one layer are not merged with each other.
        let mut taken = HashSet::new();
        for element in high {
            let own = element.get_ref().as_table().and_then(|table| identity(path, table));
            let same = known.iter().position(|other| own.is_some() && *other == own);
            let same = same.filter(|index| taken.insert(*index));
            match same.and_then(|index| low.get_mut(index)) {
                Some(under) => {
                    self.forget_dependent(under, &element, path);
                    self.value(under, element, path);
                }
                None => low.push(element),
            }
        }
    }

    fn replace<'i>(&mut self, under: &mut Value<'i>, over: Value<'i>, path: &[String]) {
        let (low, high) = (under.span(), over.span());
        let mut replaced = self.replaced.remove(&low.start).unwrap_or_default();
        let mut others = self.rivals.remove(&low.start).map(|it| it.others).unwrap_or_default();
        if resolved(under, self.sources) != resolved(&over, self.sources) {
            replaced.push(low.clone());
            others.push(low);
        }
        self.replaced.insert(high.start, replaced);
        self.rival(high, others, path.join("."));
        *under = over;
    }

    /// Notes the values that a value may not override.
    fn rival(&mut self, taken: Range<usize>, mut others: Vec<Range<usize>>, key: String) {
        let layer = self.sources.index(taken.start);
        others.retain(|other| !self.sources.is_above(layer, self.sources.index(other.start)));
        if !others.is_empty() {
            self.rivals.insert(taken.start, Rivals { key, taken, others });
        }
    }

    /// Removes the keys of a lower layer that belong to a key that the higher one changes.
    fn forget_dependent(&mut self, under: &mut Value<'_>, over: &Value<'_>, path: &[String]) {
        let (DeValue::Table(low), DeValue::Table(high)) = (under.get_mut(), over.get_ref()) else {
            return;
        };
        for (key, value) in high {
            let name = key.get_ref().as_ref();
            let meant = |value: &Value<'_>| same(path, name, resolved(value, self.sources));
            if low.get(name).is_some_and(|old| meant(old) == meant(value)) {
                continue;
            }
            for removed in dependent(path, name).iter().filter_map(|key| low.remove(*key)) {
                let key = format!("{}.{name}", path.join("."));
                self.rival(value.span(), vec![removed.span()], key);
            }
        }
    }

    /// Reports the values of layers of which none extends the other, unless a higher layer replaced both.
    fn report_rivals(&mut self, document: &Value<'_>) {
        let (mut present, mut rest) = (HashSet::new(), vec![document]);
        while let Some(node) = rest.pop() {
            present.insert(node.span().start);
            match node.get_ref() {
                DeValue::Array(array) => rest.extend(array.iter()),
                DeValue::Table(table) => rest.extend(table.values()),
                _ => {}
            }
        }
        for (start, Rivals { key, taken, others }) in self.rivals.drain() {
            if !present.contains(&start) {
                continue;
            }
            let message =
                format!("`{key}` has different values in files that are extended together");
            let hint = "set it in the file that extends them, or remove one of the values";
            let error = Diagnostic::new(message).at(taken).hint(hint);
            let error =
                others.into_iter().fold(error, |error, other| error.also(other, "the other value"));
            self.diagnostics.push(error);
        }
    }
}

/// A value that a lower layer marks as sensitive stays so, unless the higher layer says otherwise.
fn stay_sensitive<'i>(under: &Value<'i>, over: &mut Value<'i>) {
    const SENSITIVE: &str = "sensitive";
    let key =
        |name: &'static str, span: &Range<usize>| Spanned::new(span.clone(), Cow::Borrowed(name));
    let Some(mark) =
        under.get_ref().get(SENSITIVE).filter(|it| it.get_ref().as_bool() == Some(true))
    else {
        return;
    };
    let (span, mark) = (over.span(), mark.clone());
    match over.get_mut() {
        DeValue::Table(table) if table.get(SENSITIVE).is_none() => {
            table.insert(key(SENSITIVE, &mark.span()), mark);
        }
        DeValue::String(_) => {
            let mut table = DeTable::new();
            table.insert(key("value", &span), over.clone());
            table.insert(key(SENSITIVE, &mark.span()), mark);
            *over = Spanned::new(span, DeValue::Table(table));
        }
        _ => {}
    }
}

const ARRAY: &str = "an array of tables";

/// What a value is, as an error says it.
fn form(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::Table(_) => "a table",
        DeValue::Array(array) if !array.is_empty() && are_tables(array) => ARRAY,
        _ => "a value",
    }
}

fn are_tables(array: &DeArray<'_>) -> bool {
    array.iter().all(|element| element.get_ref().is_table())
}
