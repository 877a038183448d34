//! The changes that `cai` makes in a guest: fixed scripts that run as root, with values as
//! arguments.

mod input;

use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub use self::input::input;
use self::input::whole;
use super::data_disk::{DATA, DIRECTORIES, MARKER};
use super::repository::SigningKey;
use super::{Container, DockerdSettings, GuestFile, provisioning};
use crate::config::DockerSource;
use crate::host::CommandSpec;
use crate::lima::Ssh;
use crate::model::digest::sha256;

/// The time limit of an installation, for slow guests.
const INSTALL: Duration = Duration::from_secs(30 * 60);
/// The time limit of a container test; creating an image and starting two containers takes some
/// seconds in a slow guest.
const TRY: Duration = Duration::from_secs(3 * 60);
/// The function of scripts whose files must not be older than the running daemon.
const NOT_OLDER: &str = include_str!("scripts/not-older.sh");
/// The functions of scripts that write daemon.json or restore the previous one.
const DAEMON_JSON: &str = include_str!("scripts/daemon-json.sh");
/// The end of each script that starts Sysbox's services.
const CHECK_SYSBOX: &str = include_str!("scripts/sysbox-check.sh");
/// The functions of scripts that install or remove Sysbox's package.
const SYSBOX_PACKAGE: &str = include_str!("scripts/sysbox-package.sh");
/// The directory of packages in the guest.
const PACKAGES: &str = "/var/lib/cai/packages";
/// The functions of scripts that stop Docker to move its data.
const STOP_DOCKER: &str = include_str!("scripts/stop-docker.sh");
/// The functions of scripts that write files.
const WRITE_FILES: &str = include_str!("scripts/write-files.sh");
/// The path of the seccomp profile in the guest.
pub const SECCOMP_PROFILE: &str = "/etc/docker/cai-seccomp.json";

/// Whether the running daemon has loaded the `daemon.json` that is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loaded {
    /// It has, so a copy of the file is kept as the loaded configuration.
    Current,
    /// It has loaded an older file, of which a copy exists.
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
        loaded: Loaded,
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

