//! `cai allow`, and the check of its result: the programs of a file run, and files outside its directory are
//! read, only after the user has seen them. Root in the VM can write to a mounted directory, and a
//! `containai.toml` may come from someone else.

use std::path::{Path, PathBuf};

use super::file::{self, ConfigFile};
use super::{Global, Terminal};
use crate::cli::error::Error;
use crate::config::{Unread, ValueSource};
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
    let sources = sources(host, &mut file);
    if sources.is_empty() {
        let none = "uses no programs, and no files outside its directory";
        return terminal.data(&format!("{} {none}.\n", file.shown));
    }
    let head = format!("{} takes values from this machine:", file.shown);
    let lines = sources.iter().map(|(place, source)| format!("  {place}: {}", shown(source)));
    let lines: Vec<String> = std::iter::once(head).chain(lines).collect();
    terminal.data(&(lines.join("\n") + "\n"))?;
    if !yes {
        terminal.agrees("Allow them?").map_err(|why| Error::Refused {
            why: format!("not allowed: {why}"),
            hint: "review them, then run `cai allow --yes`".into(),
        })?;
    }
    let (place, allowed) = (place(host, &file)?, allowance(host, &file.directory(), &sources));
    let unwritten = |source| Error::WriteFile { path: place.clone(), source };
    let directory = place.parent().unwrap_or(Path::new("/"));
    host.make_directory(directory).map_err(unwritten)?;
    host.write_file(&place, &allowed, 0o600).map_err(unwritten)?;
    terminal.data("Allowed until one of them changes.\n")
}

/// The sources that may not be used yet. An allowance that cannot be read counts as none.
pub(super) fn refused(probe: &dyn Probe, file: &mut ConfigFile) -> Vec<ValueSource> {
    let sources = sources(probe, file);
    if sources.is_empty() {
        return Vec::new();
    }
    let stored = place(probe, file).ok().and_then(|place| probe.read_file(&place).ok().flatten());
    if stored == Some(allowance(probe, &file.directory(), &sources)) {
        return Vec::new();
    }
    sources.into_iter().map(|(_, source)| source).collect()
}

/// Whether a source needs to be allowed: a program, or a file that containers may not be able to read.
fn needs_consent(probe: &dyn Probe, directory: &Path, source: &ValueSource) -> bool {
    match source {
        ValueSource::Env(_) => false,
        ValueSource::Command(_) => true,
        ValueSource::File(path) => {
            // Root in the VM can make a symbolic link in a mounted directory.
            let real = |path: &Path| probe.canonical(path).ok();
            let (file, directory) = (real(Path::new(path)), real(directory));
            file.zip(directory).is_none_or(|(file, directory)| !file.starts_with(directory))
        }
    }
}

fn sources(probe: &dyn Probe, file: &mut ConfigFile) -> Vec<(String, ValueSource)> {
    let directory = file.directory();
    file.config.sources(|source| needs_consent(probe, &directory, source))
}

fn shown(source: &ValueSource) -> String {
    match source {
        ValueSource::Command(words) => {
            let words = words.iter().map(|word| shlex::try_quote(word).unwrap_or_default());
            format!("runs {}", words.collect::<Vec<_>>().join(" "))
        }
        ValueSource::File(path) => format!("reads {path}"),
        ValueSource::Env(name) => format!("reads the environment variable {name}"),
    }
}

/// The sources, and the checksums of the files that the words of programs name.
fn allowance(probe: &dyn Probe, directory: &Path, sources: &[(String, ValueSource)]) -> String {
    let mut lines = Vec::new();
    for (_, source) in sources {
        lines.push(format!("{source:?}"));
        let ValueSource::Command(words) = source else { continue };
        for path in words.iter().map(|word| directory.join(word)) {
            if let Ok(Some(bytes)) = probe.read_bytes(&path) {
                lines.push(format!("{} {}", path.display(), sha256(&bytes)));
            }
        }
    }
    lines.join("\n")
}

/// The file with the allowance: one for each path of a `containai.toml`.
fn place(probe: &dyn Probe, file: &ConfigFile) -> Result<PathBuf, Error> {
    let name = sha256(file.saved.path.as_bytes());
    Ok(state_directory(probe)?.join("allowed").join(name))
}

/// Why a source is not used yet.
pub(super) fn refusal(from: &ValueSource) -> Unread {
    let hint = "run `cai allow` to review and allow it. Run it again after each change";
    (format!("{from} may not be used yet"), hint)
}
