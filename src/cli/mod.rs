//! The command line: its definitions, and one file for each command.

mod allow;
mod apply;
mod bundle;
mod completions;
mod destroy;
mod doctor;
mod egress;
mod env;
mod error;
mod examples;
mod explain;
mod file;
mod graph;
mod help;
mod import;
mod init;
mod layers;
mod list;
mod manual;
mod options;
mod pin;
mod plan;
mod power;
mod progress;
mod render;
mod report_line;
mod saved;
mod schema;
mod setup;
mod shell;
mod show;
mod simulate;
mod smoke_test;
mod status;
mod target;
mod terminal;
mod usage;
mod validate;
mod values;
mod version;
mod vm_lock;
mod watch;

pub use schema::schemas;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{CommandFactory, FromArgMatches};

use crate::cli::error::Error;
use crate::host::Host;
use crate::model::redact;
use crate::report::{self, Diagnostic, DiagnosticsDocument, Line};
use crate::resource::Power;
use options::{Cli, Command, Consent, DiagnosticsFormat, EgressCommand, Global, Limits};
use plan::Format;
use terminal::Terminal;
use version::VersionDocument;

/// The exit code for an invalid command line (`EX_USAGE`).
const USAGE: u8 = 64;

/// Environment variables that hold a URL, possibly with a password.
const PROXIES: [&str; 6] =
    ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"];

/// Runs `cai` with the arguments of this process.
pub fn main(host: &dyn Host) -> ExitCode {
    completions::answer();
    let parsed = command_line().try_get_matches().and_then(|matches| {
        // CAI_FILE may be set for other commands.
        let is_typed = matches.value_source("files") == Some(ValueSource::CommandLine);
        Ok((Cli::from_arg_matches(&matches)?, is_typed))
    });
    let (cli, names_files) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => {
            let arguments = std::env::args_os().skip(1);
            let arguments: Vec<String> =
                arguments.map(|argument| argument.to_string_lossy().into_owned()).collect();
            return refuse(&usage::explained(error, &command_line(), &arguments));
        }
    };
    if names_files && cli.command.has_plan() {
        let message = "a saved plan names its files: it cannot be used with --file";
        return refuse(&Cli::command().error(ErrorKind::ArgumentConflict, message));
    }
    if cli.global.json && !cli.command.has_json() {
        let message = "this command does not support --json";
        return refuse(&Cli::command().error(ErrorKind::ArgumentConflict, message));
    }
    if cli.global.files.len() > 1 && !cli.command.takes_several_files() {
        let message = "this command accepts --file only once";
        return refuse(&Cli::command().error(ErrorKind::ArgumentConflict, message));
    }
    let simulates =
        cli.global.simulate.is_some() || matches!(cli.command, Command::Simulate { .. });
    let mut terminal = Terminal::new(&cli.global, &cli.command, simulates);
    terminal.lines([Line::version()]);
    if cli.global.diagnostics == DiagnosticsFormat::Github {
        let repository = host.env("GITHUB_WORKSPACE").map(PathBuf::from);
        terminal.annotate_in(report::AnnotationPaths {
            here: host.current_dir().unwrap_or_default(),
            repository,
        });
    }
    terminal.hide(PROXIES.iter().flat_map(|name| {
        let proxy = host.env(name).unwrap_or_default().to_string_lossy().into_owned();
        let mut secrets = redact::passwords(&proxy);
        secrets.extend(redact::proxy_passwords(name, &proxy));
        secrets
    }));
    let result = run(host, &cli, &mut terminal);
    let errors = match &result {
        Err(error) if cli.global.json => error.diagnostics(),
        _ => Vec::new(),
    };
    if let Err(error) = &result {
        tell(error, &mut terminal);
        error.diagnostics().iter().for_each(|error| terminal.annotate(error));
    }
    // Whatever the result is, a reader that closed the output decides the exit code.
    match terminal.finish(errors).inspect_err(|error| tell(error, &mut terminal)).and(result) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error.exit_code().into(),
    }
}

/// The definition of the command line, with the examples in its help.
pub fn command_line() -> clap::Command {
    examples::add(Cli::command(), "").mut_args(without_empty_variable)
}

