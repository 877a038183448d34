//! The only module with effects: processes, files, sockets and the environment.
//!
//! [`Probe`] reads, [`Host`] also changes. Planning uses neither: it gets the observed state.
//! `.clippy.toml` forbids processes and files everywhere else in the crate.

mod archive;
mod atomic_write;
mod command;
mod deadline;
mod interrupt;
mod lock;
mod network;
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

use schemars::JsonSchema;
use serde::Serialize;

pub use archive::{Archive, ArchiveError};
pub use command::{CommandError, CommandSpec, ExitStatus, Failure, Input, Output};
pub use deadline::Deadline;
pub use interrupt::{GracefulInterrupt, Heard, INTERRUPTED, handle as handle_interrupts};
pub use lock::{Lock, LockError};
pub use network::Network;
pub use permissions::Exposed;
pub use platform::{Os, Platform};
pub use random::random;
pub use system::System;

/// The error for a required file that does not exist.
pub fn no_such_file() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "the file does not exist")
}

/// The error for a file that is not UTF-8.
#[derive(Debug, thiserror::Error)]
#[error("line {line} is not UTF-8")]
pub struct NoText {
    /// The first line that is not.
    pub line: usize,
}

impl NoText {
    fn before(error: &FromUtf8Error) -> io::Error {
        let valid = error.as_bytes().iter().take(error.utf8_error().valid_up_to());
        let line = valid.filter(|byte| **byte == b'\n').count() + 1;
        io::Error::new(io::ErrorKind::InvalidData, Self { line })
    }
}

/// Reads the machine and changes nothing. Several threads may use it at the same time.
pub trait Probe: Sync {
    /// The operating system and the architecture.
    fn platform(&self) -> Platform;

    /// The number of processors; `None` if it is unknown.
    fn cpus(&self) -> Option<u32>;

    /// The name of the machine; `None` if it is unknown.
    fn host_name(&self) -> Option<String>;

    /// Runs a command that only reads. Any exit status is a result.
    ///
    /// # Errors
    /// When it could not be started, did not finish within its time limit, or printed too much.
    fn query(&self, command: &CommandSpec) -> Result<Output, CommandError>;

    /// The absolute path of a program on `PATH`.
    fn find_program(&self, name: &str) -> Option<PathBuf>;

    /// Whether the path is an executable file.
    fn is_program(&self, path: &Path) -> bool;

    /// The current directory of this process.
    ///
    /// # Errors
    /// When the directory was deleted.
    fn current_dir(&self) -> io::Result<PathBuf>;

    /// The absolute path of something that exists, without `..` and symbolic links.
    ///
    /// # Errors
    /// When it does not exist, or a directory of the path cannot be searched.
    fn canonical(&self, path: &Path) -> io::Result<PathBuf>;

    /// An environment variable; an empty one counts as unset.
    fn env(&self, name: &str) -> Option<OsString>;

    /// The contents of a text file; `None` if the file does not exist.
    ///
    /// # Errors
    /// When the file exists but cannot be read, or is not UTF-8.
    fn read_file(&self, path: &Path) -> io::Result<Option<String>>;

    /// The contents of a file; `None` if the file does not exist.
    ///
    /// # Errors
    /// When the file exists but cannot be read.
    fn read_bytes(&self, path: &Path) -> io::Result<Option<Vec<u8>>>;

    /// At most `most` bytes from the end of a file; `None` if the file does not exist.
    ///
    /// # Errors
    /// When it exists but cannot be read, or is a pipe or a device, which may have no end.
    fn read_end(&self, path: &Path, most: u64) -> io::Result<Option<Vec<u8>>>;

    /// The answer of a Unix socket to `GET /_ping`, the request of a Docker client.
    fn ping(&self, socket: &Path) -> Ping;

    /// Requests a URL as a health check. `Ok` is a successful status.
    ///
    /// # Errors
    /// The answer, or why there is none, as a message.
    fn get(&self, url: &str) -> Result<(), String>;

    /// Whether something listens on a Unix socket. Connects, but sends nothing.
    fn listens(&self, socket: &Path) -> bool;

    /// Checks that no other user can write to a directory. It need not exist.
    ///
    /// # Errors
    /// [`Exposed`] when another user can.
    fn check_private(&self, directory: &Path) -> io::Result<()>;

