//! The words of the command line. Help, the manual page and completions are made from these.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use super::simulate::Simulate;
use crate::doctor::Code;

/// A Docker engine in a Lima VM, declared in one file.
#[derive(Debug, Parser)]
#[command(name = "cai", version, max_term_width = 100, after_help = EXIT_CODES)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Command,
}

const EXIT_CODES: &str = "\
Exit codes: 0 done, 1 failed (status: the machine is not as the file says), 2 the plan has changes \
(only with --detailed-exitcode), 3 the file is wrong or there is none, 4 refused because nobody said \
yes, 5 another cai works on the same VM, 6 a saved plan is stale, 64 wrong usage, 130 interrupted.

Data goes to standard output, talk to standard error.";

/// Where the help lists what every command understands.
const GLOBAL: &str = "Global options";

/// What every command understands.
#[derive(Debug, Clone, Args)]
pub(super) struct Global {
    /// The file; without it, containai.toml here or in the nearest directory above. validate, plan,
    /// apply, status and graph take it more than once, and treat all files together
    #[arg(short, long = "file", global = true, help_heading = GLOBAL, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// Do everything as if started in this directory
    #[arg(short = 'C', global = true, help_heading = GLOBAL, value_name = "DIR")]
    pub(super) directory: Option<PathBuf>,
    /// Print one JSON document instead of text
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub(super) json: bool,
    /// Work on a simulated host: no VM, nothing real is touched, every line says so. It is what to
    /// try first, and what a team's CI runs on its file without a VM. It is kept in DIR; without one,
    /// in the user's state directory
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "DIR", num_args = 0..=1, require_equals = true)]
    #[expect(clippy::option_option, reason = "it can be left out, as can its value")]
    pub(super) simulate: Option<Option<PathBuf>>,
    /// When to use colours
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "WHEN", default_value = "auto")]
    pub(super) color: Color,
    /// Tell which commands are run, on standard error
    #[arg(short, long, global = true, help_heading = GLOBAL, conflicts_with = "quiet")]
    pub(super) verbose: bool,
    /// Say nothing but what was asked for, questions and errors
    #[arg(short, long, global = true, help_heading = GLOBAL)]
    pub(super) quiet: bool,
}

impl Global {
    /// The command line of another command on the same host and files, to copy.
    pub(super) fn command(&self, words: &str) -> String {
        let quoted = |path: &PathBuf| quoted(path);
        let simulate = match &self.simulate {
            None => String::new(),
            Some(None) => " --simulate".into(),
            Some(Some(directory)) => format!(" --simulate={}", quoted(directory)),
        };
        let directory = self.directory.iter().map(|path| format!(" -C {}", quoted(path)));
        let files = self.files.iter().map(|path| format!(" -f {}", quoted(path)));
        let options: String = directory.chain(files).collect();
        format!("cai{simulate}{options} {words}")
    }
}

