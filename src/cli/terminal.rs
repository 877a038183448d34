//! The terminal: results on stdout, messages on stderr, and questions.

use std::io::{self, BufRead, IsTerminal, Write};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::SystemTime;

use anstream::adapter::strip_str;
use anstream::{AutoStream, ColorChoice};
use console::Term;
use serde::Serialize;
use serde_json::Value;

use super::options::{Color, Command, Global};
use crate::cli::error::Error;
use crate::config::layers::Provenance;
use crate::config::{Config, Warning};
use crate::model::printable_json;
use crate::model::redact::Redactor;
use crate::plan::Plan;
use crate::report::{self, Diagnostic, DiagnosticsDocument, Layout, Line};

/// The mark of a simulated host.
const MARK: &str = "[simulated] ";
/// The line width without a terminal, and the narrowest and widest one with a terminal.
const WIDTH: u16 = 80;
const WIDTHS: (u16, u16) = (40, 200);

/// The streams of this process, with colors if they are enabled.
#[derive(Debug)]
pub(super) struct Terminal {
    out: AutoStream<io::Stdout>,
    err: AutoStream<io::Stderr>,
    layout: Layout,
    /// Whether stdout and stderr are terminals. Otherwise, a line is as long as its text.
    screens: Screens,
    quiet: bool,
    /// The directories for the paths of annotations; `None` without annotations.
    annotations: Option<report::AnnotationPaths>,
    json: Json,
    /// Whether lines on stderr can be redrawn.
    draws: bool,
    hidden: Hidden,
}

/// Which streams are terminals.
#[derive(Debug, Clone, Copy)]
struct Screens {
    out: bool,
    err: bool,
}

/// The JSON output.
#[derive(Debug)]
enum Json {
    /// The document to print at the end, if there is one.
    Document(Option<Value>),
    /// Lines.
    Lines,
    /// The last line is printed.
    Ended,
}

/// The answer to a question.
#[derive(Debug)]
pub(super) enum Answer {
    /// What the user typed, without spaces around it.
    Given(String),
    /// The input ended, as after Ctrl-D.
    End,
    /// stdin or stderr is not a terminal.
    Impossible,
}

/// The secrets that no stream shows. They are shared with other threads, because more are found
/// over time.
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

    /// A text of `cai` without the secrets.
    fn text(&self, text: &str) -> String {
        self.redactor().shown(text)
    }

    /// The output of a tool without the secrets and without text that looks like a secret.
    pub(super) fn said(&self, text: &str) -> String {
        self.redactor().text(text)
    }
}

/// A stream without secrets for the trace, which writes each line at once.
struct Clean<W> {
    stream: W,
    mark: &'static str,
    hidden: Hidden,
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

impl Terminal {
    /// With `simulates`, headers and summaries are marked as about a simulated host.
    pub(super) fn new(global: &Global, command: &Command, simulates: bool) -> Self {
        let (full, streams) = (command.is_full(), command.streams_json());
        let choice = match global.color {
            // Respects NO_COLOR, CLICOLOR_FORCE and TERM=dumb, and detects terminals.
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        };
        let terminal = Self {
            out: AutoStream::new(io::stdout(), choice),
            err: AutoStream::new(io::stderr(), choice),
            layout: Layout { width: width(), mark: if simulates { MARK } else { "" }, full },
            screens: Screens { out: io::stdout().is_terminal(), err: io::stderr().is_terminal() },
            quiet: global.quiet,
            annotations: None,
            json: if global.json && streams { Json::Lines } else { Json::Document(None) },
            // The trace writes to the same terminal and would break lines that are redrawn.
            draws: io::stderr().is_terminal() && !console::is_dumb() && !global.verbose,
            hidden: Hidden::default(),
        };
        if global.verbose {
            terminal.trace();
        }
        terminal
    }

    /// Prints the commands that run, on stderr.
    fn trace(&self) {
        let (mark, hidden) = (self.mark(), self.hidden.clone());
        tracing_subscriber::fmt()
            .with_max_level(tracing::Level::DEBUG)
            // Locked, so that another thread cannot write into the middle of a line.
            .with_writer(move || Clean {
                stream: io::stderr().lock(),
                mark,
                hidden: hidden.clone(),
            })
            .with_ansi(self.colors_errors())
            .with_target(false)
            .without_time()
            .init();
    }

    /// Whether stderr has colors.
    pub(super) fn colors_errors(&self) -> bool {
        self.err.current_choice() != ColorChoice::Never
    }

    /// Whether lines on stderr can be redrawn.
    pub(super) fn draws(&self) -> bool {
        self.draws
    }

    /// The mark of a header or summary; empty on a real host.
    pub(super) fn mark(&self) -> &'static str {
        self.layout.mark
    }

    /// The layout of reports.
    pub(super) fn layout(&self) -> Layout {
        self.layout
    }

