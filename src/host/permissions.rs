//! Directories and files that only their owner can write to.

use std::fmt;
use std::fs::{self, DirBuilder, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// A directory in which other users could replace files, or a file that they could change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exposed {
    /// Its path; for a link, the path of the target.
    pub path: PathBuf,
    /// Whether it belongs to another user.
    pub is_foreign: bool,
    /// The uid of its owner.
    pub owner: u32,
    /// Its mode.
    pub mode: u32,
}

impl fmt::Display for Exposed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { owner, mode, .. } = self;
        let path = self.path.display();
        if self.is_foreign {
            write!(f, "{path} belongs to another user (uid {owner})")
        } else {
            write!(f, "users other than the owner can write to {path} (mode {mode:04o})")
        }
    }
}

impl Exposed {
    fn new(path: PathBuf, meta: &Metadata, is_foreign: bool) -> Self {
        Self { path, is_foreign, owner: meta.uid(), mode: meta.mode() & 0o7777 }
    }

    /// The hint for a directory of `cai`'s Lima releases, or for a file in it.
    pub fn advice(&self) -> &'static str {
        if self.is_foreign {
            "take ownership with `chown`, or set XDG_DATA_HOME to a directory of your own; if a \
             release of Lima is already there, remove it, and cai installs it again"
        } else {
            "run `chmod go-w` on it. Other users may have changed a Lima release that is already there: \
             delete it, and cai will install it again"
        }
    }
}

impl std::error::Error for Exposed {}

impl From<Exposed> for io::Error {
    fn from(exposed: Exposed) -> Self {
        Self::new(io::ErrorKind::PermissionDenied, exposed)
    }
}

/// Creates a private directory and the missing directories above it.
///
/// # Errors
/// When it cannot be created, or another user can write to it.
pub(super) fn make(directory: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    check(directory)
}

/// Refuses a directory that other users can write to, or can replace. For a directory that does not
/// exist, the nearest existing directory above it is checked.
///
/// # Errors
/// [`Exposed`] when another user can, or when it cannot be inspected.
#[expect(clippy::disallowed_methods, reason = "this is a part of the system host")]
pub(super) fn check(directory: &Path) -> io::Result<()> {
    let mut above = directory.to_owned();
    let place = loop {
        match fs::canonicalize(&above) {
            Ok(place) => break place,
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Err(_) if above.pop() && !above.as_os_str().is_empty() => {}
            Err(_) => break fs::canonicalize(".")?,
        }
    };
    let is_there = above == directory;
    for (height, directory) in place.ancestors().enumerate() {
        let meta = fs::metadata(directory)?;
        let exposed =
            if height == 0 && is_there { own(&meta) } else { is_open(&meta).then_some(false) };
        if let Some(is_foreign) = exposed {
            return Err(Exposed::new(directory.to_owned(), &meta, is_foreign).into());
        }
    }
    Ok(())
}

/// Refuses a file that other users can write to, or that belongs to neither this user nor root.
/// Follows links.
///
/// # Errors
/// [`Exposed`] when another user can, or when it cannot be inspected.
#[expect(clippy::disallowed_methods, reason = "this is a part of the system host")]
pub(super) fn check_file(file: &Path) -> io::Result<()> {
    let meta = fs::metadata(file)?;
    if !meta.is_file() {
        // Reading it gives its own error.
        return Ok(());
    }
    let is_foreign = meta.uid() != 0 && meta.uid() != nix::unistd::geteuid().as_raw();
    if is_foreign || meta.mode() & 0o022 != 0 {
        return Err(Exposed::new(fs::canonicalize(file)?, &meta, is_foreign).into());
    }
    Ok(())
}

/// `Some` if other users can write to the directory; `true` inside if it belongs to another user.
fn own(meta: &Metadata) -> Option<bool> {
    let is_foreign = meta.uid() != nix::unistd::geteuid().as_raw();
    (is_foreign || meta.mode() & 0o022 != 0).then_some(is_foreign)
}

/// Whether every user can rename entries of the directory. Write permission of the group is
/// accepted here, because on many systems each user has a group of their own.
fn is_open(meta: &Metadata) -> bool {
    meta.mode() & 0o002 != 0 && meta.mode() & 0o1000 == 0
}
