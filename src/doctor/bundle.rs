//! An archive for a bug report, without secrets.

use std::io;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use tar::{Builder, Header};

use crate::model::redact::Redactor;

/// The directory that all is in.
const ROOT: &str = "cai-bundle";
/// The most of a text that is kept, in bytes: its end.
const TAIL: usize = 256 << 10;

/// What goes into an archive.
#[derive(Debug, Default)]
pub struct Bundle {
    redactor: Redactor,
    entries: Vec<(String, String)>,
}

impl Bundle {
    /// An empty archive. The redactor handles everything that is added.
    pub fn new(redactor: Redactor) -> Self {
        Self { redactor, entries: Vec::new() }
    }

    /// Adds the end of a text.
    pub fn text(&mut self, name: &str, text: &str) {
        let text = self.redactor.text(tail(text));
        self.entries.push((name.to_owned(), text));
    }

    /// Adds a document.
    pub fn document(&mut self, name: &str, value: &Value) {
        let text = format!("{:#}\n", self.redactor.document(value));
        self.entries.push((name.to_owned(), text));
    }

    /// Adds YAML by its meaning, or as text if it is not YAML.
    pub fn yaml(&mut self, name: &str, text: &str) {
        let value: Option<Value> = serde_yaml::from_str(text).ok();
        let clean = value.filter(Value::is_object).map(|value| self.redactor.document(&value));
        match clean.and_then(|value| serde_yaml::to_string(&value).ok()) {
            Some(text) => self.entries.push((name.to_owned(), text)),
            None => self.text(name, text),
        }
    }

    /// The archive, a `.tar.gz`.
    ///
    /// # Errors
    /// When an entry cannot be packed.
    pub fn pack(self) -> io::Result<Vec<u8>> {
        let mut archive = Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
        for (name, text) in self.entries {
            let mut header = Header::new_gnu();
            header.set_mode(0o600);
            header.set_size(text.len() as u64);
            archive.append_data(&mut header, format!("{ROOT}/{name}"), text.as_bytes())?;
        }
        archive.into_inner()?.finish()
    }
}

/// The end of a text, from the beginning of a line on: a half line could hold a half secret.
fn tail(text: &str) -> &str {
    let mut start = text.len().saturating_sub(TAIL);
    if start == 0 {
        return text;
    }
    while !text.is_char_boundary(start) {
        start += 1;
    }
    let rest = &text[start..];
    rest.split_once('\n').map_or("", |(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_kept_from_the_beginning_of_a_line() {
        let text = format!("TOKEN={}\nlast\n", "é".repeat(TAIL));
        assert_eq!(tail(&text), "last\n");
        assert_eq!(tail("short"), "short");
    }

    #[test]
    fn yaml_is_cleaned_by_its_meaning() {
        let mut bundle = Bundle::new(Redactor::default());
        bundle.yaml("a", "env:\n  A: x1\ncpus: 2\n");
        bundle.yaml("b", "]\nTOKEN=x1\n");
        assert_eq!(bundle.entries[0].1, "env:\n  A: '[redacted]'\ncpus: 2\n");
        assert_eq!(bundle.entries[1].1, "]\nTOKEN=[redacted]\n");
    }
}
