//! `cai allow`, and the check of its result: the programs of a file run only after the user has seen them.
//! Root in the VM can write to a mounted directory, and a file may come from someone else.

use std::path::{Path, PathBuf};

use super::file::{self, File};
use super::{Global, Terminal};
use crate::cli::error::Error;
use crate::config::ValueSource;
use crate::host::{Host, Probe};
use crate::model::digest::sha256;
use crate::reconcile::observe::state_directory;

pub(super) fn run(
    host: &dyn Host,
    global: &Global,
    yes: bool,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    let mut file = file::load(host, global, terminal)?;
    let programs = programs(&mut file);
    if programs.is_empty() {
        return terminal.data(&format!("{} runs no programs.\n", file.shown));
    }
    let head = format!("{} runs these programs on this machine, as you:", file.shown);
    let lines = programs.iter().map(|(place, words)| format!("  {place}: {}", shown(words)));
    let lines: Vec<String> = std::iter::once(head).chain(lines).collect();
    terminal.data(&(lines.join("\n") + "\n"))?;
    let refused = |why: &str| Error::Refused {
        why: format!("not allowed: {why}"),
        hint: "review the programs, then run `cai allow --yes`".into(),
    };
    if !yes {
        match terminal.ask("Allow them? Only \"yes\" is accepted:", "yes") {
            Some(true) => {}
            Some(false) => return Err(refused("the answer was not \"yes\"")),
            None => return Err(refused("confirmation needs a terminal")),
        }
    }
    let (place, allowed) = (place(host, &file)?, allowance(host, &mut file));
    let unwritten = |source| Error::WriteFile { path: place.clone(), source };
    let directory = place.parent().unwrap_or(Path::new("/"));
    host.make_directory(directory).map_err(unwritten)?;
    host.write_file(&place, &allowed, 0o600).map_err(unwritten)?;
    terminal.data("They may run until one of them or its arguments change.\n")
}

/// Whether the programs of the file may run. An unreadable result counts as none.
pub(super) fn is_allowed(probe: &dyn Probe, file: &mut File) -> bool {
    let Ok(place) = place(probe, file) else { return false };
    let stored = probe.read_file(&place).ok().flatten();
    stored.is_some_and(|stored| stored == allowance(probe, file))
}

/// The place in the file, and the program with its arguments.
fn programs(file: &mut File) -> Vec<(String, Vec<String>)> {
    let of = |(path, words): (Vec<String>, Vec<String>)| (path.join("."), words);
    file.config.programs().into_iter().map(of).collect()
}

fn shown(words: &[String]) -> String {
    let words = words.iter().map(|word| shlex::try_quote(word).unwrap_or_default());
    words.collect::<Vec<_>>().join(" ")
}

/// The programs of the file with their arguments, and the checksums of the files that these name.
fn allowance(probe: &dyn Probe, file: &mut File) -> String {
    let directory = file.directory();
    let mut lines = Vec::new();
    for (_, words) in programs(file) {
        lines.push(format!("{words:?}"));
        for path in words.iter().map(|word| directory.join(word)) {
            if let Ok(Some(bytes)) = probe.read_bytes(&path) {
                lines.push(format!("{} {}", path.display(), sha256(&bytes)));
            }
        }
    }
    lines.join("\n")
}

/// The file with the allowance: one for each path of a `containai.toml`.
fn place(probe: &dyn Probe, file: &File) -> Result<PathBuf, Error> {
    let name = sha256(file.saved.path.as_bytes());
    Ok(state_directory(probe)?.join("allowed").join(name))
}

/// Why a program does not run yet.
pub(super) fn refusal(from: &ValueSource) -> (String, &'static str) {
    (
        format!("{from} may not run yet"),
        "it runs on this machine, as you: review it, then run `cai allow`. Allow it again when it changes",
    )
}
