//! Standard output for data, standard error for talk, and the answer to a question.

use std::io::{self, BufRead, IsTerminal, Write};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use anstream::{AutoStream, ColorChoice};
use serde::Serialize;
use serde_json::{Map, Value};

use super::line_prefix::Marked;
use super::options::{Color, Global};
use crate::cli::error::Error;
use crate::config::Config;
use crate::model::printable_json;
use crate::model::redact::Redactor;
use crate::plan::{FORMAT_VERSION, Plan};
use crate::report;

/// A document about files: the keys of the one where there is one, else a list of all under `key`.
pub(super) fn document(key: &str, files: &[impl Serialize]) -> Result<Value, Error> {
    let failed = |error: serde_json::Error| Error::Output(error.into());
    let mut document = Map::from_iter([("format_version".to_owned(), FORMAT_VERSION.into())]);
    match files {
        [file] => match serde_json::to_value(file).map_err(failed)? {
            Value::Object(keys) => document.extend(keys),
            other => document.extend([(key.to_owned(), other)]),
        },
        several => {
            let several = serde_json::to_value(several).map_err(failed)?;
            document.insert(key.to_owned(), several);
        }
    }
    Ok(document.into())
}

/// The streams of this process, with colours where they are wanted.
#[derive(Debug)]
pub(super) struct Terminal {
    out: Marked<AutoStream<io::Stdout>>,
    err: Marked<AutoStream<io::Stderr>>,
    quiet: bool,
    simulates: bool,
    /// Whether lines on standard error can be drawn over.
    draws: bool,
    hidden: Hidden,
}

/// What none of the streams shows. It is what is known by now, so it is shared with what writes from
/// other threads.
#[derive(Debug, Clone, Default)]
pub(super) struct Hidden(Arc<RwLock<Redactor>>);

impl Hidden {
    /// Hides these values from now on.
    pub(super) fn add(&self, secrets: impl IntoIterator<Item = String>) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).hide(secrets);
    }

    pub(super) fn redactor(&self) -> RwLockReadGuard<'_, Redactor> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// A text of `cai` without them.
    fn text(&self, text: &str) -> String {
        self.redactor().shown(text)
    }

    /// What a tool said, without them and without what looks like a secret.
    pub(super) fn said(&self, text: &str) -> String {
        self.redactor().text(text)
    }
}

/// A stream that gets whole lines at once, as the trace writes them.
struct Clean<W> {
    stream: W,
    hidden: Hidden,
}

impl<W: Write> Write for Clean<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = self.hidden.text(&String::from_utf8_lossy(bytes));
        self.stream.write_all(text.as_bytes()).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

impl Terminal {
    /// With `simulates`, every line is marked as one about a simulated host.
    pub(super) fn new(global: &Global, simulates: bool) -> Self {
        let choice = match global.color {
            // Also NO_COLOR, CLICOLOR_FORCE, TERM=dumb, and whether it is a terminal at all.
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        };
        let terminal = Self {
            out: Marked::new(AutoStream::new(io::stdout(), choice), simulates),
            err: Marked::new(AutoStream::new(io::stderr(), choice), simulates),
            quiet: global.quiet,
            simulates,
            // The trace goes to the same terminal, past everything that is drawn there.
            draws: io::stderr().is_terminal() && !console::is_dumb() && !global.verbose,
            hidden: Hidden::default(),
        };
        if global.verbose {
            terminal.trace();
        }
        terminal
    }

    /// Tells the commands that are run on standard error.
    fn trace(&self) {
        let (simulates, hidden) = (self.simulates, self.hidden.clone());
        tracing_subscriber::fmt()
            .with_max_level(tracing::Level::DEBUG)
            // Locked, so that a line is written whole whatever other threads say.
            .with_writer(move || Clean {
                stream: Marked::new(io::stderr().lock(), simulates),
                hidden: hidden.clone(),
            })
            .with_ansi(self.colors_errors())
            .with_target(false)
            .without_time()
            .init();
    }

    /// Whether errors are shown in colours.
    pub(super) fn colors_errors(&self) -> bool {
        self.err.unmarked().current_choice() != ColorChoice::Never
    }

    /// Whether lines on standard error can be drawn over.
    pub(super) fn draws(&self) -> bool {
        self.draws
    }

