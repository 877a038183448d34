//! The only way to the outside: processes, files, sockets and the environment.
//!
//! [`Probe`] reads, [`Host`] also changes. Planning sees neither: it gets what a probe observed.
//! `.clippy.toml` refuses processes and files everywhere else in the crate.

mod archive;
mod atomic_write;
mod command;
mod deadline;
mod interrupt;
mod lock;
pub mod parallel;
mod permissions;
mod platform;
mod process;
mod random;
mod read;
mod system;
mod tail;
mod web;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::string::FromUtf8Error;
use std::time::Duration;

use serde::Serialize;

pub use archive::{Archive, ArchiveError};
pub use command::{CommandError, CommandSpec, ExitStatus, Failure, Input, Output};
pub use deadline::Deadline;
pub use interrupt::{GracefulInterrupt, Heard, INTERRUPTED, handle as handle_interrupts};
pub use lock::{Lock, LockError};
pub use permissions::Exposed;
pub use platform::{Os, Platform};
pub use random::random;
pub use system::System;

/// The error of a file that has to be there.
pub fn no_such_file() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "there is no such file")
}

/// A file is no text: it is not UTF-8.
#[derive(Debug, thiserror::Error)]
#[error("line {line} is not UTF-8")]
pub struct NoText {
    /// The first line that is none.
    pub line: usize,
}

impl NoText {
    fn before(error: &FromUtf8Error) -> io::Error {
        let valid = error.as_bytes().iter().take(error.utf8_error().valid_up_to());
        let line = valid.filter(|byte| **byte == b'\n').count() + 1;
        io::Error::new(io::ErrorKind::InvalidData, Self { line })
    }
}

/// Reads the machine. Nothing here changes it. Several threads may ask at the same time.
pub trait Probe: Sync {
    /// What kind of machine this is.
    fn platform(&self) -> Platform;

    /// The number of processors of this machine; `None` if it is unknown.
    fn cpus(&self) -> Option<u32>;

    /// Runs a command that only reads, whatever its exit status.
    ///
    /// # Errors
    /// When it could not be started, did not end within its timeout, or printed too much.
    fn query(&self, command: &CommandSpec) -> Result<Output, CommandError>;

    /// The absolute path of a program on `PATH`.
    fn find_program(&self, name: &str) -> Option<PathBuf>;

    /// Whether there is a program at this path.
    fn is_program(&self, path: &Path) -> bool;

    /// Where this process is.
    ///
    /// # Errors
    /// When that directory is gone.
    fn current_dir(&self) -> io::Result<PathBuf>;

    /// The absolute path of something that exists, without `..` and symbolic links.
    ///
    /// # Errors
    /// When there is no such thing, or its path may not be followed.
    fn canonical(&self, path: &Path) -> io::Result<PathBuf>;

    /// A variable of the environment; an empty one counts as none.
    fn env(&self, name: &str) -> Option<OsString>;

    /// The whole of a text file; `None` when there is no such file.
    ///
    /// # Errors
    /// When the file exists and cannot be read, or is not UTF-8.
    fn read_file(&self, path: &Path) -> io::Result<Option<String>>;

    /// The whole of any file; `None` when there is no such file.
    ///
    /// # Errors
    /// When the file exists and cannot be read.
    fn read_bytes(&self, path: &Path) -> io::Result<Option<Vec<u8>>>;

    /// The last bytes of any file, at most so many; `None` when there is no such file.
    ///
    /// # Errors
    /// When it exists and cannot be read, or is a pipe or a device, which may have no end.
    fn read_end(&self, path: &Path, most: u64) -> io::Result<Option<Vec<u8>>>;

    /// What answers on a Unix socket when asked `GET /_ping` as a Docker client does.
    fn ping(&self, socket: &Path) -> Ping;

    /// Asks a web server for a page, as a health check does: `Ok` is an answer of success.
    ///
    /// # Errors
    /// What it answered, or why it did not; in words.
    fn get(&self, url: &str) -> Result<(), String>;

    /// Whether something listens on a Unix socket. Connects, and sends nothing.
    fn listens(&self, socket: &Path) -> bool;

    /// Makes sure that nobody else can write to a directory, which need not be there yet.
    ///
    /// # Errors
    /// When others can, with [`Exposed`] inside.
    fn check_private(&self, directory: &Path) -> io::Result<()>;

