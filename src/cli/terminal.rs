//! The terminal: results on stdout, messages on stderr, and questions.

mod hidden;
mod json;
mod question;

use std::io::{self, IsTerminal, Write};

use anstream::{AutoStream, ColorChoice};
use console::Term;

use self::hidden::Clean;
pub(super) use self::hidden::Hidden;
use self::json::Json;
pub(super) use self::json::print_json;
pub(super) use self::question::Answer;
use super::options::{Color, Command, Global};
use crate::cli::error::Error;
use crate::config::layers::Provenance;
use crate::config::{Config, Warning};
use crate::model::address::Address;
use crate::plan::{Plan, Problem};
use crate::report::{self, Diagnostic, Layout};

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
        self.hidden.add_names(names);
    }

    /// The secrets that are not shown.
    pub(super) fn hidden(&self) -> Hidden {
        self.hidden.clone()
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
        let problems: Vec<Diagnostic> =
            plan.problems().map(|(address, problem)| self.problem(address, problem)).collect();
        if problems.is_empty() { Ok(()) } else { Err(Error::Blocked(problems)) }
    }

    /// Prints a problem of a resource that a command needs.
    pub(super) fn refuse_problem(&mut self, address: &Address, problem: &Problem) -> Error {
        Error::Blocked(vec![self.problem(address, problem)])
    }

    fn problem(&mut self, address: &Address, problem: &Problem) -> Diagnostic {
        self.report(&report::problem(&address.to_string(), problem));
        Diagnostic::of_problem(address, problem)
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
}

/// The width of the terminal. Plans go to stdout or stderr, and one of them may be redirected.
fn width() -> usize {
    let screens = [Term::stdout(), Term::stderr()];
    let columns = screens.iter().find_map(|screen| Some(screen.size_checked()?.1));
    let (narrowest, widest) = WIDTHS;
    columns.map_or(WIDTH, |columns| columns.clamp(narrowest, widest)).into()
}
