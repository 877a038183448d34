//! How a command ended: its output, or why it failed.

use std::time::Duration;
use std::{fmt, io};

use super::{CommandSpec, SHOWN_LINE};
use crate::model::redact;
use crate::model::shortened;

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitStatus {
    /// It exited with this code.
    Code(i32),
    /// This signal ended it.
    Signal(i32),
}

impl ExitStatus {
    /// Whether it exited with 0.
    pub fn success(self) -> bool {
        self == Self::Code(0)
    }

    /// The message for a command that should have succeeded.
    pub fn failed(self) -> String {
        match self {
            Self::Code(_) => format!("failed with {self}"),
            Self::Signal(_) => format!("was {self}"),
        }
    }
}

impl fmt::Display for ExitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit status {code}"),
            Self::Signal(signal) => write!(f, "killed by signal {signal}"),
        }
    }
}

/// The result of a process. Invalid UTF-8 in the streams is replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Output {
    /// Returns the output if the command exited with 0.
    ///
    /// # Errors
    /// When the command failed.
    pub fn successful(self, command: &CommandSpec) -> Result<Self, CommandError> {
        if self.status.success() {
            return Ok(self);
        }
        Err(CommandError { command: command.clone().into(), failure: Failure::Status(self) })
    }
}

/// A command that failed.
#[derive(Debug, thiserror::Error)]
#[error("`{command}` {failure}")]
pub struct CommandError {
    /// The command.
    pub command: Box<CommandSpec>,
    /// What went wrong.
    #[source]
    pub failure: Failure,
}

/// What went wrong with a command.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// It could not be started.
    #[error("could not be started: {0}")]
    NotStarted(io::Error),
    /// Its streams could not be read.
    #[error("could not be observed: {0}")]
    NotObserved(io::Error),
    /// It was killed because it exceeded its time limit.
    #[error("did not finish within {} and was killed", crate::model::duration(*.after))]
    TimedOut {
        /// Its time limit.
        after: Duration,
        /// Its output so far.
        stdout: String,
        /// Its error output so far.
        stderr: String,
    },
    /// It was killed because it printed too much.
    #[error("printed more than {limit} bytes and was killed")]
    TooMuchOutput {
        /// The limit in bytes.
        limit: u64,
    },
    /// It was killed by the second interrupt.
    #[error("was interrupted")]
    Interrupted,
    /// It exited with another code than 0.
    #[error("{}", .0.status.failed())]
    Status(Output),
    /// It exited with 0, but its output has the wrong format.
    #[error("printed unexpected output: {why}")]
    Unreadable {
        /// How it differs from the format.
        why: String,
        /// The output.
        output: Output,
    },
}

impl CommandError {
    /// A command that exited with 0, but whose output has the wrong format.
    pub fn unreadable(command: &CommandSpec, output: Output, why: impl Into<String>) -> Self {
        let failure = Failure::Unreadable { why: why.into(), output };
        Self { command: Box::new(command.clone()), failure }
    }

    /// The error in one line, with the first line of the output, which usually has the cause.
    pub fn in_a_line(&self) -> String {
        self.line(&self.command)
    }

    /// The same with only the name of the program, for a command with arguments that users do not know.
    pub fn without_arguments(&self) -> String {
        self.line(&self.command.name())
    }

    fn line(&self, command: &dyn fmt::Display) -> String {
        let failed = format!("`{command}` {}", self.failure);
        let first = self.streams().and_then(|(stdout, stderr)| {
            let lines = stderr.lines().chain(stdout.lines());
            lines.map(str::trim).find(|line| !line.is_empty())
        });
        match first {
            Some(line) => format!("{failed}: {}", shortened(&redact::foreign(line), SHOWN_LINE)),
            None => failed,
        }
    }

    /// Both streams of the command, if it has any: (stdout, stderr).
    pub fn streams(&self) -> Option<(&str, &str)> {
        match &self.failure {
            Failure::TimedOut { stdout, stderr, .. } => Some((stdout, stderr)),
            Failure::Status(output) | Failure::Unreadable { output, .. } => {
                Some((&output.stdout, &output.stderr))
            }
            Failure::NotStarted(_)
            | Failure::NotObserved(_)
            | Failure::TooMuchOutput { .. }
            | Failure::Interrupted => None,
        }
    }
}
