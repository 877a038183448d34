//! Installs a program from an archive on the web: downloads it, checks its SHA-256, unpacks it, and
//! puts it where it belongs in one move.

mod download;
mod unpack;

use std::error::Error;
use std::fs::{self, File, Permissions};
use std::io::{self, Seek};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::atomic_write;
use super::permissions::{self, Exposed};
use crate::model::Sha256;

/// A `.tar.gz` to install: plain data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archive {
    /// Where it is: `https`, or `http` on this machine itself.
    pub url: String,
    /// Its checksum.
    pub sha256: Sha256,
    /// The directory that is to hold what is in it. What was there before is replaced.
    pub directory: PathBuf,
}

/// Why an archive was not installed. Whatever it was, the directory is as it was before.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// Its URL is none that may be asked.
    #[error("{url} is not encrypted, and not on this machine itself")]
    NotEncrypted {
        /// The URL.
        url: String,
    },
    /// Nobody answered, or not to the end.
    #[error("{url} could not be downloaded")]
    Download {
        /// The URL.
        url: String,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The server answered with something else.
    #[error("{url} answered with the HTTP status {status}")]
    Status {
        /// The URL.
        url: String,
        /// Its answer, such as `404 Not Found`.
        status: String,
    },
    /// The server sent `cai` to a place where it does not go.
    #[error("{url} leads to {to}, which {why}")]
    Redirect {
        /// The URL.
        url: String,
        /// Where it leads.
        to: String,
        /// What is wrong with that.
        why: &'static str,
    },
    /// It is larger than any archive that is worth waiting for.
    #[error("{url} has more than {limit} bytes")]
    TooLarge {
        /// The URL.
        url: String,
        /// The most bytes that it may have.
        limit: u64,
    },
    /// It is not the one that was meant.
    #[error("{url} has the SHA-256 {actual}, and {expected} was expected")]
    Checksum {
        /// The URL.
        url: String,
        /// What it should have.
        expected: Sha256,
        /// What it has.
        actual: String,
    },
    /// It holds something that could be written where it does not belong.
    #[error("{url} holds {entry:?}, which {why}")]
    Entry {
        /// The URL.
        url: String,
        /// The path in the archive.
        entry: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// It is none, or is damaged.
    #[error("{url} could not be unpacked")]
    Unpack {
        /// The URL.
        url: String,
        /// Why.
        source: io::Error,
    },
    /// Where it belongs, others could put their own programs in its place.
    #[error("nothing is installed where others could replace it")]
    Exposed(#[source] Exposed),
    /// It could not be put where it belongs.
    #[error("{} could not be written", path.display())]
    Write {
        /// The path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl ArchiveError {
    /// What to do.
    pub fn hint(&self) -> String {
        match self {
            Self::NotEncrypted { .. } | Self::Redirect { .. } => {
                "name a place with `url` that answers by https itself".into()
            }
            Self::Download { .. } => "see whether this machine reaches it (HTTPS_PROXY is heeded, \
                                      and on Linux SSL_CERT_FILE), or name a mirror with `url`; \
                                      then run cai again"
                .into(),
            Self::Status { .. } => {
                "see whether there is such a release for this platform, or name a mirror with \
                 `url`; then run cai again"
                    .into()
            }
            Self::Checksum { .. } => {
                "do not use it before you know why: compare with the checksums \
                                      that the release itself publishes, then mend `url` or \
                                      `sha256`"
                    .into()
            }
            Self::TooLarge { .. } | Self::Entry { .. } | Self::Unpack { .. } => {
                "it is not such an archive as cai installs: see what is there, and mend `url`, or \
                 install the program by hand"
                    .into()
            }
            Self::Exposed(exposed) => exposed.advice().into(),
            Self::Write { .. } => "make room there, or see who may write there".into(),
        }
    }
}

/// Installs it.
#[expect(clippy::disallowed_methods, reason = "a host may reach the outside, and this is its part")]
pub(super) fn install(archive: &Archive) -> Result<(), ArchiveError> {
    let Archive { url, sha256, directory } = archive;
    let place = directory.parent().unwrap_or(Path::new("/"));
    let unwritten = |source| ArchiveError::Write { path: place.to_owned(), source };
    permissions::make(place).map_err(|error| match error.downcast() {
        Ok(exposed) => ArchiveError::Exposed(exposed),
        Err(error) => unwritten(error),
    })?;
    // On the file system that it is unpacked to, not on a small one for temporary files. It has no
    // name, so that it goes with this process.
    let mut file = tempfile::tempfile_in(place).map_err(unwritten)?;
    let actual = download::download(url, &mut file, place)?;
    if actual != sha256.as_str() {
        let (url, expected) = (url.clone(), sha256.clone());
        return Err(ArchiveError::Checksum { url, expected, actual });
    }
    file.rewind().map_err(unwritten)?;
    let _alone = atomic_write::sweep(place);
    let work = tempfile::Builder::new()
        .prefix(atomic_write::PREFIX)
        .permissions(Permissions::from_mode(0o700))
        .tempdir_in(place)
        .map_err(unwritten)?;
    let new = work.path().join("new");
    permissions::make(&new).map_err(unwritten)?;
    unpack::unpack(file, &new).map_err(|why| why.of(url))?;
    let moved = |source| ArchiveError::Write { path: directory.clone(), source };
    replace(directory, &new, &work.path().join("old")).map_err(moved)?;
    // The new name is in the directory.
    File::open(place).and_then(|place| place.sync_all()).map_err(moved)
}

/// Puts a new directory in the place of one that may be there, which goes to where `old` says: one that
/// is not empty cannot be replaced in one move. Where the new one cannot come, the old one comes back.
fn replace(directory: &Path, new: &Path, old: &Path) -> io::Result<()> {
    let had_one = match fs::rename(directory, old) {
        Ok(()) => true,
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => return Err(error),
    };
    fs::rename(new, directory).inspect_err(|_| {
        if had_one {
            // What keeps the new one away is told, whatever becomes of this.
            let _ = fs::rename(old, directory);
        }
    })
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test of what touches files")]
mod tests {
    use super::*;

    #[test]
    fn where_the_new_one_cannot_come_the_old_one_stays() {
        let place = tempfile::tempdir().unwrap();
        let [directory, new, old] = ["1.2.3", "new", "old"].map(|name| place.path().join(name));
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join("limactl"), "old").unwrap();
        let error = replace(&directory, &new, &old).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound, "{error}");
        assert_eq!(fs::read_to_string(directory.join("limactl")).unwrap(), "old");
        assert!(!old.exists());
        // Where both can be moved, the new one is there; where there was none, too.
        for gone in [&old, &directory] {
            fs::create_dir(&new).unwrap();
            fs::write(new.join("limactl"), "new").unwrap();
            replace(&directory, &new, &old).unwrap();
            assert_eq!(fs::read_to_string(directory.join("limactl")).unwrap(), "new");
            assert!(!new.exists());
            fs::remove_dir_all(gone).unwrap();
        }
        replace(&directory, &new, &old).unwrap_err();
        assert!(!directory.exists());
    }
}
