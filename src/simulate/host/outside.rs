//! The real host, as a simulated program sees it.

use std::path::{Path, PathBuf};

use crate::host::Host;
use crate::simulate::reply::Outside;

/// The real host behind a simulated one.
pub(super) struct RealHost<'a> {
    pub(super) real: &'a dyn Host,
    /// The simulated home.
    pub(super) home: PathBuf,
    /// The directories in it that belong to the simulated tools.
    pub(super) of_tools: [PathBuf; 2],
}

impl RealHost<'_> {
    pub(super) fn path(&self, path: &Path) -> Option<PathBuf> {
        let Ok(rest) = path.strip_prefix(&self.home) else {
            return Some(path.to_owned());
        };
        if self.of_tools.iter().any(|directory| path.starts_with(directory)) {
            return None;
        }
        Some(Path::new(&self.real.env("HOME")?).join(rest))
    }
}

impl std::fmt::Debug for RealHost<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RealHost").finish_non_exhaustive()
    }
}

impl Outside for RealHost<'_> {
    fn file(&self, path: &Path) -> Option<String> {
        self.real.read_file(&self.path(path)?).ok().flatten()
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.real.env(name).map(|value| value.to_string_lossy().into_owned())
    }
}