    /// Checks that only this user and root can have written a file. Follows links.
    ///
    /// # Errors
    /// [`Exposed`] when another user can, or when it cannot be inspected.
    fn check_private_file(&self, file: &Path) -> io::Result<()>;

    /// Whether other users can connect to a Unix socket, according to its mode and the modes of the
    /// directories above it.
    fn is_exposed(&self, socket: &Path) -> bool;
}

/// Changes the machine.
pub trait Host: Probe {
    /// Runs a command that changes something. While it runs, `heard` gets the newest complete line
    /// of either stream from time to time; lines in between are skipped.
    ///
    /// # Errors
    /// As [`Probe::query`], and when it exits with another code than 0.
    fn execute(&self, command: &CommandSpec, heard: &dyn Fn(&str)) -> Result<Output, CommandError>;

    /// Replaces this process with a command that uses its terminal. It does not return; only a simulated
    /// command returns, with its output.
    ///
    /// # Errors
    /// When the command cannot be started.
    fn replace_process(&self, command: &CommandSpec) -> io::Result<Output>;

    /// Takes a lock between processes, which is released when this process ends. Other processes
    /// see `holder`; `wait` is how long to wait for them.
    ///
    /// # Errors
    /// When another process holds it, or its file cannot be used.
    fn lock(&self, file: &Path, holder: &str, wait: Duration) -> Result<Lock, LockError>;

    /// While the returned value lives, the first interrupt only calls `heard`, and the running
    /// commands finish. Without it, or at the second interrupt, the running commands are killed.
    fn patiently(&self, heard: Heard) -> GracefulInterrupt;

    /// Whether there was an interrupt.
    fn interrupted(&self) -> bool;

    /// Waits.
    fn pause(&self, time: Duration);

    /// Creates a private directory and the missing directories above it.
    ///
    /// # Errors
    /// When it cannot be created, or another user can write to it.
    fn make_directory(&self, path: &Path) -> io::Result<()>;

    /// Removes a file, if it exists.
    ///
    /// # Errors
    /// When the file exists but cannot be removed.
    fn remove_file(&self, path: &Path) -> io::Result<()>;

    /// Writes a file atomically: a reader sees the old contents or the new ones, even after a
    /// crash. `mode` is limited by the umask. A symbolic link is replaced, not followed.
    ///
    /// # Errors
    /// When it cannot be written, or its directory does not exist. The old file is unchanged then.
    fn write_file(&self, path: &Path, contents: &str, mode: u32) -> io::Result<()>;

    /// Creates a file atomically; `mode` is limited by the umask.
    ///
    /// # Errors
    /// As [`Host::write_file`], and when the file exists.
    fn write_new(&self, path: &Path, contents: &[u8], mode: u32) -> io::Result<()>;

    /// Downloads a text.
    ///
    /// # Errors
    /// When it cannot be downloaded.
    fn fetch(&self, url: &str, network: &Network) -> Result<Vec<u8>, ArchiveError>;

    /// Downloads an archive and unpacks it into its directory, which is replaced in one step.
    ///
    /// # Errors
    /// When it cannot be downloaded, has another checksum, or cannot be written. The directory is
    /// unchanged then.
    fn install_archive(&self, archive: &Archive) -> Result<(), ArchiveError>;
}

/// The answer of a Docker socket on the host.
///
/// The message of a Docker client does not identify a cause: a missing group, a missing guest
/// socket and a dead daemon all end as `Closed` (measured with Lima 2.2.0).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "answer", content = "data", rename_all = "kebab-case")]
pub enum Ping {
    /// The file does not exist.
    Missing,
    /// The file exists, but nothing listens: a stale socket.
    Refused,
    /// The connection was closed without an answer: the forward is alive, but its other end is not.
    Closed,
    /// This process is not permitted to connect.
    Denied,
    /// A Docker daemon answered, with this API version.
    Answered {
        /// The `Api-Version` header, such as `1.41`.
        api_version: String,
    },
    /// Another error; the message of the system.
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
            Self::Missing => f.write_str("does not exist"),
            Self::Refused => f.write_str("refuses connections: nothing listens on it"),
            Self::Closed => f.write_str("closes connections without an answer"),
            Self::Denied => f.write_str("denies access"),
            Self::Answered { .. } => f.write_str("answers"),
            Self::Failed(why) => write!(f, "does not work: {why}"),
        }
    }
}
