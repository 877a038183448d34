//! What ends a command, and with which exit code.

use std::io;
use std::path::PathBuf;

use crate::doctor::Finding;
use crate::host::{Exposed, INTERRUPTED, LockError};
use crate::plan::SavedPlanError;
use crate::reconcile::graph::GraphError;
use crate::reconcile::observe::ObserveError;

/// Why a command of `cai` did not do what was asked. Each ends the process with
/// [`Error::exit_code`].
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// The command line names what there is not.
    #[error("{why}")]
    Usage {
        /// What.
        why: String,
        /// What to do.
        hint: String,
    },
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
    /// The file is no text.
    #[error("{}:{line}: this line is not UTF-8", path.display())]
    NoText {
        /// Which.
        path: PathBuf,
        /// The first line that is not, counted from 1.
        line: usize,
    },
    /// The file cannot be written.
    #[error("{} could not be written", path.display())]
    WriteFile {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The directory that everything should be relative to cannot be entered.
    #[error("{} is no directory that can be entered", path.display())]
    Directory {
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
    /// Two files cannot be planned together.
    #[error("{first} and {second} both {what}")]
    Conflict {
        /// The one that was named first.
        first: String,
        /// The other.
        second: String,
        /// What both declare, or say differently.
        what: String,
    },
    /// The resources cannot be ordered.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The machine could not be looked at.
    #[error("this machine could not be looked at")]
    Observe(#[from] ObserveError),
    /// The plan has changes; it was shown.
    #[error("the plan has changes")]
    Changes,
    /// The machine is not as the file says; it was already said how.
    #[error("the machine is not as the file says")]
    Differs,
    /// The engine is not healthy; it was already said how.
    #[error("the engine is not healthy")]
    Unhealthy,
    /// No container starts on engines that were changed; it was already said why.
    #[error("no container starts")]
    NoContainer(Vec<Finding>),
    /// Something stands in the way; it was already said what.
    #[error("the plan cannot be applied")]
    Blocked,
    /// Some resources failed; it was already said which and why.
    #[error("the apply failed")]
    Failed,
    /// The simulated host could not be read or saved.
    #[error("the simulated host in {} could not be used", directory.display())]
    Simulation {
        /// Where it is kept.
        directory: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Nobody said yes to it.
    #[error("{why}")]
    Refused {
        /// What was not done, and why.
        why: String,
        /// How to say yes.
        hint: String,
    },
    /// A file is no plan that could be applied.
    #[error("{} cannot be applied", path.display())]
    SavedPlan {
        /// The file.
        path: PathBuf,
        /// Why.
        source: SavedPlanError,
    },
    /// A saved plan is not what would be planned now.
    #[error("stale plan: {} is not what would be planned now:\n  {}", path.display(), moved.join("\n  "))]
    Stale {
        /// The saved plan.
        path: PathBuf,
        /// What moved.
        moved: Vec<String>,
        /// What to do.
        hint: String,
    },
    /// Another process works on the same VM.
    #[error("{}", locked(vm, why))]
    Locked {
        /// The VM.
        vm: String,
        /// Who has it, or why it cannot be locked.
        why: LockError,
    },
    /// There was an interrupt; it was already said what was done until then.
    #[error("interrupted")]
    Interrupted,
    /// The output could not be written.
    #[error("the output could not be written")]
    Output(#[source] io::Error),
}

fn exposed_hint(exposed: &Exposed) -> &'static str {
    if exposed.is_foreign {
        "name a directory of your own, with XDG_STATE_HOME or --simulate=DIR"
    } else {
        "make it yours alone with `chmod go-w`: what others can write there could be anything"
    }
}

/// Only a lock that somebody holds is one.
fn locked(vm: &str, why: &LockError) -> String {
    match why {
        LockError::Held(_) => format!("{vm} is locked: {why}"),
        LockError::Exposed(_) | LockError::File { .. } => {
            format!("nothing is changed without a lock on {vm}: {why}")
        }
    }
}

impl Error {
    /// 1 failed · 2 the plan has changes · 3 the file is wrong · 4 refused · 5 locked · 6 stale plan · 64 usage · 130
    /// interrupted.
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::Changes => 2,
            Self::NoFile
            | Self::NoText { .. }
            | Self::ReadFile { .. }
            | Self::Config(_)
            | Self::Conflict { .. } => 3,
            Self::Refused { .. } => 4,
            Self::Locked { why: LockError::Held(_), .. } => 5,
            Self::Stale { .. } => 6,
            Self::Usage { .. } => 64,
            Self::Interrupted => INTERRUPTED,
            Self::WriteFile { .. }
            | Self::Directory { .. }
            | Self::Graph(_)
            | Self::Observe(_)
            | Self::Differs
            | Self::Unhealthy
            | Self::NoContainer(_)
            | Self::Blocked
            | Self::Failed
            | Self::Simulation { .. }
            | Self::SavedPlan { .. }
            | Self::Locked { .. }
            | Self::Output(_) => 1,
        }
    }

    /// Whether the command has already told all about it.
    pub(super) fn is_told(&self) -> bool {
        match self {
            Self::Changes
            | Self::Differs
            | Self::Unhealthy
            | Self::NoContainer(_)
            | Self::Blocked
            | Self::Failed
            | Self::Interrupted => true,
            Self::Output(source) => source.kind() == io::ErrorKind::BrokenPipe,
            _ => false,
        }
    }

    /// What to do.
    pub(super) fn hint(&self) -> Option<&str> {
        match self {
            Self::SavedPlan { source: SavedPlanError::Exposed(exposed), .. } => {
                Some(if exposed.is_foreign {
                    "make a plan of your own with `cai plan --out FILE`: nobody is asked about what a \
                     saved plan does"
                } else {
                    "look whether it is still your plan, then `chmod 600` it; or make it anew with \
                     `cai plan --out FILE`"
                })
            }
            Self::SavedPlan { .. } => {
                Some("make one with `cai plan --out FILE`; a containai.toml is named with --file")
            }
            Self::NoText { .. } => Some("save the file as UTF-8"),
            Self::NoFile => Some("run `cai init` to make one, or name one with --file"),
            Self::Usage { hint, .. } | Self::Refused { hint, .. } | Self::Stale { hint, .. } => {
                Some(hint)
            }
            Self::Locked { why: LockError::Held(_), .. } => {
                Some("wait for it to end, or let this command wait, with --lock-timeout 10m")
            }
            Self::Locked { why: LockError::Exposed(exposed), .. } => Some(exposed_hint(exposed)),
            Self::Locked { why: LockError::File { .. }, .. } => Some(
                "make that place writable for you, or name another directory for cai's locks with \
                 XDG_STATE_HOME",
            ),
            Self::Observe(source) => source.hint(),
            Self::Simulation { source, .. } => {
                let exposed = source.get_ref().and_then(|inner| inner.downcast_ref());
                exposed.map(exposed_hint)
            }
            _ => None,
        }
    }
}
