//! `cai completions`: the shell asks `cai` for the candidates, so they come from the user's own file.

use std::ffi::OsStr;
use std::path::PathBuf;

use clap_complete::env::Shells;
use clap_complete::{CompleteEnv, CompletionCandidate, Shell};

use super::{Global, Terminal, command_line, file};
use crate::cli::error::Error;
use crate::config::Config;
use crate::host::{Probe, System};
use crate::reconcile::graph::Graph;

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

/// The addresses of the resources in the file.
pub(super) fn addresses(typed: &OsStr) -> Vec<CompletionCandidate> {
    let graph = declared().and_then(|config| Graph::new(&[&config]).ok());
    let addresses = graph.iter().flat_map(Graph::ordered).map(|node| node.address.to_string());
    starting_with(typed, addresses)
}

/// The name of the VM in the file.
pub(super) fn vm(typed: &OsStr) -> Vec<CompletionCandidate> {
    starting_with(typed, declared().into_iter().map(|config| config.vm.name.to_string()))
}

fn starting_with(
    typed: &OsStr,
    candidates: impl Iterator<Item = String>,
) -> Vec<CompletionCandidate> {
    let typed = typed.to_string_lossy();
    candidates.filter(|it| it.starts_with(&*typed)).map(CompletionCandidate::new).collect()
}

/// The file that a command without --file would use. `None` if it is missing or invalid.
fn declared() -> Option<Config> {
    let files = System.env("CAI_FILE").map(PathBuf::from).into_iter().collect();
    let source = file::find(&System, &Global { files, ..Global::default() }).ok()??;
    source.config().ok()
}