    /// Whether the host is simulated.
    pub(super) fn simulates(&self) -> bool {
        !self.layout.mark.is_empty()
    }

    /// Whether `--quiet` is given.
    pub(super) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Hides these values in all later output.
    pub(super) fn hide(&self, secrets: impl IntoIterator<Item = String>) {
        self.hidden.add(secrets);
    }

    /// Hides the values of these variables in all later output.
    pub(super) fn hide_names(&self, names: impl IntoIterator<Item = String>) {
        self.hidden.0.write().unwrap_or_else(PoisonError::into_inner).hide_names(names);
    }

    /// The secrets that are not shown.
    pub(super) fn hidden(&self) -> Hidden {
        self.hidden.clone()
    }

    /// A document without secrets.
    pub(super) fn clean(&self, document: &impl Serialize) -> Result<Value, Error> {
        let document = serde_json::to_value(document);
        let document = document.map_err(|error| Error::Output(error.into()))?;
        Ok(self.hidden.redactor().shown_document(&document))
    }

    /// Prints a JSON document when the command ends, so that it can name the error of the command.
    /// A document about a simulated host is marked.
    pub(super) fn json(&mut self, document: &impl Serialize) -> Result<(), Error> {
        self.json = Json::Document(Some(self.marked(self.clean(document)?)));
        Ok(())
    }

    /// Prints a JSON document as one line, for a command that prints one per file. It has its own errors.
    pub(super) fn document_line(&mut self, document: &impl Serialize) -> Result<(), Error> {
        self.json = Json::Ended;
        let document = self.marked(self.clean(document)?);
        self.write(&format!("{}\n", printable_json(&document.to_string())))
    }

    /// Whether the command prints JSON Lines instead of a document.
    pub(super) fn streams(&self) -> bool {
        matches!(self.json, Json::Lines)
    }

    /// Prints the last line of JSON Lines. Its result includes the error of the command.
    pub(super) fn last_line(&mut self, line: Line<'_>) -> Result<(), Error> {
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
    pub(super) fn lines<'a>(&mut self, lines: impl IntoIterator<Item = Line<'a>>) {
        if self.streams() {
            lines.into_iter().for_each(|line| drop(self.line(line)));
        }
    }

