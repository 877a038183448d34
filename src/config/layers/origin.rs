use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use toml::Spanned;
use toml::de::DeValue;

use super::merge::plain;
use super::{Place, Sources};

/// The values of a configuration and their places.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Origin {
    /// The texts.
    pub sources: Sources,
    /// Every table, array and value, by its key: `vm.mounts[0].location`.
    settings: BTreeMap<String, Setting>,
    document: toml::Table,
}

/// A value that a layer sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Its place.
    pub span: Range<usize>,
    /// The values of lower layers that it replaces, the lowest first.
    pub replaced: Vec<Range<usize>>,
    /// Its value as TOML; `None` for a table or an array of tables.
    pub value: Option<String>,
}

impl Origin {
    pub(in crate::config) fn new(
        sources: Sources,
        document: &Spanned<DeValue<'_>>,
        mut replaced: HashMap<usize, Vec<Range<usize>>>,
    ) -> Self {
        let mut settings = BTreeMap::new();
        let mut rest = vec![(String::new(), document)];
        while let Some((key, node)) = rest.pop() {
            let mut below = Vec::new();
            let value = match node.get_ref() {
                DeValue::Table(table) => {
                    let entries = table.iter();
                    below.extend(entries.map(|(name, it)| (child(&key, name.get_ref()), it)));
                    None
                }
                DeValue::Array(array) if array.iter().any(|it| it.get_ref().is_table()) => {
                    let elements = array.iter().enumerate();
                    below.extend(elements.map(|(index, it)| (element(&key, index), it)));
                    None
                }
                value => Some(plain(value).to_string()),
            };
            rest.append(&mut below);
            let span = node.span();
            let replaced = replaced.remove(&span.start).filter(|_| value.is_some());
            let replaced = replaced.unwrap_or_default();
            settings.insert(key, Setting { span, replaced, value });
        }
        let document = match plain(document.get_ref()) {
            toml::Value::Table(table) => table,
            _ => toml::Table::new(),
        };
        Self { sources, settings, document }
    }

    /// The merged document, with some of its texts replaced.
    pub(in crate::config) fn document(&self, texts: &HashMap<String, String>) -> toml::Table {
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
                    rest.extend(elements.map(|(index, it)| (element(&key, index), it)));
                }
                toml::Value::String(text) => {
                    if let Some(other) = texts.get(&key) {
                        text.clone_from(other);
                    }
                }
                _ => {}
            }
        }
        document
    }

    /// The values that layers set, by key.
    pub fn values(&self) -> impl Iterator<Item = (&str, &Setting)> {
        let values = self.settings.iter().filter(|(_, setting)| setting.value.is_some());
        values.map(|(key, setting)| (key.as_str(), setting))
    }

    /// The key `wanted` of the element of an array of tables that has this text at `name`. The key of the array
    /// if there is none.
    pub fn element(&self, array: &str, name: &str, text: &str, wanted: &str) -> String {
        let text = toml::Value::from(text).to_string();
        let elements = (0..).map(|index| element(array, index));
        let mut elements = elements.take_while(|element| self.settings.contains_key(element));
        let value = |element: &str| self.settings.get(&child(element, name))?.value.as_ref();
        let found = elements.find(|element| value(element) == Some(&text));
        found.map_or_else(|| array.to_owned(), |element| child(&element, wanted))
    }

    /// The place of a key in the texts.
    pub fn span(&self, key: &str) -> Option<Range<usize>> {
        self.settings.get(key).map(|setting| setting.span.clone())
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