impl Operation<'_> {
    /// The command line of the operation.
    pub fn command(&self, ssh: &Ssh) -> CommandSpec {
        let script_that_reads = |name: &str, values: &[&str], text: String, input: &str| {
            let line = [&["sudo", "-n", "sh", "-s", "--", name], values].concat();
            ssh.run(&line).stdin(whole(&text, input)).timeout(INSTALL)
        };
        let script = |name: &str, values: &[&str], text| script_that_reads(name, values, text, "");
        match self {
            Self::Docker { source, version, has_repository } => {
                let mut values = vec![provisioning::name(*source), version.unwrap_or_default()];
                values.extend(has_repository.then_some("declared"));
                script("docker", &values, provisioning::script(*source))
            }
            Self::WriteRepository { url, key, fingerprint } => {
                let (key, text) = match key {
                    SigningKey::OfRepository => ("", ""),
                    SigningKey::Url(url) => (*url, ""),
                    SigningKey::Text(text) => ("-", *text),
                };
                let body = provisioning::repository_script();
                script_that_reads("write-repository", &[url, key, fingerprint], body, text)
            }
            Self::WriteDaemonJson { expected, loaded, text } => {
                let loaded = match loaded {
                    Loaded::Current => "current",
                    Loaded::Keep => "keep",
                };
                let values = [expected.as_deref().unwrap_or("absent"), loaded];
                let body = include_str!("scripts/write-daemon-json.sh");
                let body = [NOT_OLDER, DAEMON_JSON, body].concat();
                script_that_reads("write-daemon-json", &values, body, text)
            }
            Self::ReloadDocker { record } => {
                let body = include_str!("scripts/reload-docker.sh");
                let value = if *record { "record" } else { "keep" };
                script("reload-docker", &[value], [NOT_OLDER, DAEMON_JSON, body].concat())
            }
            Self::RestartDocker { restore } => {
                let body = include_str!("scripts/restart-docker.sh");
                let value = if *restore { "restore" } else { "keep" };
                script("restart-docker", &[value], [DAEMON_JSON, body].concat())
            }
            Self::Send { from, to } => {
                let line = ["sudo", "-n", "install", "-D", "-m", "600", "/dev/stdin", to];
                let command = ssh.run(&line).timeout(INSTALL);
                match from {
                    Contents::Text(text) => command.stdin(*text),
                    Contents::File(path) => command.stdin_file(*path),
                }
            }
            Self::Place { sent, to, sha256: sum, mode, owner: (user, group) } => {
                let body = include_str!("scripts/place-file.sh").into();
                script("place-file", &[sent, to, sum, mode, user, group], body)
            }
            Self::Egress(files) => {
                let body = [WRITE_FILES, include_str!("scripts/egress.sh")].concat();
                script_that_reads("egress", &[], body, &lines_of(files))
            }
            Self::Settings { of, files, delete } => {
                let body = [WRITE_FILES, include_str!("scripts/settings.sh")].concat();
                let values = [&[of.name()], *delete].concat();
                script_that_reads("settings", &values, body, &lines_of(files))
            }
            Self::RemoveEgress(paths) => {
                script("remove-egress", paths, include_str!("scripts/remove-egress.sh").into())
            }
            Self::MoveData { disk, files } => {
                let pairs = DIRECTORIES.map(|(name, path)| format!("{name}={path}"));
                let fixed = [*disk, DATA, MARKER].into_iter();
                let values: Vec<&str> = fixed.chain(pairs.iter().map(String::as_str)).collect();
                let body = include_str!("scripts/data-disk.sh");
                let body = [STOP_DOCKER, WRITE_FILES, body].concat();
                script_that_reads("data-disk", &values, body, &lines_of(files))
            }
            Self::RemoveDataDisk(paths) => {
                let body = [STOP_DOCKER, include_str!("scripts/remove-data-disk.sh")].concat();
                script("remove-data-disk", paths, body)
            }
            Self::FetchSysbox { version, sha256, sources } => {
                let body = include_str!("scripts/fetch-sysbox.sh").into();
                let sources = sources.join("\n");
                script_that_reads("fetch-sysbox", &[version, sha256], body, &sources)
            }
            Self::InstallSysbox { version, replaces } => {
                let body = include_str!("scripts/install-sysbox.sh");
                let body = [DAEMON_JSON, CHECK_SYSBOX, SYSBOX_PACKAGE, body].concat();
                script("install-sysbox", &[version, replaces.unwrap_or_default()], body)
            }
            Self::RemoveSysbox => {
                let body = [SYSBOX_PACKAGE, include_str!("scripts/remove-sysbox.sh")].concat();
                script("remove-sysbox", &[], body)
            }
            Self::RestartSysbox => {
                let body =
                    [DAEMON_JSON, CHECK_SYSBOX, include_str!("scripts/restart-sysbox.sh")].concat();
                script("restart-sysbox", &[], body)
            }
            Self::RememberContainers(containers) => {
                let body = include_str!("scripts/remember-containers.sh").into();
                let lines: Vec<String> = containers.iter().map(ToString::to_string).collect();
                script_that_reads("remember-containers", &[], body, &(lines.join("\n") + "\n"))
            }
            Self::StartContainers => {
                script("start-containers", &[], include_str!("scripts/start-containers.sh").into())
            }
            Self::TryContainer(runtimes) => {
                let text = include_str!("scripts/try-container.sh").into();
                script("try-container", runtimes, text).timeout(TRY)
            }
            Self::TryEgress { name, port } => {
                let text = include_str!("scripts/try-egress.sh").into();
                script("try-egress", &[name, &port.to_string()], text).timeout(TRY)
            }
            Self::System(words) => ssh.run(&[&["sudo", "-n"], *words].concat()),
        }
    }
}

/// Files for a script: a line with the path, the mode and the contents as Base64 for each.
fn lines_of(files: &[GuestFile]) -> String {
    let line = |it: &GuestFile| format!("{} {} {}\n", it.path, it.mode, STANDARD.encode(&it.text));
    files.iter().map(line).collect()
}

/// The path where a file is sent before it is moved to its place.
pub fn sent_file(place: &str) -> String {
    format!("/var/lib/cai/sent/{}", sha256(place.as_bytes()))
}

/// The path of a Sysbox package in the guest.
pub fn sysbox_package(version: &str) -> String {
    format!("{PACKAGES}/sysbox-ce_{version}.deb")
}
