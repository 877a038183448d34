//! `cai completions`: the shell asks `cai` for the candidates, so they come from the user's own file.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::{ArgMatches, FromArgMatches};
use clap_complete::engine::{PathCompleter, ValueCompleter};
use clap_complete::env::Shells;
use clap_complete::{CompleteEnv, CompletionCandidate, Shell};

use super::{Global, Terminal, command_line, file, help, manual, saved, simulate};
use crate::cli::error::Error;
use crate::config::Config;
use crate::host::{Probe, System};
use crate::model::in_home;
use crate::reconcile::graph::Graph;
use crate::reconcile::observe::vm_names;

/// The variable with which a shell asks for candidates.
const VARIABLE: &str = "CAI_COMPLETE";

/// Answers a shell that asks for candidates, and ends this process. Otherwise, does nothing.
pub(super) fn answer() {
    CompleteEnv::with_factory(command_line).var(VARIABLE).bin("cai").complete();
}

/// The script that makes a shell ask.
pub(super) fn script(shell: Shell, terminal: &mut Terminal) -> Result<(), Error> {
    let shells = Shells::builtins();
    let Some(completer) = shells.completer(&shell.to_string()) else { return Ok(()) };
    let mut text = Vec::new();
    completer
        .write_registration(VARIABLE, "cai", "cai", "cai", &mut text)
        .map_err(Error::Output)?;
    terminal.raw(&String::from_utf8_lossy(&text))
}

/// The addresses of the resources in the files.
pub(super) fn addresses(typed: &OsStr) -> Vec<CompletionCandidate> {
    let configs = declared();
    let graph = Graph::new(&configs.iter().collect::<Vec<_>>()).ok();
    let addresses = graph.iter().flat_map(Graph::ordered).map(|node| node.address.to_string());
    starting_with(typed, addresses)
}

/// The name of the VM in the file.
pub(super) fn vm(typed: &OsStr) -> Vec<CompletionCandidate> {
    starting_with(typed, declared().into_iter().map(|config| config.vm.name.to_string()))
}

/// The names of all VMs of Lima.
pub(super) fn vms(typed: &OsStr) -> Vec<CompletionCandidate> {
    let global = global();
    let Ok(simulated) = simulate::host(&System, &global) else { return Vec::new() };
    let probe: &dyn Probe = simulated.as_ref().map_or(&System, |host| host);
    starting_with(typed, vm_names(probe).unwrap_or_default().into_iter())
}

/// The saved plans, and the directories that may contain some.
pub(super) fn plans(typed: &OsStr) -> Vec<CompletionCandidate> {
    let completer = PathCompleter::any().filter(|path| saved::is_likely_one(&System, path));
    match global().directory {
        Some(directory) => completer.current_dir(directory).complete(typed),
        None => completer.complete(typed),
    }
}

/// The commands and topics of `cai help`; after the name of a command, its subcommands.
pub(super) fn help_words(typed: &OsStr) -> Vec<CompletionCandidate> {
    let cli = command_line();
    let matches = matches();
    let words = matches.as_ref().and_then(ArgMatches::subcommand);
    let words = words.and_then(|(_, help)| help.get_many::<String>("words"));
    let words: Vec<&String> = words.into_iter().flatten().collect();
    // The last one is being typed.
    let before = words.split_last().map_or(&words[..], |(_, before)| before);
    let command = before.iter().try_fold(&cli, |command, word| command.find_subcommand(word));
    let commands = command.into_iter().flat_map(clap::Command::get_subcommands);
    let commands = commands.map(|command| command.get_name().to_owned());
    let topics = help::names().filter(|_| before.is_empty()).map(str::to_owned);
    starting_with(typed, commands.chain(topics))
}

/// The manual pages.
pub(super) fn pages(typed: &OsStr) -> Vec<CompletionCandidate> {
    starting_with(typed, manual::names().into_iter())
}

fn starting_with(
    typed: &OsStr,
    candidates: impl Iterator<Item = String>,
) -> Vec<CompletionCandidate> {
    let typed = typed.to_string_lossy();
    candidates.filter(|it| it.starts_with(&*typed)).map(CompletionCandidate::new).collect()
}

/// The files that the completed command would use. None if one of them is missing or invalid.
fn declared() -> Vec<Config> {
    let sources = file::find_all(&System, &global()).unwrap_or_default();
    let configs = sources.iter().map(|source| source.config().ok());
    configs.collect::<Option<Vec<_>>>().unwrap_or_default()
}

/// The global options of the completed command.
fn global() -> Global {
    let global = matches().and_then(|matches| Global::from_arg_matches(&matches).ok());
    let mut global = global.unwrap_or_default();
    // The shell expands `~` only when it runs the command.
    if let Some(home) = System.env("HOME") {
        for path in global.files.iter_mut().chain(&mut global.directory) {
            if let Some(expanded) = in_home(&path.to_string_lossy(), Path::new(&home)) {
                *path = expanded;
            }
        }
    }
    global
}

/// The part of the command that has been typed, parsed.
fn matches() -> Option<ArgMatches> {
    let words = std::env::args_os().skip_while(|word| word != "--").skip(1);
    command_line().ignore_errors(true).try_get_matches_from(rejoined(words)).ok()
}

/// bash splits `--file=FILE` into three words.
fn rejoined(words: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut joined: Vec<OsString> = Vec::new();
    let mut is_open = false;
    for word in words {
        let is_sign = word == "=";
        match joined.last_mut() {
            Some(last) if is_open || (is_sign && last.to_string_lossy().starts_with("--")) => {
                last.push(word);
            }
            _ => joined.push(word),
        }
        is_open = is_sign;
    }
    joined
}
