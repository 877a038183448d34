//! Finds and reads the file.

use std::io;
use std::path::{Path, PathBuf};

use super::{Global, Terminal};
use crate::config::{self, Config};
use crate::diagnostic;
use crate::error::Error;
use crate::host::Probe;

const NAME: &str = "containai.toml";

/// A file that was read and is right.
#[derive(Debug)]
pub(super) struct File {
    /// How to call it: as it was named, or relative to here.
    pub(super) shown: String,
    /// What it says.
    pub(super) config: Config,
}

/// Reads the file that the command line names, or the nearest one from here upwards.
pub(super) fn load(probe: &dyn Probe, global: &Global, terminal: &Terminal) -> Result<File, Error> {
    let (path, source) = match &global.file {
        Some(path) => (path.clone(), read(probe, path)?.ok_or_else(|| missing(path))?),
        None => nearest(probe)?,
    };
    let shown = path.display().to_string();
    match config::parse(&source) {
        Ok(config) => Ok(File { shown, config }),
        Err(diagnostics) => Err(Error::Config(diagnostic::render(
            &diagnostics,
            &source,
            &shown,
            terminal.colors_errors(),
        ))),
    }
}

fn nearest(probe: &dyn Probe) -> Result<(PathBuf, String), Error> {
    let here = probe
        .current_dir()
        .map_err(|source| Error::ReadFile { path: PathBuf::from("."), source })?;
    // Relative, because that is how one would type it.
    let mut shown = PathBuf::new();
    for directory in here.ancestors() {
        if let Some(source) = read(probe, &directory.join(NAME))? {
            return Ok((shown.join(NAME), source));
        }
        shown.push("..");
    }
    Err(Error::NoFile)
}

fn read(probe: &dyn Probe, path: &Path) -> Result<Option<String>, Error> {
    probe.read_file(path).map_err(|source| Error::ReadFile { path: path.to_owned(), source })
}

fn missing(path: &Path) -> Error {
    Error::ReadFile { path: path.to_owned(), source: io::ErrorKind::NotFound.into() }
}
