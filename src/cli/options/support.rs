//! What each command supports.

use super::Command;

impl Command {
    /// Whether it accepts several files.
    pub(in crate::cli) fn takes_several_files(&self) -> bool {
        matches!(
            self,
            Self::Validate { .. }
                | Self::Plan { destroy: false, .. }
                | Self::Apply { .. }
                | Self::Status
                | Self::Report
                | Self::Show { .. }
                | Self::Graph { .. }
        )
    }

    /// Whether long values are shown completely.
    pub(in crate::cli) fn is_full(&self) -> bool {
        matches!(self, Self::Plan { full: true, .. } | Self::Apply { full: true, .. })
    }

    /// Whether it prints JSON Lines with `--json`, because it changes something.
    pub(in crate::cli) fn streams_json(&self) -> bool {
        matches!(
            self,
            Self::Apply { .. }
                | Self::Setup { dry_run: false, .. }
                | Self::Destroy { .. }
                | Self::Start { .. }
                | Self::Stop { .. }
                | Self::Restart { .. }
        )
    }

    /// Whether it takes a saved plan, which names its files.
    pub(in crate::cli) fn has_plan(&self) -> bool {
        matches!(self, Self::Apply { plan: Some(_), .. } | Self::Show { plan: Some(_) })
    }

    /// Whether it supports `--json`.
    pub(in crate::cli) fn has_json(&self) -> bool {
        !matches!(
            self,
            Self::Init(_)
                | Self::Import { .. }
                | Self::Pin { .. }
                | Self::Allow { .. }
                | Self::Shell { .. }
                | Self::Logs { .. }
                | Self::Watch(_)
                | Self::Completions { .. }
                | Self::Man { .. }
                | Self::Help { .. }
        )
    }
}
