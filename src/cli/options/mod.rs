//! The definition of the command line. Help, man pages and completions are generated from it.

mod command;
mod consent;
mod limits;
mod of_command;
mod support;

use std::path::{Path, PathBuf};

use clap::{Args, Parser, ValueEnum};

pub(super) use command::{Command, GraphFormat};
pub(super) use consent::{Consent, Replace};
pub(super) use limits::{Limits, Targets};
pub(super) use of_command::{Doctor, EgressCommand, Init, PowerOptions, Watch};

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
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Global {
    /// Path to the configuration file. Default: containai.toml in the current directory or the
    /// nearest parent directory. For validate, plan, apply, status, report, show and graph, can
    /// be repeated; the files are handled together
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
    /// The format of errors and warnings. `github` also prints annotations for GitHub Actions
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "FORMAT", default_value = "text")]
    pub(super) diagnostics: DiagnosticsFormat,
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

/// The format of errors and warnings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum DiagnosticsFormat {
    /// Text for people.
    #[default]
    Text,
    /// Also annotations of GitHub Actions.
    Github,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(super) enum Color {
    #[default]
    Auto,
    Always,
    Never,
}
