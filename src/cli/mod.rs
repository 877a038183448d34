//! The command line: its words, and one thin file for each command.

mod apply;
mod file;
mod plan;
mod terminal;
mod validate;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::error::Error;
use crate::host::Host;
use crate::report;
use terminal::Terminal;

/// A Docker engine in a Lima VM, declared in one file.
#[derive(Debug, Parser)]
#[command(name = "cai", version, max_term_width = 100, after_help = EXIT_CODES)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 failed, 3 the file is wrong, 4 refused because \
                          nobody said yes, 64 wrong usage.";
/// The exit code for a command line that cannot be understood (`EX_USAGE`).
const USAGE: u8 = 64;

#[derive(Debug, Args)]
struct Global {
    /// The file; without it, containai.toml here or in the nearest directory above
    #[arg(short, long, global = true, value_name = "FILE")]
    file: Option<PathBuf>,
    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: Color,
    /// Tell which commands are run, on standard error
    #[arg(short, long, global = true)]
    verbose: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check the file, and nothing else
    Validate,
    /// Show what would change on this machine; changes nothing
    Plan,
    /// Show the plan, ask, and make it so
    Apply {
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
    },
}

/// Runs `cai` with the arguments of this process.
pub fn main(host: &dyn Host) -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors; that they could not be printed is not worth one.
            let _ = error.print();
            return if error.use_stderr() { USAGE.into() } else { ExitCode::SUCCESS };
        }
    };
    let mut terminal = Terminal::new(cli.global.color);
    terminal.trace(cli.global.verbose);
    let result = match &cli.command {
        Command::Validate => validate::run(host, &cli.global, &mut terminal),
        Command::Plan => plan::run(host, &cli.global, &mut terminal),
        Command::Apply { yes } => apply::run(host, &cli.global, *yes, &mut terminal),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&error, &mut terminal);
            error.exit_code().into()
        }
    }
}

fn tell(error: &Error, terminal: &mut Terminal) {
    if error.is_told() {
        return;
    }
    let text = match error {
        Error::Config(rendered) => rendered.clone(),
        error => report::error(error, error.hint()),
    };
    terminal.talk(&text);
}
