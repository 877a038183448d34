//! Finds and reads the file.

use std::io;
use std::path::{Path, PathBuf};

use super::{Global, Terminal};
use crate::config::{self, Config};
use crate::diagnostic::{self, Diagnostic};
use crate::error::Error;
use crate::host::Probe;

const NAME: &str = "containai.toml";

/// The text of a file, which may be wrong.
#[derive(Debug)]
pub(super) struct Source {
    /// Where it is: as it was named, or relative to here.
    pub(super) path: PathBuf,
    /// What is in it.
    pub(super) text: String,
}

/// A file that was read and is right.
#[derive(Debug)]
pub(super) struct File {
    /// How to call it.
    pub(super) shown: String,
    /// What it says.
    pub(super) config: Config,
}

/// Reads the file that the command line names, or the nearest one from here upwards.
pub(super) fn load(probe: &dyn Probe, global: &Global, terminal: &Terminal) -> Result<File, Error> {
    find(probe, global)?.ok_or_else(|| missing(global))?.parse(probe, terminal)
}

/// The text of the file; `None` where there is none.
pub(super) fn find(probe: &dyn Probe, global: &Global) -> Result<Option<Source>, Error> {
    if global.file.is_some() {
        let path = place(global);
        let text = read(probe, &path)?;
        return Ok(text.map(|text| Source { path, text }));
    }
    let here = match &global.directory {
        Some(path) => probe.canonical(path).map_err(|source| (path.as_path(), source)),
        None => probe.current_dir().map_err(|source| (Path::new("."), source)),
    };
    let here = here.map_err(|(path, source)| Error::Directory { path: path.to_owned(), source })?;
    // Relative, because that is how one would type it.
    let mut shown = global.directory.clone().unwrap_or_default();
    for directory in here.ancestors() {
        if let Some(text) = read(probe, &directory.join(NAME))? {
            return Ok(Some(Source { path: shown.join(NAME), text }));
        }
        shown.push("..");
    }
    Ok(None)
}

/// Where the file is that the command line names, or where it would be made.
pub(super) fn place(global: &Global) -> PathBuf {
    let name = global.file.as_deref().unwrap_or(Path::new(NAME));
    match &global.directory {
        Some(directory) => directory.join(name),
        None => name.to_owned(),
    }
}

/// Why there is nothing to go on with.
pub(super) fn missing(global: &Global) -> Error {
    match global.file {
        Some(_) => Error::ReadFile { path: place(global), source: io::ErrorKind::NotFound.into() },
        None => Error::NoFile,
    }
}

fn read(probe: &dyn Probe, path: &Path) -> Result<Option<String>, Error> {
    probe.read_file(path).map_err(|source| Error::ReadFile { path: path.to_owned(), source })
}

impl Source {
    /// How to call it.
    pub(super) fn shown(&self) -> String {
        self.path.display().to_string()
    }

    /// What it says.
    pub(super) fn parse(&self, probe: &dyn Probe, terminal: &Terminal) -> Result<File, Error> {
        match config::parse(&self.text) {
            Ok(config) => {
                let here = probe.current_dir().unwrap_or_default();
                let directory = here.join(self.path.parent().unwrap_or(Path::new("")));
                let home = probe.env("HOME").map(PathBuf::from);
                let config = config.located(&directory, home.as_deref());
                Ok(File { shown: self.shown(), config })
            }
            Err(mistakes) => Err(self.wrong(&mistakes, terminal)),
        }
    }

    /// These mistakes, on the file's own lines.
    pub(super) fn wrong(&self, mistakes: &[Diagnostic], terminal: &Terminal) -> Error {
        let colors = terminal.colors_errors();
        Error::Config(diagnostic::render(mistakes, &self.text, &self.shown(), colors))
    }
}
