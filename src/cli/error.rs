//! The errors of commands, and their exit codes.

mod hint;

use std::io;
use std::path::{Path, PathBuf};

use crate::doctor::Finding;
use crate::host::{ArchiveError, CommandError, CommandSpec, INTERRUPTED, LockError};
use crate::model::printable;
use crate::plan::SavedPlanError;
use crate::reconcile::graph::GraphError;
use crate::reconcile::observe::ObserveError;
use crate::report::Diagnostic;

/// The exit code if the reader of the output closed it: that of a process that SIGPIPE ended.
const CLOSED_PIPE: u8 = 141;

/// Why a command of `cai` failed. The process ends with [`Error::exit_code`].
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// An argument is invalid.
    #[error("{why}")]
    Usage {
        /// What is wrong.
        why: String,
        /// What to do.
        hint: String,
    },
    /// No file was found.
    #[error("containai.toml was not found in the current directory or a parent directory")]
    NoFile,
    /// The file cannot be read.
    #[error("{} could not be read", path.display())]
    ReadFile {
        /// Its path.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The file is not text.
    #[error("{}:{line}: this line is not UTF-8", path.display())]
    NoText {
        /// Its path.
        path: PathBuf,
        /// The first line that is not UTF-8, counted from 1.
        line: usize,
    },
    /// The file cannot be written.
    #[error("{} could not be written", path.display())]
    WriteFile {
        /// Its path.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The directory of `-C` or the current directory is unusable.
    #[error("{} is not an accessible directory", path.display())]
    Directory {
        /// Its path.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The file has errors.
    #[error("the file has errors")]
    Config(
        /// The errors of each file.
        Vec<FileErrors>,
    ),
    /// Two files cannot be planned together.
    #[error("{first} and {second} both {what}")]
    Conflict {
        /// The file that was named first.
        first: String,
        /// The other file.
        second: String,
        /// What both declare, or set to different values.
        what: String,
    },
    /// An index of images could not be downloaded.
    #[error("the newest images could not be found")]
    Fetch(#[source] Box<ArchiveError>),
    /// The resources cannot be ordered.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The machine could not be observed.
    #[error("this machine could not be inspected")]
    Observe(#[from] ObserveError),
    /// The plan has changes. It was shown.
    #[error("the plan has changes")]
    Changes,
    /// The machine differs from the file. The differences were shown.
    #[error("the machine differs from the file")]
    Differs,
    /// The engine is not healthy. The findings were shown.
    #[error("the engine is not healthy")]
    Unhealthy,
    /// No container starts on engines that were changed. The findings were shown.
    #[error("no container starts")]
    NoContainer(Vec<Finding>),
    /// The plan has problems. They were shown.
    #[error("the plan cannot be applied")]
    Blocked(
        /// The problems.
        Vec<Diagnostic>,
    ),
    /// Some resources failed. They were shown.
    #[error("the apply failed")]
    Failed,
    /// The manager of services refused one.
    #[error("the service could not be changed")]
    Service(#[source] Box<CommandError>),
    /// A command that took the place of this one ended with this exit code.
    #[error("the command failed")]
    Exit(u8),
    /// A command that takes the place of this process could not be started.
    #[error("`{command}` could not be started")]
    NotStarted {
        /// The command.
        command: Box<CommandSpec>,
        /// The cause.
        source: io::Error,
    },
    /// The simulated host could not be read or saved.
    #[error("the simulated host in {} could not be used", directory.display())]
    Simulation {
        /// The directory that holds it.
        directory: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// It was not confirmed.
    #[error("{why}")]
    Refused {
        /// What was not done, and why.
        why: String,
        /// How to confirm it.
        hint: String,
    },
    /// A file is not a saved plan that can be shown and applied.
    #[error("{} cannot be used", path.display())]
    SavedPlan {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: SavedPlanError,
    },
    /// The machine or the file changed since the plan was saved.
    #[error("the plan {} is stale:\n  {}", path.display(), moved.join("\n  "))]
    Stale {
        /// The saved plan.
        path: PathBuf,
        /// What changed.
        moved: Vec<String>,
        /// What to do.
        hint: String,
    },
    /// The VM could not be locked.
    #[error("{}", locked(vm, why))]
    Locked {
        /// The VM.
        vm: String,
        /// The holder of the lock, or why it cannot be locked.
        why: LockError,
    },
    /// An interrupt. The completed steps were shown.
    #[error("interrupted")]
    Interrupted,
    /// The output could not be written.
    #[error("the output could not be written")]
    Output(#[source] io::Error),
}

/// The errors of one file.
#[derive(Debug, Clone)]
pub(super) struct FileErrors {
    /// Every error, on the file's own lines.
    pub(super) text: String,
    /// The same for programs.
    pub(super) diagnostics: Vec<Diagnostic>,
}

/// A VM is reported as locked only if another process holds the lock.
fn locked(vm: &str, why: &LockError) -> String {
    match why {
        LockError::Held(_) => format!("{vm} is locked: {why}"),
        LockError::Exposed(_) | LockError::File { .. } => {
            format!("{vm} could not be locked: {why}")
        }
    }
}

impl Error {
    /// 1 failure, 2 the plan has changes, 3 the file or the saved plan is missing or invalid, 4 refused, 5 locked,
    /// 6 stale plan, 64 usage, 130 interrupted, 141 closed output.
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::Changes => 2,
            Self::NoFile
            | Self::NoText { .. }
            | Self::ReadFile { .. }
            | Self::Config(_)
            | Self::SavedPlan { .. }
            | Self::Conflict { .. } => 3,
            Self::Refused { .. } => 4,
            Self::Locked { why: LockError::Held(_), .. } => 5,
            Self::Stale { .. } => 6,
            Self::Exit(code) => *code,
            Self::Usage { .. } => 64,
            Self::Interrupted => INTERRUPTED,
            Self::Output(source) if source.kind() == io::ErrorKind::BrokenPipe => CLOSED_PIPE,
            Self::WriteFile { .. }
            | Self::Directory { .. }
            | Self::Fetch(_)
            | Self::Graph(_)
            | Self::Observe(_)
            | Self::Differs
            | Self::Unhealthy
            | Self::NoContainer(_)
            | Self::Blocked(_)
            | Self::Failed
            | Self::NotStarted { .. }
            | Self::Service(_)
            | Self::Simulation { .. }
            | Self::Locked { .. }
            | Self::Output(_) => 1,
        }
    }

    /// The file that cannot be read.
    pub(super) fn path(&self) -> Option<&Path> {
        match self {
            Self::ReadFile { path, .. } | Self::NoText { path, .. } => Some(path),
            _ => None,
        }
    }

    /// Whether the command has already reported it.
    pub(super) fn is_told(&self) -> bool {
        match self {
            Self::Changes
            | Self::Differs
            | Self::Unhealthy
            | Self::NoContainer(_)
            | Self::Blocked(_)
            | Self::Failed
            | Self::Exit(_)
            | Self::Interrupted => true,
            Self::Output(source) => source.kind() == io::ErrorKind::BrokenPipe,
            _ => false,
        }
    }

    /// The error for programs. Empty if it is a result that the command's document has.
    pub(super) fn diagnostics(&self) -> Vec<Diagnostic> {
        let one = Diagnostic::of_error(self, self.hint());
        let file = |path: &Path| Some(printable(&path.display().to_string()).into_owned());
        match self {
            Self::Changes
            | Self::Differs
            | Self::Unhealthy
            | Self::NoContainer(_)
            | Self::Output(_) => Vec::new(),
            Self::Config(files) => files.iter().flat_map(|file| file.diagnostics.clone()).collect(),
            Self::Blocked(problems) => problems.clone(),
            Self::NoText { path, line } => {
                vec![Diagnostic { file: file(path), line: Some(*line), ..one }]
            }
            Self::ReadFile { path, .. } | Self::SavedPlan { path, .. } => {
                vec![Diagnostic { file: file(path), ..one }]
            }
            _ => vec![one],
        }
    }
}
