//! The definition of the command line. Help, man pages and completions are generated from it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::{ArgValueCompleter, Shell};

use super::completions;
use super::env::Syntax;
use super::schema;
use super::shell::Log;
use super::simulate::Simulate;
use crate::doctor::Code;
use crate::model::VmName;
use crate::model::egress::Target;

/// A Docker engine in a Lima VM, declared in one file.
#[derive(Debug, Parser)]
#[command(name = "cai", version, max_term_width = 100, disable_help_subcommand = true, after_help = super::help::topics())]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// The heading of the global options in the help.
const GLOBAL: &str = "Global options";

/// The options of every command.
#[derive(Debug, Clone, Args)]
pub(super) struct Global {
    /// Path to the configuration file. Default: containai.toml in the current directory or the
    /// nearest parent directory. For validate, plan, apply, status, show and graph, can be
    /// repeated; the files are handled together
    #[arg(
        short,
        long = "file",
        global = true,
        help_heading = GLOBAL,
        value_name = "FILE",
        env = "CAI_FILE",
        hide_env_values = true
    )]
    pub(super) files: Vec<PathBuf>,
    /// Run as if started in this directory
    #[arg(short = 'C', global = true, help_heading = GLOBAL, value_name = "DIR")]
    pub(super) directory: Option<PathBuf>,
    /// Print one JSON document instead of text. Commands that change the machine print JSON Lines
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub(super) json: bool,
    /// Use a simulated host instead of this machine. Its output lines are marked. Use it to try
    /// cai, or to check a team's file in CI without a VM. Its state is kept in DIR (default: in the
    /// user's state directory)
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "DIR", num_args = 0..=1, require_equals = true, env = "CAI_SIMULATE", hide_env_values = true)]
    #[expect(clippy::option_option, reason = "the option and its value are optional")]
    pub(super) simulate: Option<Option<PathBuf>>,
    /// When to use colors
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "WHEN", default_value = "auto")]
    pub(super) color: Color,
    /// Print the commands that cai runs, on stderr
    #[arg(short, long, global = true, help_heading = GLOBAL, conflicts_with = "quiet")]
    pub(super) verbose: bool,
    /// Print only questions, errors, and the results of commands that print, such as plan and status
    #[arg(short, long, global = true, help_heading = GLOBAL)]
    pub(super) quiet: bool,
}

