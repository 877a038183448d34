//! Locks between processes.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::permissions::{self, Exposed};

/// How often a lock that another process holds is tried again.
const TRY_EVERY: Duration = Duration::from_millis(100);
/// More than any holder says of itself, in bytes.
const HOLDER_LIMIT: u64 = 4096;

/// A lock that is held until this is dropped, or until this process ends: the kernel frees it, so
/// none is ever left behind.
#[derive(Debug)]
pub struct Lock {
    _file: Option<File>,
}

impl Lock {
    /// One that holds nothing, where there is nothing that another process could take.
    pub fn of_nothing() -> Self {
        Self { _file: None }
    }
}

/// Why there is no lock.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error("another cai is at work: {0}")]
    Held(
        /// What that one said of itself.
        String,
    ),
    /// Others could put their own files in its place.
    #[error("{0}")]
    Exposed(Exposed),
    /// The file could not be used.
    #[error("{} could not be made and locked: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Takes a lock on a file, which is made where there is none, in a directory that only its owner
/// can write to. `holder` is told to those who come later; `wait` is how long to wait for those who
/// came earlier.
#[expect(clippy::disallowed_methods, reason = "this is a part of the system host")]
pub(super) fn take(path: &Path, holder: &str, wait: Duration) -> Result<Lock, LockError> {
    let failed = |source| LockError::File { path: path.to_owned(), source };
    if let Some(directory) = path.parent() {
        permissions::make(directory).map_err(|error| match error.downcast() {
            Ok(exposed) => LockError::Exposed(exposed),
            Err(error) => failed(error),
        })?;
    }
    let mut options = File::options();
    let options = options.create(true).truncate(false).read(true).write(true).mode(0o600);
    // What is in such a directory is no link of anybody else's, and needs none.
    let options = options.custom_flags(nix::libc::O_NOFOLLOW);
    let mut file = options.open(path).map_err(failed)?;
    let deadline = Instant::now() + wait;
    loop {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::Error(error)) => return Err(failed(error)),
            Err(TryLockError::WouldBlock) if Instant::now() >= deadline => {
                let mut text = String::new();
                // Whoever has just taken it may not have said yet who it is.
                let _ = (&file).take(HOLDER_LIMIT).read_to_string(&mut text);
                return Err(LockError::Held(text.trim().to_owned()));
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(TRY_EVERY),
        }
    }
    let tell = |file: &mut File| {
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "{holder}")
    };
    tell(&mut file).map_err(failed)?;
    Ok(Lock { _file: Some(file) })
}
