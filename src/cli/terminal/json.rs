//! The JSON output: one document at the end, or lines.

use std::io::{self, Write};
use std::time::SystemTime;

use anstream::adapter::strip_str;
use serde::Serialize;
use serde_json::Value;

use super::Terminal;
use crate::cli::error::Error;
use crate::model::printable_json;
use crate::report::{Diagnostic, DiagnosticsDocument, Line};

/// The JSON output.
#[derive(Debug)]
pub(super) enum Json {
    /// The document to print at the end, if there is one.
    Document(Option<Value>),
    /// Lines.
    Lines,
    /// The last line is printed.
    Ended,
}

impl Terminal {
    /// A document without secrets.
    pub(in crate::cli) fn clean(&self, document: &impl Serialize) -> Result<Value, Error> {
        let document = serde_json::to_value(document);
        let document = document.map_err(|error| Error::Output(error.into()))?;
        Ok(self.hidden.redactor().shown_document(&document))
    }

    /// Prints a JSON document when the command ends, so that it can name the error of the command.
    /// A document about a simulated host is marked.
    pub(in crate::cli) fn json(&mut self, document: &impl Serialize) -> Result<(), Error> {
        self.json = Json::Document(Some(self.marked(self.clean(document)?)));
        Ok(())
    }

    /// Prints a JSON document as one line, for a command that prints one per file. It has its own errors.
    pub(in crate::cli) fn document_line(&mut self, document: &impl Serialize) -> Result<(), Error> {
        self.json = Json::Ended;
        let document = self.marked(self.clean(document)?);
        self.write(&format!("{}\n", printable_json(&document.to_string())))
    }

    /// Whether the command prints JSON Lines instead of a document.
    pub(in crate::cli) fn streams(&self) -> bool {
        matches!(self.json, Json::Lines)
    }

    /// Prints the last line of JSON Lines. Its result includes the error of the command.
    pub(in crate::cli) fn last_line(&mut self, line: Line<'_>) -> Result<(), Error> {
        self.json = Json::Ended;
        self.line(line)
    }

    fn line(&mut self, line: Line<'_>) -> Result<(), Error> {
        let timestamp = humantime::format_rfc3339_micros(SystemTime::now()).to_string();
        let message = strip_str(&line.message).to_string();
        let line = self.marked(self.clean(&Line { message, timestamp, ..line })?);
        self.write(&format!("{}\n", printable_json(&line.to_string())))
    }

    /// Prints lines before the last one. A reader that stops reading does not stop the command.
    pub(in crate::cli) fn lines<'a>(&mut self, lines: impl IntoIterator<Item = Line<'a>>) {
        if self.streams() {
            lines.into_iter().for_each(|line| drop(self.line(line)));
        }
    }

    /// Prints the JSON document of the command with these errors, or one of the errors alone.
    pub(in crate::cli) fn finish(&mut self, errors: Vec<Diagnostic>) -> Result<(), Error> {
        let document = match &mut self.json {
            Json::Document(document) => document.take(),
            Json::Lines => {
                let mut lines = errors.into_iter().map(Line::diagnostic);
                return lines.try_for_each(|line| self.line(line));
            }
            Json::Ended => return Ok(()),
        };
        let document = match document {
            None if errors.is_empty() => return Ok(()),
            None => self.marked(self.clean(&DiagnosticsDocument::new(errors))?),
            Some(document) if errors.is_empty() => document,
            Some(mut document) => {
                // A document may have warnings there.
                let warnings = document["diagnostics"].take();
                let warnings = warnings.as_array().cloned().unwrap_or_default().into_iter();
                let errors = errors.iter().map(|error| self.clean(error));
                let all = warnings.map(Ok).chain(errors).collect::<Result<Vec<Value>, _>>()?;
                document["diagnostics"] = all.into();
                document
            }
        };
        self.write_json(&document)
    }

    /// The document, with `"simulated": true` if the host is simulated.
    pub(in crate::cli) fn marked(&self, mut document: Value) -> Value {
        if let (true, Some(keys)) = (self.simulates(), document.as_object_mut()) {
            keys.insert("simulated".into(), true.into());
        }
        document
    }

    /// Prints a document in a format of another program, without a mark.
    pub(in crate::cli) fn foreign_json(&mut self, document: &impl Serialize) -> Result<(), Error> {
        let document = self.clean(document)?;
        self.write_json(&document)
    }

    /// Prints a clean document. Its text is not redacted again, because a secret may be `true`.
    pub(in crate::cli) fn write_json(&mut self, document: &Value) -> Result<(), Error> {
        let text = serde_json::to_string_pretty(document);
        let text = text.map_err(|error| Error::Output(error.into()))?;
        self.write(&format!("{}\n", printable_json(&text)))
    }
}

/// Prints a JSON document before there is a terminal.
pub(in crate::cli) fn print_json(document: &impl Serialize) -> io::Result<()> {
    let text = serde_json::to_string_pretty(document)?;
    writeln!(io::stdout(), "{}", printable_json(&text))
}
