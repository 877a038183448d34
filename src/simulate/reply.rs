//! The input and output of a simulated program.

use std::fmt;
use std::path::Path;

use crate::host::{ExitStatus, Output};

/// How a simulated program is called.
#[derive(Debug, Clone, Copy, Default)]
pub struct Call<'a> {
    /// The arguments.
    pub args: &'a [String],
    /// The standard input.
    pub stdin: Option<&'a [u8]>,
    /// The value of `DOCKER_HOST`, the only variable that these programs read.
    pub docker_host: Option<&'a str>,
    /// The parts of the real host that the program can read.
    pub outside: Option<&'a dyn Outside>,
}

/// The parts of the real host that a simulated program reads unless its world overrides them.
pub trait Outside: fmt::Debug {
    /// A text file.
    fn file(&self, path: &Path) -> Option<String>;
    /// An environment variable.
    fn variable(&self, name: &str) -> Option<String>;
}

impl<'a> Call<'a> {
    /// The standard input, if it is text.
    pub(super) fn text(&self) -> Option<&'a str> {
        std::str::from_utf8(self.stdin?).ok()
    }
}

/// The result of a program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reply {
    /// The exit code.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// The parts of the work that are not simulated.
    pub skipped: Vec<String>,
}

impl Reply {
    /// Success without output.
    pub(super) fn done() -> Self {
        Self::default()
    }

    /// Success with this line on standard output.
    pub(super) fn line(text: impl Into<String>) -> Self {
        Self { stdout: text.into() + "\n", ..Self::default() }
    }

    /// Failure with this line on standard error.
    pub(super) fn failed(code: i32, text: impl Into<String>) -> Self {
        Self { code, stderr: text.into() + "\n", ..Self::default() }
    }

    /// The same result with one more line on standard error.
    #[must_use]
    pub(super) fn saying(mut self, text: &str) -> Self {
        self.stderr.push_str(text);
        self.stderr.push('\n');
        self
    }

    /// The error for something that is not simulated but that the real program may support.
    pub(super) fn unknown(program: &str, what: &str) -> Self {
        Self::failed(127, format!("the simulated {program} does not support {what}"))
    }
}

impl From<Reply> for Output {
    fn from(reply: Reply) -> Self {
        Self { status: ExitStatus::Code(reply.code), stdout: reply.stdout, stderr: reply.stderr }
    }
}
