//! Where a world is kept.

use std::io;
use std::path::{Path, PathBuf};

use super::world::{FORMAT, World};
use crate::host::{Host, Probe};

/// The one file of a saved world.
const FILE: &str = "world.json";
const PRIVATE: u32 = 0o600;

/// Where a world is saved in this directory.
pub fn path(directory: &Path) -> PathBuf {
    directory.join(FILE)
}

/// Reads a saved world; `None` where there is none.
///
/// # Errors
/// When there is one and it cannot be read.
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
        "{}: a world of format {}, and this cai reads {FORMAT}; remove it with `cai simulate reset`",
        path.display(),
        world.format
    );
    Err(io::Error::new(io::ErrorKind::InvalidData, message))
}

/// Saves a world, whole or not at all.
///
/// # Errors
/// When it cannot be written.
pub fn save(host: &dyn Host, directory: &Path, world: &World) -> io::Result<()> {
    let text = serde_json::to_string_pretty(world)?;
    host.make_directory(directory)?;
    host.write_file(&path(directory), &text, PRIVATE)
}
