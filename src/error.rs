//! What ends a command, and with which exit code.

use std::io;
use std::path::PathBuf;

use crate::graph::GraphError;
use crate::observe::ObserveError;

/// Why a command of `cai` did not do what was asked. Each ends the process with
/// [`Error::exit_code`].
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no file.
    #[error("there is no containai.toml here or in a directory above")]
    NoFile,
    /// The file cannot be read.
    #[error("{} could not be read", path.display())]
    ReadFile {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is wrong.
    #[error("{0}")]
    Config(
        /// Every mistake, on the file's own lines.
        String,
    ),
    /// The resources cannot be ordered.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The machine could not be looked at.
    #[error("this machine could not be looked at")]
    Observe(#[from] ObserveError),
    /// Something stands in the way; it was already said what.
    #[error("the plan cannot be applied")]
    Blocked,
    /// Some resources failed; it was already said which and why.
    #[error("the apply failed")]
    Failed,
    /// Nobody said yes.
    #[error("{0}")]
    Refused(&'static str),
    /// The output could not be written.
    #[error("the output could not be written")]
    Output(#[source] io::Error),
}

impl Error {
    /// 1 failed · 3 the file is wrong · 4 refused.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::NoFile | Self::ReadFile { .. } | Self::Config(_) => 3,
            Self::Refused(_) => 4,
            Self::Graph(_) | Self::Observe(_) | Self::Blocked | Self::Failed | Self::Output(_) => 1,
        }
    }

    /// Whether the command has already told all about it.
    pub fn is_told(&self) -> bool {
        match self {
            Self::Blocked | Self::Failed => true,
            Self::Output(source) => source.kind() == io::ErrorKind::BrokenPipe,
            _ => false,
        }
    }

    /// What to do.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoFile => Some("make one, or name one with --file"),
            Self::Refused(_) => Some("look at the plan, then run `cai apply --yes`"),
            _ => None,
        }
    }
}