    /// Prints the JSON document of the command with these errors, or one of the errors alone.
    pub(super) fn finish(&mut self, errors: Vec<Diagnostic>) -> Result<(), Error> {
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
                document["diagnostics"] = self.clean(&errors)?;
                document
            }
        };
        self.write_json(&document)
    }

    /// The document, with `"simulated": true` if the host is simulated.
    pub(super) fn marked(&self, mut document: Value) -> Value {
        if let (true, Some(keys)) = (self.simulates(), document.as_object_mut()) {
            keys.insert("simulated".into(), true.into());
        }
        document
    }

    /// Prints a document in a format of another program, without a mark.
    pub(super) fn foreign_json(&mut self, document: &impl Serialize) -> Result<(), Error> {
        let document = self.clean(document)?;
        self.write_json(&document)
    }

    /// Prints a clean document. Its text is not redacted again, because a secret may be `true`.
    pub(super) fn write_json(&mut self, document: &Value) -> Result<(), Error> {
        let text = serde_json::to_string_pretty(document);
        let text = text.map_err(|error| Error::Output(error.into()))?;
        self.write(&format!("{}\n", printable_json(&text)))
    }

    /// Prints a result that the user asked for although it contains secrets.
    pub(super) fn disclose(&mut self, text: &str) -> Result<(), Error> {
        self.write(text)
    }

    /// Prints a result for a program, without a mark and without removing escape sequences.
    pub(super) fn raw(&mut self, text: &str) -> Result<(), Error> {
        let text = self.hidden.text(text);
        self.write(&text)
    }

    fn write(&mut self, text: &str) -> Result<(), Error> {
        let mut out = self.out.as_inner();
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Error::Output)
    }

    /// Prints a result for a person.
    pub(super) fn data(&mut self, text: &str) -> Result<(), Error> {
        let text = self.hidden.text(text);
        self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush()).map_err(Error::Output)
    }

    /// Prints a result of long lines for a person. On a terminal, they are wrapped.
    pub(super) fn paragraphs(&mut self, text: &str) -> Result<(), Error> {
        if self.screens.out {
            return self.data(&report::fitted(text, self.layout.width));
        }
        self.data(text)
    }

    /// Prints an error or a warning. On a terminal, its lines are wrapped.
    pub(super) fn report(&mut self, text: &str) {
        if self.screens.err {
            self.complain(&report::fitted(text, self.layout.width));
        } else {
            self.complain(text);
        }
    }

    /// Prints a success on stdout, unless `--quiet` is given: the exit code says the same.
    pub(super) fn succeed(&mut self, text: &str) -> Result<(), Error> {
        if self.quiet { Ok(()) } else { self.data(text) }
    }

    /// Prints a message, unless `--quiet` is given.
    pub(super) fn talk(&mut self, text: &str) {
        if !self.quiet {
            self.complain(text);
        }
    }

    /// Prints a message even with `--quiet`. Errors of stderr are ignored.
    pub(super) fn complain(&mut self, text: &str) {
        // It is written in pieces, and a trace line of another thread must not come between them.
        let _whole = io::stderr().lock();
        let text = self.hidden.text(text);
        let _ = writeln!(self.err, "{text}");
    }

    /// A function that prints messages from another thread.
    pub(super) fn aside(&self) -> impl Fn(&str) + Send + use<> {
        let hidden = self.hidden.clone();
        move |text| {
            let _ = writeln!(io::stderr(), "{}", hidden.text(text));
        }
    }

    /// Prints the problems of a plan. Fails if it has any.
    pub(super) fn refuse_problems(&mut self, plan: &Plan) -> Result<(), Error> {
        let mut problems = Vec::new();
        for (address, problem) in plan.problems() {
            self.report(&report::problem(&address.to_string(), problem));
            problems.push(Diagnostic::of_problem(address, problem));
        }
        if problems.is_empty() { Ok(()) } else { Err(Error::Blocked(problems)) }
    }

    /// Prints the warnings about a file.
    pub(super) fn warn(&mut self, config: &Config) {
        for warning in config.warnings() {
            self.warn_of(&warning, &config.origin);
        }
    }

    /// Prints a warning about a file.
    pub(super) fn warn_of(&mut self, warning: &Warning, origin: &Provenance) {
        if self.quiet {
            return;
        }
        self.report(&report::warning(warning, origin));
        self.annotate(&Diagnostic::of_warning(warning, origin));
    }

    /// Adds annotations for errors and warnings from now on.
    pub(super) fn annotate_in(&mut self, paths: report::AnnotationPaths) {
        self.annotations = Some(paths);
    }

    /// Prints an annotation, if those are wanted.
    pub(super) fn annotate(&mut self, diagnostic: &Diagnostic) {
        if let Some(paths) = &self.annotations {
            // Before the escapes of the line, which a secret could contain.
            let clean = |text: &String| self.hidden.text(text);
            let diagnostic = Diagnostic {
                summary: clean(&diagnostic.summary),
                detail: diagnostic.detail.as_ref().map(clean),
                hint: diagnostic.hint.as_ref().map(clean),
                ..diagnostic.clone()
            };
            let line = report::annotation(&diagnostic, paths);
            self.complain(&line);
        }
    }

    /// Whether the user can answer a question.
    pub(super) fn can_ask(&self) -> bool {
        io::stdin().is_terminal() && self.err.is_terminal()
    }

    /// Asks a question and returns whether the answer is `yes`. `None` without a terminal.
    pub(super) fn ask(&mut self, question: &str, yes: &str) -> Option<bool> {
        match self.prompt(question) {
            Answer::Given(answer) => Some(answer == yes),
            Answer::End => Some(false),
            Answer::Impossible => None,
        }
    }

    /// Asks for consent.
    ///
    /// # Errors
    /// If the user does not consent, with the reason.
    pub(super) fn agrees(&mut self, question: &str) -> Result<(), &'static str> {
        match self.ask(&format!("{question} Only \"yes\" is accepted:"), "yes") {
            Some(true) => Ok(()),
            Some(false) => Err("the answer was not \"yes\""),
            None => Err("confirmation needs a terminal"),
        }
    }

    /// Asks a question.
    pub(super) fn prompt(&mut self, question: &str) -> Answer {
        if !self.can_ask() {
            return Answer::Impossible;
        }
        // In one write, so that nothing comes between the question and its space.
        let question = format!("{} ", self.hidden.text(question));
        let _ = self.err.write_all(question.as_bytes());
        let _ = self.err.flush();
        let mut answer = String::new();
        if let Ok(1..) = io::stdin().lock().read_line(&mut answer) {
            return Answer::Given(answer.trim().to_owned());
        }
        // The next message is not about the question.
        let _ = writeln!(self.err);
        Answer::End
    }
}

/// Prints a JSON document before there is a terminal.
pub(super) fn print_json(document: &impl Serialize) -> io::Result<()> {
    let text = serde_json::to_string_pretty(document)?;
    writeln!(io::stdout(), "{}", printable_json(&text))
}

/// The width of the terminal. Plans go to stdout or stderr, and one of them may be redirected.
fn width() -> usize {
    let screens = [Term::stdout(), Term::stderr()];
    let columns = screens.iter().find_map(|screen| Some(screen.size_checked()?.1));
    let (narrowest, widest) = WIDTHS;
    columns.map_or(WIDTH, |columns| columns.clamp(narrowest, widest)).into()
}
