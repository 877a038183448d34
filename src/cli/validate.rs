//! `cai validate`

use serde::Serialize;

use super::{Global, Terminal, file};
use crate::config;
use crate::diagnostic::{Diagnostic, line_of};
use crate::error::Error;
use crate::host::Host;
use crate::plan::FORMAT_VERSION;

pub(super) fn run(host: &dyn Host, global: &Global, terminal: &mut Terminal) -> Result<(), Error> {
    let source = file::find(host, global)?.ok_or_else(|| file::missing(global))?;
    let parsed = config::parse(&source.text);
    if let Ok(config) = &parsed {
        terminal.warn(config);
    }
    let mistakes = parsed.err().unwrap_or_default();
    if global.json {
        terminal.json(&Document {
            format_version: FORMAT_VERSION,
            file: source.shown(),
            valid: mistakes.is_empty(),
            mistakes: mistakes.iter().map(|mistake| Mistake::new(mistake, &source.text)).collect(),
        })?;
    }
    if !mistakes.is_empty() {
        return Err(source.wrong(&mistakes, terminal));
    }
    if global.json {
        return Ok(());
    }
    terminal.data(&format!("{} is valid.\n", source.shown()))
}

/// What `cai validate --json` prints.
#[derive(Serialize)]
struct Document<'a> {
    format_version: u32,
    file: String,
    valid: bool,
    mistakes: Vec<Mistake<'a>>,
}

/// One thing wrong with the file. Line and column count from 1, the column in characters; both are
/// absent where it is about the file as a whole.
#[derive(Serialize)]
struct Mistake<'a> {
    line: Option<usize>,
    column: Option<usize>,
    text: &'a str,
    label: Option<&'a str>,
    hint: Option<&'a str>,
}

impl<'a> Mistake<'a> {
    fn new(mistake: &'a Diagnostic, source: &str) -> Self {
        let start = mistake.span.as_ref().map(|span| span.start);
        Self {
            line: start.map(|start| line_of(source, start)),
            column: start.map(|start| {
                let before = source.get(..start).unwrap_or(source);
                before.chars().rev().take_while(|c| *c != '\n').count() + 1
            }),
            text: &mistake.message,
            label: mistake.label.as_deref(),
            hint: mistake.hint.as_deref(),
        }
    }
}
