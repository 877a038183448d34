//! Directories and files that only their owner can write to.

use std::fmt;
use std::fs::{self, DirBuilder, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// A directory in which others could put their own files in the place of those that are there, or a
/// file in which they could put what they like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exposed {
    /// Which; where it is a link, where that leads to.
    pub path: PathBuf,
    /// Whether it is another user's.
    pub is_foreign: bool,
    /// Whose it is, by number.
    pub owner: u32,
    /// What its owner, its group and others may do with it.
    pub mode: u32,
}

impl fmt::Display for Exposed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { owner, mode, .. } = self;
        let path = self.path.display();
        if self.is_foreign {
            write!(f, "{path} belongs to another user (uid {owner})")
        } else {
            write!(f, "others than its owner can write to {path} (mode {mode:04o})")
        }
    }
}

impl Exposed {
    fn new(path: PathBuf, meta: &Metadata, is_foreign: bool) -> Self {
        Self { path, is_foreign, owner: meta.uid(), mode: meta.mode() & 0o7777 }
    }

    /// What to do about a directory of `cai`'s releases of Lima, or a file in it.
    pub fn advice(&self) -> &'static str {
        if self.is_foreign {
            "make it yours with `chown`, or name a directory of your own with XDG_DATA_HOME; remove a \
             release of Lima that is already there, and cai installs it again"
        } else {
            "make it yours alone with `chmod go-w`; others may have changed a release of Lima that is \
             already there, so remove it, and cai installs it again"
        }
    }
}

impl std::error::Error for Exposed {}

impl From<Exposed> for io::Error {
    fn from(exposed: Exposed) -> Self {
        Self::new(io::ErrorKind::PermissionDenied, exposed)
    }
}

/// Makes a directory for its owner alone, and those above it, where there is none.
///
/// # Errors
/// When it cannot be made, or others can write to it.
pub(super) fn make(directory: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    check(directory)
}

/// Refuses a directory that others can write to, or whose name others can give to another one. One
/// that is not there is as good as the one that it would be made in.
///
/// # Errors
/// When it is such a one, or cannot be looked at.
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

/// Refuses a file that others can write to, or that is neither this user's nor root's; of a link, what
/// it leads to.
///
/// # Errors
/// When it is such a one, or cannot be looked at.
#[expect(clippy::disallowed_methods, reason = "this is a part of the system host")]
pub(super) fn check_file(file: &Path) -> io::Result<()> {
    let meta = fs::metadata(file)?;
    let is_foreign = meta.uid() != 0 && meta.uid() != nix::unistd::geteuid().as_raw();
    if is_foreign || meta.mode() & 0o022 != 0 {
        return Err(Exposed::new(fs::canonicalize(file)?, &meta, is_foreign).into());
    }
    Ok(())
}

/// Whether the directory itself is another's, or others can write to it.
fn own(meta: &Metadata) -> Option<bool> {
    let is_foreign = meta.uid() != nix::unistd::geteuid().as_raw();
    (is_foreign || meta.mode() & 0o022 != 0).then_some(is_foreign)
}

/// Whether everybody can rename what is in it. A group may share one further up, as where a user's
/// own group is the rule.
fn is_open(meta: &Metadata) -> bool {
    meta.mode() & 0o002 != 0 && meta.mode() & 0o1000 == 0
}