    /// What stands before each line.
    pub(super) fn mark(&self) -> &'static str {
        self.err.mark()
    }

    /// The columns for what is laid out: those that the mark leaves.
    pub(super) fn width(&self) -> usize {
        report::WIDTH - self.mark().len()
    }

    /// Whether all this is about a simulated host.
    pub(super) fn simulates(&self) -> bool {
        self.simulates
    }

    /// Whether only what matters is said.
    pub(super) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Shows these values no more, wherever they stand.
    pub(super) fn hide(&self, secrets: impl IntoIterator<Item = String>) {
        self.hidden.add(secrets);
    }

    /// Shows the value of none of these variables.
    pub(super) fn hide_names(&self, names: impl IntoIterator<Item = String>) {
        self.hidden.0.write().unwrap_or_else(PoisonError::into_inner).hide_names(names);
    }

    /// What is not shown.
    pub(super) fn hidden(&self) -> Hidden {
        self.hidden.clone()
    }

    /// A document without what is not shown.
    pub(super) fn clean(&self, document: &impl Serialize) -> Result<Value, Error> {
        let document = serde_json::to_value(document);
        let document = document.map_err(|error| Error::Output(error.into()))?;
        Ok(self.hidden.redactor().shown_document(&document))
    }

    /// Prints a document for a program. One about a simulated host says so.
    pub(super) fn json(&mut self, document: &impl Serialize) -> Result<(), Error> {
        let document = self.marked(self.clean(document)?);
        self.write_json(&document)
    }

    /// A document of `cai`, which says so where it is about a simulated host.
    pub(super) fn marked(&self, mut document: Value) -> Value {
        if let (true, Some(keys)) = (self.simulates, document.as_object_mut()) {
            keys.insert("simulated".into(), true.into());
        }
        document
    }

    /// Prints a document that is not one of `cai`, so that nothing is added to it.
    pub(super) fn foreign_json(&mut self, document: &impl Serialize) -> Result<(), Error> {
        let document = self.clean(document)?;
        self.write_json(&document)
    }

    /// Prints a clean document. Its text is not searched again: what is hidden may be `true`.
    fn write_json(&mut self, document: &Value) -> Result<(), Error> {
        let text = serde_json::to_string_pretty(document);
        let text = text.map_err(|error| Error::Output(error.into()))?;
        self.write(&format!("{}\n", printable_json(&text)))
    }

    /// Prints what was asked for as it is: it is for a program, and has no colours that could be
    /// taken out of it.
    pub(super) fn raw(&mut self, text: &str) -> Result<(), Error> {
        let text = self.hidden.text(text);
        self.write(&text)
    }

    fn write(&mut self, text: &str) -> Result<(), Error> {
        let mut out = self.out.unmarked().as_inner();
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Error::Output)
    }

    /// Prints what was asked for, for a person.
    pub(super) fn data(&mut self, text: &str) -> Result<(), Error> {
        let text = self.hidden.text(text);
        self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush()).map_err(Error::Output)
    }

    /// Says something, on a line of its own. What nobody hears is no error.
    pub(super) fn talk(&mut self, text: &str) {
        if !self.quiet {
            self.complain(text);
        }
    }

    /// Says something that has to be said.
    pub(super) fn complain(&mut self, text: &str) {
        // It is written in pieces, and the trace of another thread may not come between them.
        let _whole = io::stderr().lock();
        let text = self.hidden.text(text);
        let _ = writeln!(self.err, "{text}");
    }

    /// Says something from another thread, at any time.
    pub(super) fn aside(&self) -> impl Fn(&str) + Send + use<> {
        let (simulates, hidden) = (self.simulates, self.hidden.clone());
        move |text| {
            let _ = writeln!(Marked::new(io::stderr(), simulates), "{}", hidden.text(text));
        }
    }

    /// Tells what stands in the way of a plan.
    pub(super) fn refuse_problems(&mut self, plan: &Plan) -> Result<(), Error> {
        let mut result = Ok(());
        for (address, problem) in plan.problems() {
            self.complain(&report::problem(&address.to_string(), problem));
            result = Err(Error::Blocked);
        }
        result
    }

    /// Says what of a right file is worth a word.
    pub(super) fn warn(&mut self, config: &Config) {
        for warning in config.warnings() {
            if !self.quiet {
                self.talk(&report::warning(&warning));
            }
        }
    }

    /// Asks a question to which only this is a yes. `None` where there is nobody to ask.
    pub(super) fn ask(&mut self, question: &str, yes: &str) -> Option<bool> {
        let stdin = io::stdin();
        if !stdin.is_terminal() || !self.err.unmarked().is_terminal() {
            return None;
        }
        let _ = write!(self.err, "{} ", self.hidden.text(question));
        let _ = self.err.flush();
        let mut answer = String::new();
        stdin.lock().read_line(&mut answer).ok()?;
        // The one who answered has ended the line.
        self.err.begin_line();
        Some(answer.trim() == yes)
    }
}
