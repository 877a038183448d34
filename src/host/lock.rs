//! Locks between processes.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::permissions::{self, Exposed};

/// How often to try a lock that another process holds.
const TRY_EVERY: Duration = Duration::from_millis(100);
/// The longest description of a holder in bytes.
const HOLDER_LIMIT: u64 = 4096;

/// A lock that is held until this is dropped or the process ends. The kernel releases it, so a lock
/// never remains.
#[derive(Debug)]
pub struct Lock {
    _file: Option<File>,
}

impl Lock {
    /// A lock without a file, for a host that no other process can change.
    pub fn of_nothing() -> Self {
        Self { _file: None }
    }
}

/// Why the lock could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process holds it.
    #[error("another cai is running: {0}")]
    Held(
        /// The description that the holder wrote.
        String,
    ),
    /// Other users could replace its file.
    #[error("{0}")]
    Exposed(Exposed),
    /// The file could not be used.
    #[error("{} could not be created and locked: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Locks a file. The file is created if it does not exist, in a directory that only its owner can
/// write to. Other processes see `holder`; `wait` is how long to wait for them.
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
    // The directory is private, so a link there is not expected and not needed.
    let options = options.custom_flags(nix::libc::O_NOFOLLOW);
    let mut file = options.open(path).map_err(failed)?;
    let deadline = Instant::now() + wait;
    loop {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::Error(error)) => return Err(failed(error)),
            Err(TryLockError::WouldBlock) if Instant::now() >= deadline => {
                let mut text = String::new();
                // The holder may not have written its description yet.
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
