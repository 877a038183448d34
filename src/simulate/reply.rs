//! What a simulated program was asked, and what it answers.

use std::fmt;
use std::path::Path;

use crate::host::{ExitStatus, Output};

/// How a simulated program was started.
#[derive(Debug, Clone, Copy, Default)]
pub struct Call<'a> {
    /// Its arguments.
    pub args: &'a [String],
    /// What it reads.
    pub stdin: Option<&'a [u8]>,
    /// `DOCKER_HOST`, the one variable that these programs heed.
    pub docker_host: Option<&'a str>,
    /// The parts of the real host that it can read.
    pub outside: Option<&'a dyn Outside>,
}

/// The parts of the real host that a simulated program reads, unless its world overrides them.
pub trait Outside: fmt::Debug {
    /// A text file.
    fn file(&self, path: &Path) -> Option<String>;
    /// An environment variable.
    fn variable(&self, name: &str) -> Option<String>;
}

impl<'a> Call<'a> {
    /// What it reads, where that is a text.
    pub(super) fn text(&self) -> Option<&'a str> {
        std::str::from_utf8(self.stdin?).ok()
    }
}

/// What a program left when it ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reply {
    /// The exit code.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// The parts of its work that are not simulated.
    pub skipped: Vec<String>,
}

impl Reply {
    /// It did it, and said nothing.
    pub(super) fn done() -> Self {
        Self::default()
    }

    /// It did it, and printed this line.
    pub(super) fn line(text: impl Into<String>) -> Self {
        Self { stdout: text.into() + "\n", ..Self::default() }
    }

    /// It failed, and said this line.
    pub(super) fn failed(code: i32, text: impl Into<String>) -> Self {
        Self { code, stderr: text.into() + "\n", ..Self::default() }
    }

    /// It said this line, too.
    #[must_use]
    pub(super) fn saying(mut self, text: &str) -> Self {
        self.stderr.push_str(text);
        self.stderr.push('\n');
        self
    }

    /// The refusal of something that the real program may well know.
    pub(super) fn unknown(program: &str, what: &str) -> Self {
        Self::failed(127, format!("the simulated {program} does not know {what}"))
    }
}

impl From<Reply> for Output {
    fn from(reply: Reply) -> Self {
        Self { status: ExitStatus::Code(reply.code), stdout: reply.stdout, stderr: reply.stderr }
    }
}
