//! Files that `cai` writes into the guest, and how they compare with the wanted ones.

use std::borrow::Cow;

use super::Document;
use crate::model::digest::sha256;

/// A file for the guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestFile {
    /// Its path.
    pub path: Cow<'static, str>,
    /// Its mode, in octal digits.
    pub mode: &'static str,
    /// Its text.
    pub text: String,
}

impl GuestFile {
    /// A file at a path that is always the same.
    pub fn new(path: &'static str, mode: &'static str, text: impl Into<String>) -> Self {
        Self { path: Cow::Borrowed(path), mode, text: text.into() }
    }
}

/// The lines of `sha256sum` in a section of the document.
#[derive(Debug, Clone)]
pub struct Sums<'a>(Vec<&'a str>);

impl<'a> Sums<'a> {
    /// Those of a section.
    pub fn of(document: &'a Document, section: &str) -> Self {
        Self(document.lines(section).collect())
    }

    /// The line about a file.
    pub fn line(&self, path: &str) -> Option<&'a str> {
        let is_its = |line: &&&str| line.ends_with(&format!("  {path}"));
        self.0.iter().find(is_its).copied()
    }

    /// Whether a file exists.
    pub fn has(&self, path: &str) -> bool {
        self.line(path).is_some()
    }

    /// Whether both have the same line about a file.
    pub fn agree(&self, other: &Self, path: &str) -> bool {
        self.line(path).is_some_and(|line| other.0.contains(&line))
    }

    /// How the files compare with the wanted ones: `as written`, `changed` or `missing`.
    pub fn compare(&self, wanted: &[GuestFile]) -> &'static str {
        let is_same = |file: &GuestFile| {
            let sum = format!("{}  {}", sha256(file.text.as_bytes()), file.path);
            self.0.contains(&sum.as_str())
        };
        if wanted.iter().all(is_same) {
            "as written"
        } else if wanted.iter().all(|file| self.has(&file.path)) {
            "changed"
        } else {
            "missing"
        }
    }
}
