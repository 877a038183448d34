//! Standard output for data, standard error for talk, and the answer to a question.

use std::io::{self, BufRead, IsTerminal, Write};

use anstream::{AutoStream, ColorChoice};

use super::Color;
use crate::error::Error;

/// The streams of this process, with colours where they are wanted.
#[derive(Debug)]
pub(super) struct Terminal {
    out: AutoStream<io::Stdout>,
    err: AutoStream<io::Stderr>,
}

impl Terminal {
    pub(super) fn new(color: Color) -> Self {
        let choice = match color {
            // Also NO_COLOR, CLICOLOR_FORCE, TERM=dumb, and whether it is a terminal at all.
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        };
        Self {
            out: AutoStream::new(io::stdout(), choice),
            err: AutoStream::new(io::stderr(), choice),
        }
    }

    /// Tells the commands that are run on standard error, if they are asked for.
    pub(super) fn trace(&self, verbose: bool) {
        if verbose {
            let colors = self.err.current_choice() != ColorChoice::Never;
            tracing_subscriber::fmt()
                .with_max_level(tracing::Level::DEBUG)
                .with_writer(io::stderr)
                .with_ansi(colors)
                .with_target(false)
                .without_time()
                .init();
        }
    }

    /// Whether errors are shown in colours.
    pub(super) fn colors_errors(&self) -> bool {
        self.err.current_choice() != ColorChoice::Never
    }

    /// Prints what was asked for.
    pub(super) fn data(&mut self, text: &str) -> Result<(), Error> {
        self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush()).map_err(Error::Output)
    }

    /// Says something, on a line of its own. What nobody hears is no error.
    pub(super) fn talk(&mut self, text: &str) {
        let _ = writeln!(self.err, "{text}");
    }

    /// Says something that may be only a part of a line.
    pub(super) fn mutter(&mut self, text: &str) {
        let _ = self.err.write_all(text.as_bytes()).and_then(|()| self.err.flush());
    }

    /// Asks for a `yes`. `None` where there is nobody to ask.
    pub(super) fn ask(&mut self, question: &str) -> Option<bool> {
        let stdin = io::stdin();
        if !stdin.is_terminal() || !self.err.is_terminal() {
            return None;
        }
        let _ = write!(self.err, "{question} ");
        let _ = self.err.flush();
        let mut answer = String::new();
        stdin.lock().read_line(&mut answer).ok()?;
        Some(answer.trim() == "yes")
    }
}
