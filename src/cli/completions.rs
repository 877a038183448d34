//! `cai completions`: the shell asks `cai` for the candidates, so they come from the user's own file.

use std::ffi::OsStr;

use clap_complete::env::Shells;
use clap_complete::{CompleteEnv, CompletionCandidate, Shell};

use super::file::NAME;
use super::{Terminal, command_line};
use crate::cli::error::Error;
use crate::config::{self, Config};
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
    let graph = file().and_then(|config| Graph::new(&[&config]).ok());
    let addresses = graph.iter().flat_map(Graph::ordered).map(|node| node.address.to_string());
    starting_with(typed, addresses)
}

/// The name of the VM in the file.
pub(super) fn vm(typed: &OsStr) -> Vec<CompletionCandidate> {
    starting_with(typed, file().into_iter().map(|config| config.vm.name.to_string()))
}

fn starting_with(
    typed: &OsStr,
    candidates: impl Iterator<Item = String>,
) -> Vec<CompletionCandidate> {
    let typed = typed.to_string_lossy();
    candidates.filter(|it| it.starts_with(&*typed)).map(CompletionCandidate::new).collect()
}

/// The file of the current directory, if it has no errors.
fn file() -> Option<Config> {
    let here = System.current_dir().ok()?;
    let named = System.env("CAI_FILE").map(|file| here.join(file));
    let mut paths = named.into_iter().chain(here.ancestors().map(|directory| directory.join(NAME)));
    let text = paths.find_map(|path| System.read_file(&path).ok().flatten())?;
    config::parse(&text).ok()
}