/// A path as a word of a command line, to copy.
pub(super) fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    // Only a NUL cannot be quoted, and no argument holds one.
    let quoted = shlex::try_quote(&text).unwrap_or_default();
    // Else it would be taken for an option.
    if text.starts_with('-') { format!("./{quoted}") } else { quoted.into_owned() }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Write a containai.toml with the defaults and comments here, or where --file says
    Init {
        /// Overwrite a file that exists
        #[arg(long)]
        force: bool,
    },
    /// Write the file if there is none, show the plan, ask, and make it so
    Setup {
        /// Do not ask. A file that exists is used as it is: only `init --force` overwrites one
        #[arg(short = 'y', long, visible_alias = "yes")]
        force: bool,
        /// Show what would be done; changes and writes nothing
        #[arg(long, conflicts_with_all = ["force", "allow_replace"])]
        dry_run: bool,
        #[command(flatten)]
        replace: Replace,
        #[command(flatten)]
        limits: Limits,
    },
    /// Check the file and, if limactl is installed, the VM it describes
    Validate,
    /// Show what would change on this machine; changes nothing
    Plan {
        /// Exit with 2 if there are changes
        #[arg(long)]
        detailed_exitcode: bool,
        /// Write the plan to this file too, for `cai apply FILE`
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Show the plan, ask, and make it so
    Apply {
        /// A plan that `cai plan --out` wrote: it is applied as it is, without a question, or not at
        /// all where anything has moved since
        #[arg(value_name = "PLAN", conflicts_with = "files")]
        plan: Option<PathBuf>,
        #[command(flatten)]
        consent: Consent,
        #[command(flatten)]
        limits: Limits,
    },
    /// Say in one line how the VM, the engine and the context are; exits with 0 only if all is as
    /// the file says
    Status,
    /// Say what is wrong, by what was seen, and which command repairs it; changes nothing but with
    /// --fix
    ///
    /// Looks at the engine of the file; without a file, at containai-secure. Exits with 0 only if it
    /// is healthy. `cai explain` says more about a finding. Without --timeout, nothing that looks may
    /// take longer than 30 seconds.
    Doctor(Doctor),
    /// Say what a code of `cai doctor` means; without one, list them all
    Explain {
        /// The code
        #[arg(value_parser = PossibleValuesParser::new(Code::ALL.iter().map(|code| code.name())), hide_possible_values = true)]
        code: Option<String>,
    },
    /// Delete the VM with all that is in it, and its context: what cai made, and nothing else
    ///
    /// Shows what it would destroy, and does it once the VM's name is typed. A Docker context that
    /// cai did not create stays. A VM that cai did not create is destroyed only with
    /// --allow-destroy.
    Destroy {
        /// The VM that may be destroyed, without asking
        #[arg(long, value_name = "NAME")]
        allow_destroy: Option<String>,
        #[command(flatten)]
        limits: Limits,
    },
    /// Show the resources that cai manages, and which of them it created
    ///
    /// Reads the record of earlier applies. If something is deleted from the file, the next apply
    /// removes it only if the record says that cai created it.
    Show,
    /// Print the Lima YAML of the file; looks at nothing else
    Render,
    /// Print the resources of the file and what depends on what; looks at nothing else
    Graph {
        /// For Graphviz, for Mermaid, or as a document
        #[arg(long, value_name = "FORMAT", default_value = "dot")]
        format: GraphFormat,
    },
    /// Print the JSON Schema of the file, for editors and checks
    Schema,
    /// Break the simulated host, look at it, or start anew: what --simulate works on
    ///
    /// It is what a newcomer tries first, and what a team's CI runs on its file without a VM.
    Simulate {
        #[command(subcommand)]
        action: Simulate,
    },
    /// Print the script by which a shell completes cai
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page of cai, or of one of its commands
    Man {
        /// The command
        command: Option<String>,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum GraphFormat {
    Dot,
    Mermaid,
    Json,
}

impl Command {
    /// Whether it can treat several files together.
    pub(super) fn takes_several_files(&self) -> bool {
        matches!(
            self,
            Self::Validate
                | Self::Plan { .. }
                | Self::Apply { .. }
                | Self::Status
                | Self::Show
                | Self::Graph { .. }
        )
    }

    /// Whether it prints a document where it is asked for one.
    pub(super) fn has_json(&self) -> bool {
        !matches!(self, Self::Init { .. } | Self::Completions { .. } | Self::Man { .. })
    }
}

/// What `cai doctor` does beside looking.
#[derive(Debug, Args)]
pub(super) struct Doctor {
    /// Repair what was found: show the part of the plan that it needs, ask, and apply it. What keeps
    /// the engine from working comes first; what only differs from the file, where nothing else is
    #[arg(long)]
    pub(super) fix: bool,
    /// Do not ask
    #[arg(short, long, requires = "fix")]
    pub(super) yes: bool,
    /// Write an archive for a bug report: versions, plan, findings and logs, without what looks like a
    /// secret. With --fix, of how it was before. A file that exists is not overwritten
    #[arg(long, value_name = "FILE")]
    pub(super) bundle: Option<PathBuf>,
    /// Start and remove a container, too, with each runtime: a daemon that answers may start none
    #[arg(long)]
    pub(super) deep: bool,
    #[command(flatten)]
    pub(super) limits: Limits,
}

/// What the user agrees to in advance.
#[derive(Debug, Args)]
pub(super) struct Consent {
    /// Do not ask
    #[arg(short, long)]
    pub(super) yes: bool,
    #[command(flatten)]
    pub(super) replace: Replace,
}

/// The losses that the user agrees to in advance.
#[derive(Debug, Clone, Args)]
pub(super) struct Replace {
    /// The VM whose data may be deleted or hidden, if the plan needs it: by a replacement, or by a
    /// change of dockerd's store
    #[arg(long, value_name = "NAME")]
    pub(super) allow_replace: Option<String>,
}

/// How long it may take.
#[derive(Debug, Args)]
pub(super) struct Limits {
    /// The most that the command of one step may take, such as 90s, 20m or 1h30m; without it, each
    /// has a limit of its own
    #[arg(long, value_name = "DURATION", value_parser = timeout)]
    pub(super) timeout: Option<Duration>,
    /// Wait this long for another cai that works on the same VM, such as 30s or 10m; without it, not
    /// at all
    #[arg(long, value_name = "DURATION", value_parser = timeout)]
    pub(super) lock_timeout: Option<Duration>,
}

/// The shortest and the longest timeout.
const TIMEOUTS: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(7 * 24 * 60 * 60);

fn timeout(text: &str) -> Result<Duration, &'static str> {
    let timeout = humantime::parse_duration(text)
        .map_err(|_| "it is no duration such as 90s, 20m or 1h30m")?;
    if TIMEOUTS.contains(&timeout) {
        Ok(timeout)
    } else {
        Err("it is not between 1s and 7d, such as 20m")
    }
}