/// An empty variable counts as unset, as everywhere in `cai`. clap would refuse it.
#[expect(clippy::disallowed_methods, reason = "clap reads the variable in the same way")]
fn without_empty_variable(argument: clap::Arg) -> clap::Arg {
    let variable = argument.get_env().and_then(std::env::var_os);
    let is_empty = variable.is_some_and(|value| value.is_empty());
    if is_empty { argument.env(None::<&'static str>) } else { argument }
}

fn run(real: &dyn Host, cli: &Cli, terminal: &mut Terminal) -> Result<(), Error> {
    let global = &cli.global;
    if let Command::Simulate { action } = &cli.command {
        return simulate::run(real, global, action, terminal);
    }
    let Some(simulated) = simulate::host(real, global)? else {
        return run_on(real, real, cli, terminal);
    };
    let result = run_on(&simulated, real, cli, terminal);
    for what in simulated.skipped() {
        terminal.talk(&format!("Note: {what}."));
    }
    result
}

/// Runs a command on a host, the real one or a simulated one.
fn run_on(
    host: &dyn Host,
    real: &dyn Host,
    cli: &Cli,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    let global = &cli.global;
    match &cli.command {
        Command::Init(options) => init::run(real, global, options, terminal),
        Command::Setup { force, dry_run, replace, limits } => {
            let consent = Consent { yes: *force, replace: replace.clone() };
            setup::run(host, global, *dry_run, &consent, limits, terminal)
        }
        Command::Import { name, out, yes } => {
            import::run(host, global, name, out.as_deref(), *yes, terminal)
        }
        Command::Validate { explain } => validate::run(host, global, *explain, terminal),
        Command::Plan { detailed_exitcode, markdown, destroy: true, .. } => {
            let format = Format::new(global, *markdown);
            destroy::plan(host, global, format, *detailed_exitcode, terminal)
        }
        Command::Plan { detailed_exitcode, markdown, out, targets, .. } => {
            let (format, targets) = (Format::new(global, *markdown), &targets.addresses);
            plan::run(host, global, format, *detailed_exitcode, out.as_deref(), targets, terminal)
        }
        Command::Apply { plan: Some(plan), consent, limits, .. } => {
            saved::apply(host, global, plan, consent, limits, terminal)
        }
        Command::Apply { plan: None, consent, limits, targets, .. } => {
            apply::run(host, global, consent, limits, &targets.addresses, terminal)
        }
        Command::Destroy { allow_destroy, limits } => {
            destroy::run(host, global, allow_destroy.as_deref(), limits, terminal)
        }
        Command::Start { options } => {
            power::run(host, global, Power::Start, options.yes, &options.limits, terminal)
        }
        Command::Stop { options } => {
            power::run(host, global, Power::Stop, options.yes, &options.limits, terminal)
        }
        Command::Restart { options } => {
            power::run(host, global, Power::Restart, options.yes, &options.limits, terminal)
        }
        Command::Shell { command } => shell::shell(host, global, command, terminal),
        Command::Logs { log, follow, .. } => shell::logs(host, global, *log, *follow, terminal),
        Command::Egress { command: EgressCommand::Test { target } } => {
            egress::test(host, global, target, terminal)
        }
        Command::List => list::run(host, global, terminal),
        Command::Allow { yes } => allow::run(host, global, *yes, terminal),
        Command::Env { containers: true, .. } => env::containers(host, global, terminal),
        Command::Env { shell, unset, .. } => env::run(host, global, *shell, *unset, terminal),
        Command::Watch(options) => watch::run(host, global, options, terminal),
        Command::Status => status::run(host, global, terminal),
        Command::Report => report_line::run(host, global, terminal),
        Command::Doctor(options) => doctor::run(host, global, options, terminal),
        Command::Explain { code } => explain::run(code.as_deref(), global.json, terminal),
        Command::Show { plan: Some(plan) } => saved::show(host, global, plan, terminal),
        Command::Show { plan: None } => show::run(host, global, terminal),
        Command::Pin { dry_run } => pin::run(host, global, *dry_run, terminal),
        Command::Render { config } => render::run(host, global, *config, terminal),
        Command::Graph { format } => graph::run(host, global, *format, terminal),
        Command::Schema { name } => schema::run(name, terminal),
        Command::Completions { shell } => completions::script(*shell, terminal),
        Command::Man { command } => manual::page(command.as_deref(), terminal),
        Command::Help { words } => help::run(words, terminal),
        Command::Simulate { .. } => Ok(()),
    }
}

/// Prints a usage error, or the help or version, which clap reports the same way. Failures to print
/// are ignored.
fn refuse(error: &clap::Error) -> ExitCode {
    // The options could not be parsed.
    let mut options = std::env::args_os().take_while(|argument| argument != "--");
    let is_json = options.any(|argument| argument == "--json");
    if is_json && error.kind() == ErrorKind::DisplayVersion {
        let _ = terminal::print_json(&VersionDocument::new());
        return ExitCode::SUCCESS;
    }
    let _ = error.print();
    if !error.use_stderr() {
        return ExitCode::SUCCESS;
    }
    if is_json {
        let text = error.to_string();
        let (summary, detail) = text.split_once('\n').unwrap_or((&text, ""));
        let summary = summary.strip_prefix("error: ").unwrap_or(summary);
        let detail = Some(detail.trim().to_owned()).filter(|detail| !detail.is_empty());
        let error = Diagnostic { detail, ..Diagnostic::new(summary) };
        let _ = terminal::print_json(&DiagnosticsDocument::new(vec![error]));
    }
    USAGE.into()
}

fn tell(error: &Error, terminal: &mut Terminal) {
    if error.is_told() {
        return;
    }
    let mark = terminal.mark();
    match error {
        // Lines of a file are not wrapped.
        Error::Config(files) => {
            let texts: Vec<&str> = files.iter().map(|file| file.text.as_str()).collect();
            terminal.complain(&format!("{mark}{}", texts.join("\n\n")));
        }
        error => terminal.report(&format!("{mark}{}", report::error(error, error.hint()))),
    }
}
