//! Errors of deserialization, and the values that caused them.

use std::collections::HashSet;
use std::fmt;
use std::ops::Range;

use super::de::TomlNode;
use super::suggest;
use crate::config::diagnostic::Diagnostic;

/// The address of a value in a document. Its place in the text is not unique: the first table of an
/// array and the array itself have the same place.
pub(super) type Identity = usize;

/// The invalid values of a document. They are treated as absent.
#[derive(Debug, Default)]
pub(super) struct Refused(HashSet<Identity>);

impl Refused {
    /// Whether the value was refused.
    pub(super) fn contains(&self, value: Identity) -> bool {
        self.0.contains(&value)
    }

    /// Refuses the value that `mistake` is about. Returns `false` if no value was added.
    pub(super) fn insert(&mut self, mistake: &Mistake) -> bool {
        mistake.culprit.is_some_and(|culprit| self.0.insert(culprit))
    }
}

/// An error of deserialization.
///
/// `toml`'s own errors are only text. This one keeps the place of the error, the value to skip on
/// the next try, and the valid keys or values for "did you mean".
#[derive(Debug)]
pub(super) struct Mistake {
    diagnostic: Option<Box<Diagnostic>>,
    missing: Option<&'static str>,
    culprit: Option<Identity>,
}

impl Mistake {
    pub(super) fn new(diagnostic: Diagnostic) -> Self {
        Self { diagnostic: Some(Box::new(diagnostic)), missing: None, culprit: None }
    }

    /// The diagnostic; `None` if an error that was reported before caused this one.
    pub(super) fn into_diagnostic(self) -> Option<Diagnostic> {
        self.diagnostic.map(|diagnostic| *diagnostic)
    }

    /// Assigns the error to `node`, marked at `span`, unless it belongs to a value inside `node`.
    pub(super) fn about(mut self, node: TomlNode<'_, '_>, span: Range<usize>) -> Self {
        if self.culprit.is_none() {
            self.culprit = Some(node.identity());
            // A key that exists but was refused has been reported.
            let known = self.missing.is_some_and(|key| node.get(key).is_some());
            match &mut self.diagnostic {
                Some(diagnostic) if !known => diagnostic.span = Some(span),
                diagnostic => *diagnostic = None,
            }
        }
        self
    }
}

impl serde::de::Error for Mistake {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(Diagnostic::new(message.to_string()))
    }

    fn unknown_field(key: &str, known: &'static [&'static str]) -> Self {
        let message = format!("unknown key {}", suggest::shown(key));
        Self::new(Diagnostic::new(message).hint(suggest::hint(key, known, "key")))
    }

    fn unknown_variant(value: &str, known: &'static [&'static str]) -> Self {
        let message = format!("unknown value {}", suggest::shown(value));
        Self::new(Diagnostic::new(message).hint(suggest::hint(value, known, "value")))
    }

    fn missing_field(key: &'static str) -> Self {
        let diagnostic = Diagnostic::new(format!("the key `{key}` is missing"));
        Self { missing: Some(key), ..Self::new(diagnostic.label(format!("needs `{key} = …`"))) }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.diagnostic.as_ref().map_or("", |diagnostic| &diagnostic.message))
    }
}

impl std::error::Error for Mistake {}