impl Global {
    /// The command line of another command on the same host and files, for the user to copy.
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

/// A path, quoted for a shell.
pub(super) fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    // Only a NUL cannot be quoted, and no argument holds one.
    let quoted = shlex::try_quote(&text).unwrap_or_default();
    // Otherwise it would be parsed as an option.
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
    /// Create a containai.toml
    ///
    /// Asks for a name, a size, and the directory that containers may use.
    Init(Init),
    /// Create the file if it does not exist, then create or update the engine
    Setup {
        /// Do not ask for confirmation. An existing file is kept; only `init --force`
        /// overwrites it
        #[arg(short = 'y', long = "yes", visible_alias = "force")]
        force: bool,
        /// Show what setup would change, without changing or writing anything
        #[arg(long, conflicts_with_all = ["force", "allow_replace"])]
        dry_run: bool,
        #[command(flatten)]
        replace: Replace,
        #[command(flatten)]
        limits: Limits,
    },
    /// Check the file and, if limactl is installed, the VM that it describes
    Validate,
    /// Show what apply would change
    Plan {
        /// Exit with 2 if the plan has changes
        #[arg(long)]
        detailed_exitcode: bool,
        /// Save the plan to this file, for `cai apply FILE`
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Show long values, such as scripts, in full
        #[arg(long)]
        full: bool,
        /// Print Markdown, for a comment on a pull request
        #[arg(long, conflicts_with = "json")]
        markdown: bool,
        /// Show what `cai destroy` would delete
        #[arg(long, conflicts_with_all = ["out", "targets"])]
        destroy: bool,
        #[command(flatten)]
        targets: Targets,
    },
    /// Create or update the engine
    ///
    /// Shows the plan and asks for confirmation before it changes anything.
    Apply {
        /// A plan that `cai plan --out` saved. It is applied without confirmation, and refused if
        /// the file or the machine changed since it was saved
        #[arg(value_name = "PLAN", conflicts_with = "targets")]
        plan: Option<PathBuf>,
        /// Show long values, such as scripts, completely
        #[arg(long)]
        full: bool,
        #[command(flatten)]
        targets: Targets,
        #[command(flatten)]
        consent: Consent,
        #[command(flatten)]
        limits: Limits,
    },
    /// Start the VM
    ///
    /// If the VM is broken and its guest still runs containers, names them and asks for confirmation.
    Start {
        #[command(flatten)]
        options: Power,
    },
    /// Stop the VM
    ///
    /// Names the containers that stop, and asks for confirmation.
    Stop {
        #[command(flatten)]
        options: Power,
    },
    /// Restart the VM
    ///
    /// Names the containers that stop, and asks for confirmation. Starts them again afterward.
    Restart {
        #[command(flatten)]
        options: Power,
    },
    /// Open a shell in the VM, or run a command there
    ///
    /// Starts in the current directory if the VM mounts it at the same path, otherwise in /. Exits with
    /// the exit code of the shell or the command.
    Shell {
        /// The command and its arguments
        #[arg(last = true, value_name = "COMMAND")]
        command: Vec<String>,
    },
    /// Show the last lines of a log
    Logs {
        /// The log
        #[arg(default_value = "docker")]
        log: Log,
        /// Keep printing new lines
        #[arg(short, long)]
        follow: bool,
        /// Path to the configuration file. It has no short form here, because -f means --follow
        // It has the name of the global option, which it replaces.
        #[arg(long = "file", help_heading = GLOBAL, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Explain what [egress] decides
    Egress {
        #[command(subcommand)]
        command: EgressCommand,
    },
    /// List the VMs that cai manages, with their files
    ///
    /// A VM is an orphan if its file no longer exists or declares another VM.
    List,
    /// Print the shell command that makes Docker clients use this engine
    ///
    /// Use it with eval "$(cai env)" in bash and zsh, and with cai env | source in fish. It sets
    /// DOCKER_HOST for this shell only. `docker --context NAME` needs no variable.
    Env {
        /// The shell; by default the one in the variable SHELL
        #[arg(long)]
        shell: Option<Syntax>,
        /// Print the command that unsets DOCKER_HOST instead
        #[arg(long)]
        unset: bool,
    },
    /// Keep the SSH session and the Docker socket usable, for example after sleep
    ///
    /// Asks the Docker socket from time to time. If it does not answer, renews the SSH session and the
    /// forward of the socket, and nothing stronger. Says what it did on stdout.
    Watch(Watch),
    /// Show the state of the VM, the engine and the context in one line
    ///
    /// Exits with 0 only if the machine matches the file.
    Status,
    /// Diagnose the engine and suggest fixes
    ///
    /// Checks the engine that the file declares or, without a file, the VM containai-secure.
    /// Changes nothing without --fix. Exits with 0 only if the engine is healthy. `cai explain`
    /// describes a finding in detail. Each check times out after 30 seconds unless --timeout is
    /// set.
    Doctor(Doctor),
    /// Explain a finding of `cai doctor`, or list all findings
    Explain {
        /// The code of the finding
        #[arg(value_parser = PossibleValuesParser::new(Code::ALL.iter().map(|code| code.name())), hide_possible_values = true)]
        code: Option<String>,
    },
    /// Delete the VM with all its data, and its Docker context
    ///
    /// Shows what it would delete, and asks for the VM's name. Keeps a Docker context that cai did
    /// not create. Deletes a VM that cai did not create only with --allow-destroy.
    Destroy {
        /// Destroy this VM without asking
        #[arg(long, value_name = "NAME", add = ArgValueCompleter::new(completions::vm))]
        allow_destroy: Option<String>,
        #[command(flatten)]
        limits: Limits,
    },
    /// Show a saved plan, or the resources that cai manages and which of them it created
    ///
    /// Without a plan, reads the record of earlier applies. If something is deleted from the file, the next apply
    /// removes it only if the record says that cai created it.
    Show {
        /// A plan that `cai plan --out` saved
        #[arg(value_name = "PLAN")]
        plan: Option<PathBuf>,
    },
    /// Print the Lima YAML of the VM that the file declares
    Render,
    /// Print the dependency graph of the resources in the file
    Graph {
        /// The output format: Graphviz (dot), Mermaid or JSON
        #[arg(long, value_name = "FORMAT", default_value = "dot")]
        format: GraphFormat,
    },
    /// Print the JSON Schema of the file, or of the JSON output of a command
    Schema {
        /// The file, or the command. A line of apply --json, also of destroy, start, stop and
        /// restart, is an apply document
        #[arg(default_value = schema::FILE, value_parser = PossibleValuesParser::new(schema::SCHEMAS.map(|(name, _)| name)), hide_default_value = true)]
        name: String,
    },
    /// Break, show or reset the simulated host of --simulate
    ///
    /// Use it to try cai, or to check a team's file in CI without a VM.
    Simulate {
        #[command(subcommand)]
        action: Simulate,
    },
    /// Generate shell completions
    ///
    /// The script asks cai for the candidates: commands, options, the addresses and the VM in your file,
    /// codes and faults.
    ///
    /// bash: echo 'source <(cai completions bash)' >>~/.bashrc
    ///
    /// zsh: echo 'source <(cai completions zsh)' >>~/.zshrc
    ///
    /// fish: cai completions fish >~/.config/fish/completions/cai.fish
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the man page of cai, of one of its commands, or of containai.toml
    Man {
        /// The command, or containai.toml
        command: Option<String>,
    },
    /// Print the help of a command, or a topic
    ///
    /// `cai help` lists the commands and the topics.
    Help {
        /// A command, such as `plan` or `simulate break`, or a topic
        #[arg(value_name = "COMMAND|TOPIC")]
        words: Vec<String>,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum GraphFormat {
    Dot,
    Mermaid,
    Json,
}

impl Command {
    /// Whether it accepts several files.
    pub(super) fn takes_several_files(&self) -> bool {
        matches!(
            self,
            Self::Validate
                | Self::Plan { destroy: false, .. }
                | Self::Apply { .. }
                | Self::Status
                | Self::Show { .. }
                | Self::Graph { .. }
        )
    }

    /// Whether long values are shown completely.
    pub(super) fn is_full(&self) -> bool {
        matches!(self, Self::Plan { full: true, .. } | Self::Apply { full: true, .. })
    }

    /// Whether it prints JSON Lines with `--json`, because it changes something.
    pub(super) fn streams_json(&self) -> bool {
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
    pub(super) fn has_plan(&self) -> bool {
        matches!(self, Self::Apply { plan: Some(_), .. } | Self::Show { plan: Some(_) })
    }

    /// Whether it supports `--json`.
    pub(super) fn has_json(&self) -> bool {
        !matches!(
            self,
            Self::Init(_)
                | Self::Shell { .. }
                | Self::Logs { .. }
                | Self::Watch(_)
                | Self::Completions { .. }
                | Self::Man { .. }
                | Self::Help { .. }
        )
    }
}

/// The commands of `cai egress`.
#[derive(Debug, Subcommand)]
pub(super) enum EgressCommand {
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

/// The options of `cai doctor`.
#[derive(Debug, Args)]
pub(super) struct Doctor {
    /// Show the part of the plan that fixes the findings, ask, and apply it. Errors come first;
    /// once nothing is broken, --fix also applies plain drift
    #[arg(long)]
    pub(super) fix: bool,
    /// Do not ask for confirmation
    #[arg(short, long, requires = "fix")]
    pub(super) yes: bool,
    /// Write an archive for a bug report: versions, plan, findings and logs, without text that
    /// looks like a secret. With --fix, it shows the state before the fix. An existing file is not
    /// overwritten
    #[arg(long, value_name = "FILE")]
    pub(super) bundle: Option<PathBuf>,
    /// Also start and remove a container with each runtime: an engine that answers may still fail
    /// to start one
    #[arg(long)]
    pub(super) deep: bool,
    #[command(flatten)]
    pub(super) limits: Limits,
}

/// The options of `cai init`.
#[derive(Debug, Args)]
pub(super) struct Init {
    /// Overwrite an existing file
    #[arg(long)]
    pub(super) force: bool,
    /// Do not ask; use the defaults
    #[arg(short, long)]
    pub(super) yes: bool,
    /// A directory that containers can access; append :ro for read-only access. Can be repeated.
    /// Default: the directory of the file, unless that is your home directory
    #[arg(long = "mount", value_name = "DIR[:ro]")]
    pub(super) mounts: Vec<String>,
}

/// The options of `cai watch`.
#[derive(Debug, Args)]
pub(super) struct Watch {
    /// Run it in the background from now on, as a systemd user unit or a launchd agent
    #[arg(long)]
    pub(super) install: bool,
    /// Stop that service and delete it. The service is that of VM, of the file's VM or, without a
    /// valid file, the only one
    #[arg(long, conflicts_with = "install", value_name = "VM", num_args = 0..=1, add = ArgValueCompleter::new(completions::vm))]
    #[expect(clippy::option_option, reason = "the option and its value are optional")]
    pub(super) uninstall: Option<Option<VmName>>,
    /// How often to ask the socket, such as 10s or 1m; by default 15s
    #[arg(long, value_name = "DURATION", value_parser = timeout)]
    pub(super) interval: Option<Duration>,
}

/// The options of `cai stop` and `cai restart`.
#[derive(Debug, Args)]
pub(super) struct Power {
    /// Do not ask for confirmation
    #[arg(short, long)]
    pub(super) yes: bool,
    #[command(flatten)]
    pub(super) limits: Limits,
}

/// The resources that a plan is limited to.
#[derive(Debug, Args)]
pub(super) struct Targets {
    /// Limit the plan to this resource, such as user.agent, and the resources that it requires or
    /// notifies. Can be repeated. `cai graph` shows the addresses
    #[arg(
        id = "targets",
        long = "target",
        value_name = "ADDRESS",
        add = ArgValueCompleter::new(completions::addresses)
    )]
    pub(super) addresses: Vec<String>,
}

/// What the user confirms in advance.
#[derive(Debug, Args)]
pub(super) struct Consent {
    /// Do not ask for confirmation
    #[arg(short, long)]
    pub(super) yes: bool,
    #[command(flatten)]
    pub(super) replace: Replace,
}

/// The data loss and the dangerous mounts that the user confirms in advance.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Replace {
    /// Allow the plan to delete or hide data in this VM, or to stop containers that cannot be started
    /// again. Can be repeated
    #[arg(long, value_name = "NAME", add = ArgValueCompleter::new(completions::vm))]
    pub(super) allow_replace: Vec<String>,
    /// Allow a writable mount of this directory, which gives root in the VM control of this machine.
    /// Can be repeated
    #[arg(long, value_name = "DIR")]
    pub(super) allow_mount: Vec<String>,
}

/// The time limits.
#[derive(Debug, Args)]
pub(super) struct Limits {
    /// Time limit of each step, such as 90s, 20m or 1h30m; by default it depends on the step
    #[arg(long, value_name = "DURATION", value_parser = timeout)]
    pub(super) timeout: Option<Duration>,
    /// How long to wait for another cai process that is working on the same VM, such as 30s or 10m
    /// (default: do not wait)
    #[arg(long, value_name = "DURATION", value_parser = timeout)]
    pub(super) lock_timeout: Option<Duration>,
}

/// The shortest and the longest timeout.
const TIMEOUTS: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(7 * 24 * 60 * 60);

fn timeout(text: &str) -> Result<Duration, &'static str> {
    let timeout = humantime::parse_duration(text)
        .map_err(|_| "not a duration; write one such as 90s, 20m or 1h30m")?;
    if TIMEOUTS.contains(&timeout) {
        Ok(timeout)
    } else {
        Err("not between 1s and 7d; write a duration such as 20m")
    }
}
