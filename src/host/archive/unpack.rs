//! Unpacks a `.tar.gz` into a directory, and nowhere else.

use std::collections::BTreeSet;
use std::fs::{DirBuilder, File};
use std::io::{self, BufReader};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Component, Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use tar::EntryType;

use super::ArchiveError;

/// What nobody but the user may do to what was unpacked: write.
const MASK: u32 = 0o022;

/// Why an archive was not unpacked.
#[derive(Debug)]
pub(super) enum Failure {
    /// An entry may not be written.
    Entry(String, &'static str),
    /// It could not be read or written.
    Io(io::Error),
}

impl Failure {
    /// The failure of the archive of this URL.
    pub(super) fn of(self, url: &str) -> ArchiveError {
        let url = url.to_owned();
        match self {
            Self::Entry(entry, why) => ArchiveError::Entry { url, entry, why },
            Self::Io(source) => ArchiveError::Unpack { url, source },
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Unpacks it, with the rights that it gives to its files but those to write for others. Whose they
/// are there is of no interest here.
///
/// `tar` itself writes nothing outside. But it leaves out an entry that it does not like, and it
/// would make a link that leads outside; both are an archive that is not what it should be.
#[expect(clippy::disallowed_methods, reason = "a host may reach the outside, and this is its part")]
pub(super) fn unpack(file: File, into: &Path) -> Result<(), Failure> {
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
        let refused = |why| Failure::Entry(name.clone(), why);
        let path = inside(&entry.path()?).ok_or_else(|| refused("leads outside"))?;
        // Below a link, `..` is not what it looks like.
        if path.ancestors().any(|path| links.contains(path)) {
            return Err(refused("is below a link"));
        }
        match kind {
            EntryType::Regular | EntryType::Continuous | EntryType::Directory => {}
            EntryType::Symlink => {
                let target = entry.link_name()?.unwrap_or_default();
                if !stays_inside(&path, &target) {
                    return Err(refused("links to something outside"));
                }
                links.insert(path.clone());
            }
            EntryType::Link => {
                let target = inside(&entry.link_name()?.unwrap_or_default());
                let target = target.ok_or_else(|| refused("links to something outside"))?;
                if target.ancestors().any(|path| links.contains(path)) {
                    return Err(refused("links to something below a link"));
                }
            }
            _ => return Err(refused("is neither a file nor a directory nor a link")),
        }
        if let Some(above) = path.parent() {
            // Where the archive has no entry for it, the umask alone would say who may write there.
            DirBuilder::new().recursive(true).mode(0o777 & !MASK).create(into.join(above))?;
        }
        if !entry.unpack_in(into)? {
            return Err(refused("leads outside"));
        }
        if kind == EntryType::Regular {
            // A crash must not leave an empty program under its final name.
            File::open(into.join(&path))?.sync_all()?;
        }
    }
    Ok(())
}

/// The path of an entry within the directory, where it is in it.
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

/// Whether a link at this path of the directory leads to something in it. After its first name, it
/// may not go up: that name could be a link itself.
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
        // As Lima's own archives have it.
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
