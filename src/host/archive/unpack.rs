//! Unpacks a `.tar.gz` into a directory and writes nothing outside it.

use std::collections::BTreeSet;
use std::fs::{DirBuilder, File};
use std::io::{self, BufReader};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Component, Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use tar::EntryType;

use super::ArchiveError;

/// The permissions that unpacked files never get: write, for the group and for others.
const MASK: u32 = 0o022;

/// Why an archive was not unpacked.
#[derive(Debug)]
pub(super) enum UnpackError {
    /// An entry is refused.
    Entry(String, &'static str),
    /// It could not be read or written.
    Io(io::Error),
}

impl UnpackError {
    /// The failure of the archive of this URL.
    pub(super) fn of(self, url: &str) -> ArchiveError {
        let url = url.to_owned();
        match self {
            Self::Entry(entry, why) => ArchiveError::Entry { url, entry, why },
            Self::Io(source) => ArchiveError::Unpack { url, source },
        }
    }
}

impl From<io::Error> for UnpackError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Unpacks with the modes of the archive, except write permission for the group and for others.
/// Owners are ignored.
///
/// `tar` itself writes nothing outside the directory. But it silently skips an entry that it
/// refuses, and it creates links to the outside. Here both are errors.
#[expect(clippy::disallowed_methods, reason = "this is a part of the system host")]
pub(super) fn unpack(file: File, into: &Path) -> Result<(), UnpackError> {
    let mut archive = tar::Archive::new(MultiGzDecoder::new(BufReader::new(file)));
    archive.set_mask(MASK);
    let mut links = BTreeSet::new();
    for entry in archive.entries()? {
        let mut entry = entry?;
        let kind = entry.header().entry_type();
        if kind == EntryType::XGlobalHeader {
            continue;
        }
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let refused = |why| UnpackError::Entry(name.clone(), why);
        let path =
            inside(&entry.path()?).ok_or_else(|| refused("has a path outside the directory"))?;
        // Below a link, `..` is not the directory above in the path.
        if path.ancestors().any(|path| links.contains(path)) {
            return Err(refused("is below a link"));
        }
        match kind {
            EntryType::Regular | EntryType::Continuous | EntryType::Directory => {}
            EntryType::Symlink => {
                let target = entry.link_name()?.unwrap_or_default();
                if !stays_inside(&path, &target) {
                    return Err(refused("links to a path outside the directory"));
                }
                links.insert(path.clone());
            }
            EntryType::Link => {
                let target = inside(&entry.link_name()?.unwrap_or_default());
                let target =
                    target.ok_or_else(|| refused("links to a path outside the directory"))?;
                if target.ancestors().any(|path| links.contains(path)) {
                    return Err(refused("links to a path below a link"));
                }
            }
            _ => return Err(refused("is not a file, a directory or a link")),
        }
        if let Some(above) = path.parent() {
            // If the archive has no entry for a directory, only the umask would limit its mode.
            DirBuilder::new().recursive(true).mode(0o777 & !MASK).create(into.join(above))?;
        }
        if !entry.unpack_in(into)? {
            return Err(refused("has a path outside the directory"));
        }
        if kind == EntryType::Regular {
            // A crash must not leave an empty program under its final name.
            File::open(into.join(&path))?.sync_all()?;
        }
    }
    Ok(())
}

/// The path of an entry relative to the directory. `None` if it is outside.
fn inside(path: &Path) -> Option<PathBuf> {
    let mut own = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::Normal(part) => own.push(part),
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(own)
}

/// Whether a link at this path of the directory has its target in the directory. `..` is refused
/// after the first name, because that name could be a link itself.
fn stays_inside(link: &Path, target: &Path) -> bool {
    let mut above = link.components().count().saturating_sub(1);
    let mut parts = target.components().filter(|part| *part != Component::CurDir).peekable();
    while parts.next_if_eq(&Component::ParentDir).is_some() {
        let Some(left) = above.checked_sub(1) else { return false };
        above = left;
    }
    parts.all(|part| matches!(part, Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_inside_or_refused() {
        for (path, own) in [("./bin/a", Some("bin/a")), ("./", Some("")), ("a//b/.", Some("a/b"))] {
            assert_eq!(inside(Path::new(path)), own.map(PathBuf::from), "{path}");
        }
        for path in ["../a", "a/../b", "/a", "a/.."] {
            assert_eq!(inside(Path::new(path)), None, "{path}");
        }
    }

    #[test]
    fn a_link_stays_inside_or_is_refused() {
        // As in Lima's archives.
        assert!(stays_inside(Path::new("share/doc/lima/templates"), Path::new("../../lima/x")));
        assert!(stays_inside(Path::new("bin/a"), Path::new("./b")));
        for (link, target) in [
            ("a", ".."),
            ("bin/a", "../../b"),
            ("bin/a", "/bin/sh"),
            ("bin/a", "x/../y"),
            ("bin/a", "../x/../../y"),
        ] {
            assert!(!stays_inside(Path::new(link), Path::new(target)), "{link} -> {target}");
        }
    }
}
