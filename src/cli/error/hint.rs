//! What to do about an error.

use super::Error;
use crate::host::{Exposed, LockError};
use crate::plan::SavedPlanError;

impl Error {
    /// What to do.
    pub(in crate::cli) fn hint(&self) -> Option<&str> {
        match self {
            Self::SavedPlan { source: SavedPlanError::Exposed(exposed), .. } => {
                Some(if exposed.is_foreign {
                    "save your own plan with `cai plan --out FILE`: a saved plan is applied without \
                     confirmation"
                } else {
                    "check that it is still your plan, then run `chmod 600` on it; or save it again \
                     with `cai plan --out FILE`"
                })
            }
            Self::SavedPlan { .. } => Some(
                "save a plan with `cai plan --out FILE`; to use a containai.toml, pass it with --file",
            ),
            Self::Fetch(_) => Some(
                "check that this machine can reach it. [proxy] and [[trust]] apply to downloads; without \
                 [proxy], cai uses HTTPS_PROXY",
            ),
            Self::NoText { .. } => Some("save the file as UTF-8"),
            Self::NoFile => Some("run `cai init` to create it, or name a file with --file"),
            Self::Usage { hint, .. } | Self::Refused { hint, .. } | Self::Stale { hint, .. } => {
                Some(hint)
            }
            Self::Locked { why: LockError::Held(_), .. } => {
                Some("wait until it finishes, or make this command wait with --lock-timeout 10m")
            }
            Self::Locked { why: LockError::Exposed(exposed), .. } => Some(exposed_hint(exposed)),
            Self::Locked { why: LockError::File { .. }, .. } => {
                Some("make that directory writable, or set XDG_STATE_HOME to a different directory")
            }
            Self::Observe(source) => source.hint(),
            Self::Simulation { source, .. } => {
                let exposed = source.get_ref().and_then(|inner| inner.downcast_ref());
                exposed.map(exposed_hint)
            }
            _ => None,
        }
    }
}

fn exposed_hint(exposed: &Exposed) -> &'static str {
    if exposed.is_foreign {
        "set XDG_STATE_HOME or --simulate=DIR to a directory that you own"
    } else {
        "run `chmod go-w` on it, so that other users cannot write there"
    }
}
