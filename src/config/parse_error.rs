//! What goes wrong in reading a value, and which value is to blame.

use std::collections::HashSet;
use std::fmt;
use std::ops::Range;

use super::de::Node;
use super::suggest;
use crate::config::diagnostic::Diagnostic;

/// Which value of a document: its address. Places in the text would not do, since the first table
/// of an array and the array itself have the same.
pub(super) type Identity = usize;

/// The values of a document that were wrong, and are passed over as if they were not there.
#[derive(Debug, Default)]
pub(super) struct Refused(HashSet<Identity>);

impl Refused {
    /// Whether the value was refused.
    pub(super) fn contains(&self, value: Identity) -> bool {
        self.0.contains(&value)
    }

    /// Refuses what `mistake` is about; false if there is nothing (more) to refuse.
    pub(super) fn insert(&mut self, mistake: &Mistake) -> bool {
        mistake.culprit.is_some_and(|culprit| self.0.insert(culprit))
    }
}

/// An error of deserialization.
///
/// `toml`'s own errors are text for one reader. This one keeps what collecting needs: the place of
/// the error, the value to leave out on the next try, and the keys or choices there are, for "did
/// you mean".
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

    /// What to tell; none where the mistake only follows from one that was told before.
    pub(super) fn into_diagnostic(self) -> Option<Diagnostic> {
        self.diagnostic.map(|diagnostic| *diagnostic)
    }

    /// Blames `node`, marked at `span`, unless a value inside it is to blame already.
    pub(super) fn about(mut self, node: Node<'_, '_>, span: Range<usize>) -> Self {
        if self.culprit.is_none() {
            self.culprit = Some(node.identity());
            // A key that is there but was refused has been reported for what is wrong with it.
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
