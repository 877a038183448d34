use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::DeValue;

use super::value::plain;
use super::{Place, Sources};

/// The values of a configuration and their places.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Provenance {
    /// The texts.
    pub sources: Sources,
    /// Every table, array and value, in the order of the keys: `vm.mounts[0].location`.
    settings: Box<[(String, Setting)]>,
    document: toml::Table,
}

/// A value that a layer sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Its place.
    pub span: Range<usize>,
    /// The values of lower layers that it replaces, the lowest first.
    pub replaced: Vec<Range<usize>>,
    /// Whether it is a value, and neither a table nor an array of tables.
    pub is_value: bool,
}

impl Provenance {
    pub(in crate::config) fn new(
        sources: Sources,
        document: &Spanned<DeValue<'_>>,
        mut replaced: HashMap<usize, Vec<Range<usize>>>,
    ) -> Self {
        let mut settings = Vec::new();
        let mut rest = vec![(String::new(), document)];
        while let Some((key, node)) = rest.pop() {
            let mut below = Vec::new();
            let is_value = match node.get_ref() {
                DeValue::Table(table) => {
                    let entries = table.iter();
                    below.extend(entries.map(|(name, it)| (child(&key, name.get_ref()), it)));
                    false
                }
                DeValue::Array(array) if array.iter().any(|it| it.get_ref().is_table()) => {
                    let elements = array.iter().enumerate();
                    below.extend(elements.map(|(index, it)| (element(&key, index), it)));
                    false
                }
                _ => true,
            };
            rest.append(&mut below);
            let span = node.span();
            let replaced = replaced.remove(&span.start).filter(|_| is_value).unwrap_or_default();
            settings.push((key, Setting { span, replaced, is_value }));
        }
        settings.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        let document = match plain(document) {
            toml::Value::Table(table) => table,
            _ => toml::Table::new(),
        };
        Self { sources, settings: settings.into(), document }
    }

    fn setting(&self, key: &str) -> Option<&Setting> {
        let found = self.settings.binary_search_by(|(own, _)| own.as_str().cmp(key));
        found.ok().map(|index| &self.settings[index].1)
    }

    /// The merged document. `other` returns another text for a key and its text.
    pub(in crate::config) fn document(
        &self,
        other: &dyn Fn(&str, &str) -> Option<String>,
    ) -> toml::Table {
        let mut document = self.document.clone();
        let mut rest: Vec<(String, &mut toml::Value)> =
            document.iter_mut().map(|(name, value)| (child("", name), value)).collect();
        while let Some((key, value)) = rest.pop() {
            match value {
                toml::Value::Table(table) => {
                    rest.extend(table.iter_mut().map(|(name, it)| (child(&key, name), it)));
                }
                toml::Value::Array(array) => {
                    let elements = array.iter_mut().enumerate();
                    rest.extend(elements.map(|(index, it)| (self::element(&key, index), it)));
                }
                toml::Value::String(text) => {
                    if let Some(other) = other(&key, text) {
                        *text = other;
                    }
                }
                _ => {}
            }
        }
        document
    }

    /// The values of a form of the document, in its order, with their keys and places.
    pub fn values(&self, document: &toml::Table) -> Vec<(String, String, &Setting)> {
        let mut values = Vec::new();
        self.collect("", document, &mut values);
        values
    }

    fn collect<'a>(
        &'a self,
        table: &str,
        document: &toml::Table,
        values: &mut Vec<(String, String, &'a Setting)>,
    ) {
        for (name, value) in document {
            let key = child(table, name);
            match (value, self.setting(&key)) {
                (toml::Value::Table(inner), _) => self.collect(&key, inner, values),
                (value, Some(setting)) if setting.is_value => {
                    values.push((key, value.to_string(), setting));
                }
                (toml::Value::Array(elements), _) => {
                    for (index, inner) in elements.iter().enumerate() {
                        let key = self::element(&key, index);
                        match (inner, self.setting(&key)) {
                            (toml::Value::Table(inner), _) => self.collect(&key, inner, values),
                            (inner, Some(setting)) => {
                                values.push((key, inner.to_string(), setting));
                            }
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
    }

    /// The key `wanted` of the element of an array of tables that has this text at `name`. The key of the array
    /// if no element has it. The key of the array consists of bare keys.
    pub fn element(&self, array: &str, name: &str, text: &str, wanted: &str) -> String {
        let mut names = array.split('.');
        let first = names.next().and_then(|first| self.document.get(first));
        let list = names.fold(first, |value, name| value?.get(name));
        let mut elements = list.and_then(toml::Value::as_array).into_iter().flatten();
        let is_it = |it: &toml::Value| it.get(name).and_then(toml::Value::as_str) == Some(text);
        let index = elements.position(is_it);
        index.map_or_else(|| array.to_owned(), |index| child(&element(array, index), wanted))
    }

    /// The place of a key in the texts.
    pub fn span(&self, key: &str) -> Option<Range<usize>> {
        self.setting(key).map(|setting| setting.span.clone())
    }

    /// The place of a key.
    pub fn place(&self, key: &str) -> Option<Place<'_>> {
        self.sources.at(self.span(key)?.start)
    }
}

/// The key of an entry of a table.
pub fn child(table: &str, name: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    let name = if !name.is_empty() && name.chars().all(is_bare) {
        Cow::Borrowed(name)
    } else {
        Cow::Owned(toml::Value::from(name).to_string())
    };
    if table.is_empty() { name.into_owned() } else { format!("{table}.{name}") }
}

/// The key of an element of an array.
pub fn element(array: &str, index: usize) -> String {
    format!("{array}[{index}]")
}
