//! Steps are data: one interpreter runs them, and decides nothing.

use std::ffi::OsStr;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::host::{Archive, CommandSpec};

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What it does, in words for a person.
    pub title: String,
    /// What is done.
    pub operation: StepAction,
    /// The commands to run, in order, if the step fails, to undo its effects.
    pub rescue: Vec<CommandSpec>,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepAction {
    /// Runs a command, which must exit with 0.
    Run(CommandSpec),
    /// Runs a command that may find nothing to do, and says so by failing: what it should have
    /// done is observed afterwards.
    Try(CommandSpec),
    /// Removes a file, where there is one.
    RemoveFile(PathBuf),
    /// Installs what is in an archive.
    Unpack(Archive),
    /// Writes a text file as a whole.
    WriteFile {
        /// Its path.
        path: PathBuf,
        /// What it will hold.
        text: String,
        /// Its permission bits.
        mode: u32,
    },
    /// Waits until something is ready.
    Await(Wait),
}

/// What is waited for, and how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// What tells that it is ready.
    pub until: Ready,
    /// After which it has failed.
    pub at_most: Duration,
}

/// What tells that something is ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ready {
    /// A reading command prints one of these words.
    Says {
        /// The command.
        command: CommandSpec,
        /// The words.
        words: &'static [&'static str],
    },
    /// A web server answers with success at this URL.
    Answers(String),
    /// Lima's host agent no longer starts a VM, or is gone.
    Started {
        /// The file of its events.
        events: PathBuf,
        /// The socket on which it listens as long as it lives.
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

    /// Installs what is in an archive.
    pub fn unpack(title: impl Into<String>, archive: Archive) -> Self {
        Self { title: title.into(), operation: StepAction::Unpack(archive), rescue: Vec::new() }
    }

    /// Writes a text file that everybody may read.
    pub fn write(title: impl Into<String>, path: PathBuf, text: String) -> Self {
        let operation = StepAction::WriteFile { path, text, mode: 0o644 };
        Self { title: title.into(), operation, rescue: Vec::new() }
    }

    /// Waits until something is ready.
    pub fn wait(title: impl Into<String>, wait: Wait) -> Self {
        Self { title: title.into(), operation: StepAction::Await(wait), rescue: Vec::new() }
    }

    /// Whether it can change nothing but the guest and its connection: `limactl` would list the same
    /// afterwards.
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
