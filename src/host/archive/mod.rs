//! Installs a program from an archive on the web: downloads it, checks its SHA-256, unpacks it, and
//! moves it to its place in one step.

mod download;
mod unpack;

use std::error::Error;
use std::fs::{self, File, Permissions};
use std::io::{self, Read, Seek};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::permissions::{self, Exposed};
use super::{Network, atomic_write};
use crate::model::Sha256;

/// A `.tar.gz` to install: plain data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archive {
    /// Its address: `https`, or `http` on this machine.
    pub url: String,
    /// Its checksum.
    pub sha256: Sha256,
    /// The directory for its contents. An existing directory is replaced.
    pub directory: PathBuf,
    /// The proxy and the certificates of the download.
    pub network: Network,
}

/// Why an archive was not installed. The directory is unchanged.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// Its URL is neither encrypted nor on this machine.
    #[error("{url} must use https, because it is not on this machine")]
    NotEncrypted {
        /// The URL.
        url: String,
    },
    /// A declared certificate cannot be read.
    #[error("the certificate {} could not be read: {why}", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The server did not answer, or the connection broke.
    #[error("{url} could not be downloaded")]
    Download {
        /// The URL.
        url: String,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The server answered with another status than 200.
    #[error("{url} answered with the HTTP status {status}")]
    Status {
        /// The URL.
        url: String,
        /// Its answer, such as `404 Not Found`.
        status: String,
    },
    /// The server sent a redirect that is not followed.
    #[error("{url} redirects to {to}, which {why}")]
    Redirect {
        /// The URL.
        url: String,
        /// The target.
        to: String,
        /// Why it is not followed.
        why: &'static str,
    },
    /// It is larger than the limit.
    #[error("{url} has more than {limit} bytes")]
    TooLarge {
        /// The URL.
        url: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// It is not the declared archive.
    #[error("{url} has the SHA-256 {actual}, but {expected} was expected")]
    Checksum {
        /// The URL.
        url: String,
        /// The declared checksum.
        expected: Sha256,
        /// The checksum of the download.
        actual: String,
    },
    /// It contains an entry that could be written outside the directory.
    #[error("{url} contains {entry:?}, which {why}")]
    Entry {
        /// The URL.
        url: String,
        /// The path in the archive.
        entry: String,
        /// Why it is refused.
        why: &'static str,
    },
    /// It is not an archive, or it is damaged.
    #[error("{url} could not be unpacked")]
    Unpack {
        /// The URL.
        url: String,
        /// Why.
        source: io::Error,
    },
    /// Other users could replace the installed program.
    #[error("cai does not install programs where other users could replace them")]
    Exposed(#[source] Exposed),
    /// It could not be written to its place.
    #[error("{} could not be written", path.display())]
    Write {
        /// The path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl ArchiveError {
    /// How to fix it.
    pub fn hint(&self) -> String {
        match self {
            Self::NotEncrypted { .. } | Self::Redirect { .. } => {
                "set `url` to an https address that does not redirect to http".into()
            }
            Self::Download { .. } => {
                "check that this machine can reach it, or set `url` to a mirror; then \
                                      run cai again. [proxy] and [[trust]] apply to downloads. \
                                      Without [proxy], cai uses HTTPS_PROXY"
                    .into()
            }
            Self::Certificate { .. } => {
                "write one certificate in the PEM format to it, then run cai again".into()
            }
            Self::Status { .. } => {
                "check that this release exists for this platform, or set `url` to a mirror; then \
                 run cai again"
                    .into()
            }
            Self::Checksum { .. } => {
                "do not use the archive before you know the reason: compare it with the checksums \
                 that the release publishes, then fix `url` or `sha256`"
                    .into()
            }
            Self::TooLarge { .. } | Self::Entry { .. } | Self::Unpack { .. } => {
                "it is not an archive that cai can install: check its contents, then fix `url` or \
                 install the program manually"
                    .into()
            }
            Self::Exposed(exposed) => exposed.advice().into(),
            Self::Write { .. } => "free disk space there, or check the permissions".into(),
        }
    }
}

/// Downloads a text.
pub(super) fn fetch(url: &str, network: &Network) -> Result<Vec<u8>, ArchiveError> {
    let place = std::env::temp_dir();
    let unwritten = |source| ArchiveError::Write { path: place.clone(), source };
    let mut file = tempfile::tempfile().map_err(unwritten)?;
    download::download(url, network, &mut file, &place)?;
    let mut text = Vec::new();
    file.rewind().and_then(|()| file.read_to_end(&mut text)).map_err(unwritten)?;
    Ok(text)
}

/// Installs it.
#[expect(clippy::disallowed_methods, reason = "this is a part of the system host")]
pub(super) fn install(archive: &Archive) -> Result<(), ArchiveError> {
    let Archive { url, sha256, directory, network } = archive;
    let place = directory.parent().unwrap_or(Path::new("/"));
    let unwritten = |source| ArchiveError::Write { path: place.to_owned(), source };
    permissions::make(place).map_err(|error| match error.downcast() {
        Ok(exposed) => ArchiveError::Exposed(exposed),
        Err(error) => unwritten(error),
    })?;
    // The temporary directory may be on a small file system, so the file is created next to its
    // place. It has no name, so it disappears with this process.
    let mut file = tempfile::tempfile_in(place).map_err(unwritten)?;
    let actual = download::download(url, network, &mut file, place)?;
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
    // The rename must survive a crash.
    File::open(place).and_then(|place| place.sync_all()).map_err(moved)
}

/// Replaces a directory that may exist. It is moved to `old` first, because a rename cannot replace
/// a directory that is not empty. If the new one cannot be moved, the old one is restored.
fn replace(directory: &Path, new: &Path, old: &Path) -> io::Result<()> {
    let had_one = match fs::rename(directory, old) {
        Ok(()) => true,
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => return Err(error),
    };
    fs::rename(new, directory).inspect_err(|_| {
        if had_one {
            // The error of the first rename is the useful one.
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
        // A directory that exists is replaced; one that does not exist is created.
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
