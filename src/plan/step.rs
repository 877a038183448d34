//! Steps are data. One interpreter runs them and makes no decisions.

use std::ffi::OsStr;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::host::{Archive, CommandSpec};

/// One action of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// A short description for the user.
    pub title: String,
    /// The action.
    pub operation: StepAction,
    /// The commands to run, in order, if the step fails, to undo its effects.
    pub rescue: Vec<CommandSpec>,
}

/// The action of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepAction {
    /// Runs a command, which must exit with 0.
    Run(CommandSpec),
    /// Runs a command that fails if there is nothing to do. The result is observed afterwards.
    Try(CommandSpec),
    /// Removes a file, if it exists.
    RemoveFile(PathBuf),
    /// Installs the contents of an archive.
    Unpack(Archive),
    /// Writes a text file atomically.
    WriteFile {
        /// Its path.
        path: PathBuf,
        /// Its contents.
        text: String,
        /// Its permission bits.
        mode: u32,
    },
    /// Waits until something is ready.
    Await(Wait),
}

/// A condition to wait for, and the time limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// The condition.
    pub until: Ready,
    /// The time limit.
    pub at_most: Duration,
}

/// A condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ready {
    /// A read-only command prints one of these outputs.
    Says {
        /// The command.
        command: CommandSpec,
        /// The accepted outputs.
        words: &'static [&'static str],
    },
    /// A web server answers this URL with a successful status.
    Answers(String),
    /// Lima's host agent has finished a start, or has exited.
    Started {
        /// The file of its events.
        events: PathBuf,
        /// The socket on which it listens while it is running.
        socket: PathBuf,
    },
}

impl fmt::Display for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Says { command, .. } => write!(f, "`{command}`"),
            Self::Answers(url) => f.write_str(url),
            Self::Started { events, .. } => f.write_str(&events.to_string_lossy()),
        }
    }
}

impl Step {
    /// Runs a command.
    pub fn run(title: impl Into<String>, command: CommandSpec) -> Self {
        Self { title: title.into(), operation: StepAction::Run(command), rescue: Vec::new() }
    }

    /// Runs a command that may fail.
    pub fn attempt(title: impl Into<String>, command: CommandSpec) -> Self {
        Self { title: title.into(), operation: StepAction::Try(command), rescue: Vec::new() }
    }

    /// Removes a file.
    pub fn remove(title: impl Into<String>, path: PathBuf) -> Self {
        Self { title: title.into(), operation: StepAction::RemoveFile(path), rescue: Vec::new() }
    }

    /// Installs the contents of an archive.
    pub fn unpack(title: impl Into<String>, archive: Archive) -> Self {
        Self { title: title.into(), operation: StepAction::Unpack(archive), rescue: Vec::new() }
    }

    /// Writes a text file that every user may read.
    pub fn write(title: impl Into<String>, path: PathBuf, text: String) -> Self {
        let operation = StepAction::WriteFile { path, text, mode: 0o644 };
        Self { title: title.into(), operation, rescue: Vec::new() }
    }

    /// Waits until something is ready.
    pub fn wait(title: impl Into<String>, wait: Wait) -> Self {
        Self { title: title.into(), operation: StepAction::Await(wait), rescue: Vec::new() }
    }

    /// Whether it changes only the guest or its connection, so that the output of `limactl list`
    /// stays the same.
    pub fn is_in_guest(&self) -> bool {
        let programs = ["ssh", "docker", "docker-compose"];
        let is_harmless = |command: &CommandSpec| {
            let name = command.program.file_name().and_then(OsStr::to_str);
            name.is_some_and(|name| programs.contains(&name))
        };
        let is_own = match &self.operation {
            StepAction::Run(command) | StepAction::Try(command) => is_harmless(command),
            StepAction::RemoveFile(_) | StepAction::WriteFile { .. } => true,
            StepAction::Unpack(_) | StepAction::Await(_) => false,
        };
        is_own && self.rescue.iter().all(is_harmless)
    }

    /// Adds a command to run if the step fails, after the earlier ones.
    #[must_use]
    pub fn or_else(mut self, command: CommandSpec) -> Self {
        self.rescue.push(command);
        self
    }
}
