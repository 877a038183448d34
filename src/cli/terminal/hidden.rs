//! The secrets that no stream shows.

use std::io::{self, Write};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use crate::model::redact::Redactor;

/// The secrets that no stream shows. They are shared with other threads, because more are found
/// over time.
#[derive(Debug, Clone, Default)]
pub(in crate::cli) struct Hidden(Arc<RwLock<Redactor>>);

impl Hidden {
    /// Hides these values from now on.
    pub(in crate::cli) fn add(&self, secrets: impl IntoIterator<Item = String>) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).hide(secrets);
    }

    pub(super) fn add_names(&self, names: impl IntoIterator<Item = String>) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).hide_names(names);
    }

    pub(in crate::cli) fn redactor(&self) -> RwLockReadGuard<'_, Redactor> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// A text of `cai` without the secrets.
    pub(super) fn text(&self, text: &str) -> String {
        self.redactor().shown(text)
    }

    /// The output of a tool without the secrets and without text that looks like a secret.
    pub(in crate::cli) fn said(&self, text: &str) -> String {
        self.redactor().text(text)
    }
}

/// A stream without secrets for the trace, which writes each line at once.
pub(super) struct Clean<W> {
    pub(super) stream: W,
    pub(super) mark: &'static str,
    pub(super) hidden: Hidden,
}

impl<W: Write> Write for Clean<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = self.hidden.text(&String::from_utf8_lossy(bytes));
        self.stream.write_all(format!("{}{text}", self.mark).as_bytes()).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
