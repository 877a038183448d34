//! What the user confirms in advance.

use clap::Args;
use clap_complete::ArgValueCompleter;

use crate::cli::completions;

/// What the user confirms in advance.
#[derive(Debug, Args)]
pub(in crate::cli) struct Consent {
    /// Do not ask for confirmation
    #[arg(short, long)]
    pub(in crate::cli) yes: bool,
    #[command(flatten)]
    pub(in crate::cli) replace: Replace,
}

/// The data loss and the dangerous mounts that the user confirms in advance.
#[derive(Debug, Clone, Default, Args)]
pub(in crate::cli) struct Replace {
    /// Allow the plan to delete or hide data in this VM, or to stop containers that cannot be started
    /// again. Can be repeated
    #[arg(long, value_name = "NAME", add = ArgValueCompleter::new(completions::vm))]
    pub(in crate::cli) allow_replace: Vec<String>,
    /// Allow a writable mount of this directory, which lets root in the VM control this machine.
    /// Can be repeated
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) allow_mount: Vec<String>,
}
