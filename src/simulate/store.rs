//! Loads and saves a world.

use std::io;
use std::path::{Path, PathBuf};

use super::world::{FORMAT, World};
use crate::host::{Host, Probe};

/// The file name of a saved world.
const FILE: &str = "world.json";
const PRIVATE: u32 = 0o600;

/// The path of a world that is saved in this directory.
pub fn path(directory: &Path) -> PathBuf {
    directory.join(FILE)
}

/// Loads a saved world. `None` if none is saved.
///
/// # Errors
/// If the saved world cannot be read.
pub fn load(probe: &(impl Probe + ?Sized), directory: &Path) -> io::Result<Option<World>> {
    let path = path(directory);
    let Some(text) = probe.read_file(&path)? else {
        return Ok(None);
    };
    let world: World = serde_json::from_str(&text).map_err(|error| {
        io::Error::new(io::ErrorKind::InvalidData, format!("{}: {error}", path.display()))
    })?;
    if world.format == FORMAT {
        return Ok(Some(world));
    }
    let message = format!(
        "{}: the world has format {}, but this cai reads format {FORMAT}; run `cai simulate reset`",
        path.display(),
        world.format
    );
    Err(io::Error::new(io::ErrorKind::InvalidData, message))
}

/// Saves a world atomically.
///
/// # Errors
/// If it cannot be written.
pub fn save(host: &dyn Host, directory: &Path, world: &World) -> io::Result<()> {
    let text = serde_json::to_string_pretty(world)?;
    host.make_directory(directory)?;
    host.write_file(&path(directory), &text, PRIVATE)
}