    /// Makes sure that nobody but this user and root can have written a file; of a link, what it leads
    /// to.
    ///
    /// # Errors
    /// When others can, with [`Exposed`] inside, or when it cannot be looked at.
    fn check_private_file(&self, file: &Path) -> io::Result<()>;

    /// Whether other users may connect to a Unix socket, by its mode and by those of the
    /// directories on the way to it.
    fn is_exposed(&self, socket: &Path) -> bool;
}

/// Changes the machine.
pub trait Host: Probe {
    /// Runs a command that changes something. While it runs, `heard` gets its newest whole line
    /// now and then, of either stream; what it prints faster than that is left out.
    ///
    /// # Errors
    /// As [`Probe::query`], and when it exits with anything but 0.
    fn execute(&self, command: &CommandSpec, heard: &dyn Fn(&str)) -> Result<Output, CommandError>;

    /// Takes a lock that other processes see, and that is freed when this one ends. `holder` is what
    /// they are told; `wait` is how long to wait for theirs.
    ///
    /// # Errors
    /// When another process holds it, or its file cannot be used.
    fn lock(&self, file: &Path, holder: &str, wait: Duration) -> Result<Lock, LockError>;

    /// Lets what runs end by itself at the first interrupt, of which `heard` is told, as long as
    /// the answer lives. Without one, or at the second interrupt, the commands that this process
    /// started are ended.
    fn patiently(&self, heard: Heard) -> GracefulInterrupt;

    /// Whether there was an interrupt.
    fn interrupted(&self) -> bool;

    /// Does nothing for a while.
    fn pause(&self, time: Duration);

    /// Makes a directory for its owner alone, and those above it, where there is none.
    ///
    /// # Errors
    /// When it cannot be made, or others can write to it.
    fn make_directory(&self, path: &Path) -> io::Result<()>;

    /// Removes a file; it is no error when there is none.
    ///
    /// # Errors
    /// When the file exists and cannot be removed.
    fn remove_file(&self, path: &Path) -> io::Result<()>;

    /// Writes a file as a whole: whoever reads it sees the old contents or the new ones, also
    /// after a crash. `mode` is narrowed by the umask. A symbolic link is replaced, not followed.
    ///
    /// # Errors
    /// When it cannot be written, or its directory is not there; what was there before stays.
    fn write_file(&self, path: &Path, contents: &str, mode: u32) -> io::Result<()>;

    /// Writes a file as a whole where there is none yet; `mode` is narrowed by the umask.
    ///
    /// # Errors
    /// As [`Host::write_file`], and when there is something of that name.
    fn write_new(&self, path: &Path, contents: &[u8], mode: u32) -> io::Result<()>;

    /// Downloads an archive and unpacks it into its directory, which appears as a whole or stays as
    /// it was.
    ///
    /// # Errors
    /// When it cannot be had, is not the one that was meant, or cannot be written.
    fn install_archive(&self, archive: &Archive) -> Result<(), ArchiveError>;
}

/// The answer of a Docker socket on the host.
///
/// The words of a Docker client are no evidence of a cause: a missing group, a missing guest
/// socket and a dead daemon all end as [`Ping::Closed`] (measured, Lima 2.2.0).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "answer", content = "data", rename_all = "kebab-case")]
pub enum Ping {
    /// No file at that path.
    Missing,
    /// A file, but nothing listens: a stale socket.
    Refused,
    /// Connected, then closed without an answer: the forward lives, its other end does not.
    Closed,
    /// This process may not connect.
    Denied,
    /// A Docker daemon answered, with this API version.
    Answered {
        /// The `Api-Version` header, such as `1.41`.
        api_version: String,
    },
    /// Something else happened; the words of the system.
    Failed(String),
}

impl Ping {
    /// Whether a daemon answered.
    pub fn answers(&self) -> bool {
        matches!(self, Self::Answered { .. })
    }
}

impl std::fmt::Display for Ping {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing => f.write_str("missing"),
            Self::Refused => f.write_str("stale: nothing listens on it"),
            Self::Closed => f.write_str("closed without an answer"),
            Self::Denied => f.write_str("not permitted"),
            Self::Answered { .. } => f.write_str("answers"),
            Self::Failed(why) => write!(f, "failed: {why}"),
        }
    }
}
