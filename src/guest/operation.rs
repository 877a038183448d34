//! The changes that `cai` makes in a guest: fixed scripts that run as root, with values as
//! arguments.

mod command;
mod input;

use std::path::Path;

pub use self::input::input;
use super::repository::SigningKey;
use super::{Container, DockerdSettings, GuestFile};
use crate::config::DockerSource;
use crate::model::digest::sha256;

/// The directory of packages in the guest.
const PACKAGES: &str = "/var/lib/cai/packages";
/// The path of the seccomp profile in the guest.
pub const SECCOMP_PROFILE: &str = "/etc/docker/cai-seccomp.json";

/// The copy of the configuration that the running daemon has loaded, while `daemon.json` is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoadedCopy {
    /// It has loaded the replaced file, so a copy of that is written.
    Write,
    /// It has loaded an older file, whose copy is kept if it exists.
    Keep,
}

/// The contents of a file for the guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contents<'a> {
    /// A text.
    Text(&'a str),
    /// A file of the host.
    File(&'a Path),
}

/// One change in a guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation<'a> {
    /// Installs Docker if it is missing, and starts it.
    Docker {
        /// The source of the packages.
        source: DockerSource,
        /// The version; any if `None`.
        version: Option<&'a str>,
        /// Whether the file declares the repository, so Docker's own is not added.
        has_repository: bool,
    },
    /// Writes the apt entry of a declared repository, once its key is verified.
    WriteRepository {
        /// Its URL, without the name of the distribution.
        url: &'a str,
        /// Its key.
        key: SigningKey<'a>,
        /// The fingerprint of the key.
        fingerprint: &'a str,
    },
    /// Writes `daemon.json` if it has not changed since it was observed.
    WriteDaemonJson {
        /// The SHA-256 of the observed file; `None` if it did not exist.
        expected: Option<String>,
        /// Whether the running daemon has loaded the observed file.
        loaded: LoadedCopy,
        /// The new text.
        text: &'a str,
    },
    /// Makes the daemon reload daemon.json. If it refuses the file, the previous one is restored.
    ReloadDocker {
        /// Whether the reload is enough to load the file. If not, a restart follows.
        record: bool,
    },
    /// Restarts the daemon.
    RestartDocker {
        /// Whether the previous daemon.json is restored if dockerd does not start with the new one.
        restore: bool,
    },
    /// Sends a file into the guest, where only root can read it.
    Send {
        /// Its contents.
        from: Contents<'a>,
        /// Its path in the guest.
        to: &'a str,
    },
    /// Moves a sent file to its place atomically.
    Place {
        /// The path where it was sent.
        sent: &'a str,
        /// Its final path.
        to: &'a str,
        /// The required SHA-256.
        sha256: &'a str,
        /// Its mode, in octal.
        mode: &'a str,
        /// The user and group that own it.
        owner: (&'a str, &'a str),
    },
    /// Writes the files that enforce an egress policy, and loads its rules.
    Egress(&'a [GuestFile]),
    /// Removes the rules and their files.
    RemoveEgress(&'a [&'a str]),
    /// Writes and deletes files that dockerd reads only when it starts.
    Settings {
        /// What they are.
        of: DockerdSettings,
        /// The files to write.
        files: &'a [GuestFile],
        /// The paths to delete.
        delete: &'a [&'a str],
    },
    /// Moves Docker's data to a Lima disk and leaves Docker stopped.
    MoveData {
        /// The name of the disk.
        disk: &'a str,
        /// The units that mount it.
        files: &'a [GuestFile],
    },
    /// Unmounts that disk, deletes these units and leaves Docker stopped.
    RemoveDataDisk(&'a [&'a str]),
    /// Downloads or copies Sysbox's package into the guest and verifies it.
    FetchSysbox {
        /// Its version.
        version: &'a str,
        /// The SHA-256 of its package.
        sha256: &'a str,
        /// `https` addresses, tried in order, or one path in the guest.
        sources: &'a [String],
    },
    /// Installs the fetched package, or completes an interrupted installation.
    InstallSysbox {
        /// Its version.
        version: &'a str,
        /// The version to remove first, as dpkg reports it.
        replaces: Option<&'a str>,
    },
    /// Purges Sysbox's package.
    RemoveSysbox,
    /// Restarts Sysbox's services and checks that they run.
    RestartSysbox,
    /// Records containers that are about to stop, in the order of their start.
    RememberContainers(&'a [Container]),
    /// Starts the recorded containers again.
    StartContainers,
    /// Starts a container with each of these runtimes, then removes the containers and their image.
    TryContainer(&'a [&'a str]),
    /// Connects from a temporary container to an allowed name, unless it is empty, and to an address that
    /// is never allowed.
    TryEgress {
        /// The name.
        name: &'a str,
        /// Its port.
        port: u16,
    },
    /// Runs one of the system's own commands as root.
    System(&'a [&'a str]),
}

/// The path where a file is sent before it is moved to its place.
pub fn sent_file(place: &str) -> String {
    format!("/var/lib/cai/sent/{}", sha256(place.as_bytes()))
}

/// The path of a Sysbox package in the guest.
pub fn sysbox_package(version: &str) -> String {
    format!("{PACKAGES}/sysbox-ce_{version}.deb")
}
