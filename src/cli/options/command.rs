//! The commands.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Subcommand, ValueEnum};
use clap_complete::{ArgValueCompleter, Shell};

use super::{
    Consent, Doctor, EgressCommand, GLOBAL, Init, Limits, PowerOptions, Replace, Targets, Watch,
};
use crate::cli::completions;
use crate::cli::env::Syntax;
use crate::cli::schema;
use crate::cli::shell::LogSource;
use crate::cli::simulate::Simulate;
use crate::doctor::Code;
use crate::model::VmName;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Command {
    /// Create a containai.toml
    ///
    /// Asks for a name, a size, and the directory that containers may use.
    Init(Init),
    /// Print or write the file for an existing VM
    ///
    /// The VM can be one that you made with limactl, from Lima's templates or with another tool. Nothing is
    /// changed. Run `cai plan` with the file, and then `cai apply`, which adds the VM to cai's record.
    Import {
        /// The VM, as in `limactl list`
        #[arg(add = ArgValueCompleter::new(completions::vms))]
        name: VmName,
        /// Write this file instead of printing it. If it exists, shows the differences and asks
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Overwrite an existing file without asking
        #[arg(short, long, requires = "out")]
        yes: bool,
    },
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
    Validate {
        /// Print each value with the file and line that sets it
        #[arg(long)]
        explain: bool,
    },
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
        #[arg(value_name = "PLAN", conflicts_with = "targets", add = ArgValueCompleter::new(completions::plans))]
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
        options: PowerOptions,
    },
    /// Stop the VM
    ///
    /// Names the containers that stop, and asks for confirmation.
    Stop {
        #[command(flatten)]
        options: PowerOptions,
    },
    /// Restart the VM
    ///
    /// Names the containers that stop, and asks for confirmation. Starts them again afterward.
    Restart {
        #[command(flatten)]
        options: PowerOptions,
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
        log: LogSource,
        /// Keep printing new lines
        #[arg(short, long)]
        follow: bool,
        /// Path to the configuration file. It has no short form here, because -f means --follow
        // It has the name of the global option, which it replaces.
        #[arg(long = "file", help_heading = GLOBAL, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Explain which connections [egress] allows
    Egress {
        #[command(subcommand)]
        command: EgressCommand,
    },
    /// List the VMs that cai manages, with their files
    ///
    /// A VM is an orphan if its file no longer exists or declares another VM.
    List,
    /// Allow the programs and files that the file takes values from
    ///
    /// A value can come from a program, as in `password = { command = ["op", "read", "…"] }`, which runs on
    /// this machine, as you, or from a file. Shows each program, and each file outside the directory of
    /// containai.toml, asks, and remembers the answer until one of them changes.
    Allow {
        /// Do not ask for confirmation
        #[arg(short, long)]
        yes: bool,
    },
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
        /// Print the variables of [proxy] for containers instead, including the password: use it with
        /// `docker run --env-file <(cai env --containers)`
        #[arg(long, conflicts_with_all = ["shell", "unset", "json"])]
        containers: bool,
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
    /// Print one line of JSON about the engine, for an inventory of many machines
    ///
    /// The line has the machine's name, the versions of cai, Lima, dockerd and Sysbox, the state of the VM, the
    /// differences from the file, and the findings of `cai doctor`. Changes nothing. Exits with 0 if the
    /// machine could be inspected, even if it differs from the file. Otherwise, the line has an error.
    Report,
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
        #[arg(value_name = "PLAN", add = ArgValueCompleter::new(completions::plans))]
        plan: Option<PathBuf>,
    },
    /// Print the Lima YAML of the VM that the file declares
    Render {
        /// Print the file merged with its layers
        #[arg(long)]
        config: bool,
    },
    /// Write exact versions and checksums into the file
    ///
    /// An image of Ubuntu or Debian whose address always names the newest build gets the address and the
    /// digest of that build. Docker gets the version that is installed in the VM, if the VM runs. Sysbox gets
    /// its version, and the addresses of its packages with the checksums that cai verifies before it installs
    /// them. Pinning does not replace an existing VM. Comments are kept. The files that containai.toml extends
    /// are pinned as well.
    ///
    /// Not pinned: Lima, packages of the distribution, and the dependencies of Docker's packages.
    Pin {
        /// Show the changes without writing them
        #[arg(long)]
        dry_run: bool,
    },
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
        #[arg(add = ArgValueCompleter::new(completions::pages))]
        command: Option<String>,
    },
    /// Print the help of a command, or a topic
    ///
    /// `cai help` lists the commands and the topics.
    Help {
        /// A command, such as `plan` or `simulate break`, or a topic
        #[arg(value_name = "COMMAND|TOPIC", add = ArgValueCompleter::new(completions::help_words))]
        words: Vec<String>,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(in crate::cli) enum GraphFormat {
    Dot,
    Mermaid,
    Json,
}
