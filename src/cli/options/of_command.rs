//! The options of single commands.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use clap_complete::ArgValueCompleter;

use super::Limits;
use super::limits::timeout;
use crate::cli::completions;
use crate::doctor::AdvisoryLevel;
use crate::model::VmName;
use crate::model::egress::Target;

/// The options of `cai doctor`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Doctor {
    /// Show the part of the plan that fixes the findings, ask, and apply it. Errors come first;
    /// once nothing is broken, --fix also applies plain drift
    #[arg(long)]
    pub(in crate::cli) fix: bool,
    /// Do not ask for confirmation
    #[arg(short, long, requires = "fix")]
    pub(in crate::cli) yes: bool,
    /// Write an archive for a bug report: versions, plan, findings and logs, without text that
    /// looks like a secret. With --fix, it shows the state before the fix. An existing file is not
    /// overwritten
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) bundle: Option<PathBuf>,
    /// Exit with 1 if an installed version has a known issue of at least this severity
    #[arg(long, value_name = "SEVERITY")]
    pub(in crate::cli) fail_on: Option<AdvisoryLevel>,
    /// Also start and remove a container with each runtime: an engine that answers may still fail
    /// to start one
    #[arg(long)]
    pub(in crate::cli) deep: bool,
    #[command(flatten)]
    pub(in crate::cli) limits: Limits,
}

/// The options of `cai init`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Init {
    /// Overwrite an existing file
    #[arg(long)]
    pub(in crate::cli) force: bool,
    /// Do not ask; use the defaults
    #[arg(short, long)]
    pub(in crate::cli) yes: bool,
    /// A directory that containers can access; append :ro for read-only access. Can be repeated.
    /// Default: the directory of the file, unless that is your home directory
    #[arg(long = "mount", value_name = "DIR[:ro]")]
    pub(in crate::cli) mounts: Vec<String>,
}

/// The options of `cai watch`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Watch {
    /// Run it in the background from now on, as a systemd user unit or a launchd agent
    #[arg(long)]
    pub(in crate::cli) install: bool,
    /// Stop and delete the service of this VM. Default: the VM of the file. Without a valid file,
    /// the only installed service
    #[arg(long, conflicts_with = "install", value_name = "VM", num_args = 0..=1, add = ArgValueCompleter::new(completions::vm))]
    #[expect(clippy::option_option, reason = "the option and its value are optional")]
    pub(in crate::cli) uninstall: Option<Option<VmName>>,
    /// How often to ask the socket, such as 10s or 1m; by default 15s
    #[arg(long, value_name = "DURATION", value_parser = timeout)]
    pub(in crate::cli) interval: Option<Duration>,
}

/// The options of `cai stop` and `cai restart`.
#[derive(Debug, Args)]
pub(in crate::cli) struct PowerOptions {
    /// Do not ask for confirmation
    #[arg(short, long)]
    pub(in crate::cli) yes: bool,
    #[command(flatten)]
    pub(in crate::cli) limits: Limits,
}

/// The commands of `cai egress`.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum EgressCommand {
    /// Explain whether containers may connect to a host
    ///
    /// Reads only the file and connects to nothing. Exits with 0 if the connection is allowed and with 1 if
    /// it is blocked.
    Test {
        /// A name or an address; with a port, as in github.com:443 or [2001:db8::1]:443
        #[arg(value_name = "HOST[:PORT]")]
        target: Target,
    },
}
