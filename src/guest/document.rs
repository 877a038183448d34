//! The document that the guest script prints: marked sections, each with an exit status.

use std::collections::BTreeMap;

/// The output of one command of the script, and its exit status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Both streams, without the last line break.
    pub text: String,
    /// The exit status.
    pub status: i32,
}

/// A complete document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Document {
    sections: BTreeMap<String, Section>,
}

/// The text is not a complete document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnreadableDocument {
    /// The last line is missing: the guest or the connection was interrupted.
    #[error("the guest's report is cut off: its last line is missing")]
    CutOff,
    /// A section started before the previous one ended, or a marked line is unknown.
    #[error("the guest's report is malformed at line {0}")]
    Malformed(usize),
}

impl Document {
    /// Reads a document whose lines have this mark.
    ///
    /// # Errors
    /// When it is cut off or malformed. Text before the first marked line is ignored, because login
    /// scripts may print anything.
    pub fn parse(text: &str, mark: &str) -> Result<Self, UnreadableDocument> {
        let prefix = format!("@{mark} ");
        let mut document = Self::default();
        let mut open: Option<(String, Vec<&str>)> = None;
        for (index, line) in text.lines().enumerate() {
            let malformed = UnreadableDocument::Malformed(index + 1);
            match (line.strip_prefix(&prefix), open.take()) {
                (None, None) => {}
                (None, Some((name, mut lines))) => {
                    lines.push(line);
                    open = Some((name, lines));
                }
                (Some("end"), None) => return Ok(document),
                (Some(word), None) => open = Some((word.to_owned(), Vec::new())),
                (Some(word), Some((name, lines))) => {
                    let status = word.strip_prefix("= ").and_then(|code| code.parse().ok());
                    let status = status.ok_or(malformed)?;
                    let text = lines.join("\n").trim_end_matches('\n').to_owned();
                    document.sections.insert(name, Section { text, status });
                }
            }
        }
        Err(UnreadableDocument::CutOff)
    }

    /// Removes all other sections, which are no longer needed.
    pub fn keep(&mut self, wanted: impl Fn(&str) -> bool) {
        self.sections.retain(|name, _| wanted(name));
    }

    /// All sections, by name.
    pub fn sections(&self) -> impl Iterator<Item = (&str, &Section)> {
        self.sections.iter().map(|(name, section)| (name.as_str(), section))
    }

    /// A section, if the document has it.
    pub fn section(&self, name: &str) -> Option<&Section> {
        self.sections.get(name)
    }

    /// The lines of a section, even if its command failed: a command for several files prints the
    /// existing ones.
    pub fn lines(&self, name: &str) -> impl Iterator<Item = &str> {
        self.section(name).into_iter().flat_map(|section| section.text.lines())
    }

    /// The SHA-256 of a file, from the output of `sha256sum`.
    pub fn sum(&self, path: &str) -> Option<String> {
        let mut sums = self.lines("sums").filter_map(|line| line.split_once("  "));
        sums.find(|(_, summed)| *summed == path).map(|(sum, _)| sum.to_owned())
    }

    /// The text of a section whose command succeeded.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.section(name)
            .filter(|section| section.status == 0)
            .map(|section| section.text.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_keep_what_a_command_printed_and_how_it_ended() {
        let text = "Welcome!\n@m user\ndev\n\n@m = 0\n@m log\n@x end\nb\n\n\n@m = 3\n@m end\n";
        let document = Document::parse(text, "m").unwrap();
        assert_eq!(document.text("user"), Some("dev"));
        assert_eq!(document.section("log"), Some(&Section { text: "@x end\nb".into(), status: 3 }));
        assert_eq!(document.text("log"), None);
        assert_eq!(document.section("absent"), None);
    }

    #[test]
    fn a_document_without_its_last_line_is_refused() {
        for text in ["", "@m user\ndev\n\n@m = 0\n", "@m user\ndev", "@m en"] {
            assert_eq!(Document::parse(text, "m"), Err(UnreadableDocument::CutOff), "{text:?}");
        }
    }

    #[test]
    fn a_section_that_never_ended_is_refused() {
        let text = "@m a\nx\n@m b\ny\n\n@m = 0\n@m end\n";
        assert_eq!(Document::parse(text, "m"), Err(UnreadableDocument::Malformed(3)));
    }
}
