//! Finds the file that the command line names, or the nearest one.

use std::path::{Path, PathBuf};

use super::{NAME, Source, absent, read, source};
use crate::cli::Global;
use crate::cli::error::Error;
use crate::host::Probe;

/// The file; `None` if it does not exist.
pub(in crate::cli) fn find(probe: &dyn Probe, global: &Global) -> Result<Option<Source>, Error> {
    if global.files.is_empty() {
        return find_above(probe, global);
    }
    let path = place(global);
    read(probe, &path)?.map(|text| Source::new(probe, path, text)).transpose()
}

/// The texts of all files.
pub(in crate::cli) fn find_all(probe: &dyn Probe, global: &Global) -> Result<Vec<Source>, Error> {
    if global.files.is_empty() {
        return Ok(vec![find_above(probe, global)?.ok_or(Error::NoFile)?]);
    }
    global.files.iter().map(|file| source(probe, within(global, file))).collect()
}

fn find_above(probe: &dyn Probe, global: &Global) -> Result<Option<Source>, Error> {
    let here = match &global.directory {
        Some(path) => probe.canonical(path).map_err(|source| (path.as_path(), source)),
        None => probe.current_dir().map_err(|source| (Path::new("."), source)),
    };
    let here = here.map_err(|(path, source)| Error::Directory { path: path.to_owned(), source })?;
    // Relative, as a user would type it.
    let mut shown = global.directory.clone().unwrap_or_default();
    for directory in here.ancestors() {
        if let Some(text) = read(probe, &directory.join(NAME))? {
            return Source::new(probe, shown.join(NAME), text).map(Some);
        }
        shown.push("..");
    }
    Ok(None)
}

/// The path of the file that the command line names, or where `init` would create it.
pub(in crate::cli) fn place(global: &Global) -> PathBuf {
    within(global, global.files.first().map_or(Path::new(NAME), PathBuf::as_path))
}

pub(in crate::cli) fn within(global: &Global, path: &Path) -> PathBuf {
    match &global.directory {
        Some(directory) => directory.join(path),
        None => path.to_owned(),
    }
}

/// The error for a missing file.
pub(in crate::cli) fn missing(global: &Global) -> Error {
    if global.files.is_empty() {
        return Error::NoFile;
    }
    absent(place(global))
}
