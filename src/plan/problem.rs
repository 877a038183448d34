//! Why a change cannot be done, and what to do about it.

use semver::{Version, VersionReq};
use serde::Serialize;

use super::ClientProblem;
use crate::model::{listed, open_ended, spelled_out};

/// Why a change cannot be done. In JSON as [`Reason`](super::Reason) is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize)]
#[serde(tag = "kind", content = "data", rename_all = "kebab-case")]
pub enum Problem {
    /// No `limactl` on `PATH`.
    #[error("limactl is not on PATH")]
    LimaMissing {
        /// The command that installs it.
        install: String,
    },
    /// The installed Lima is not what the file requires.
    #[error("limactl is {found}, and the file requires {}", spelled_out(.required))]
    LimaVersion {
        /// The installed version.
        found: Version,
        /// The requirement.
        required: VersionReq,
        /// The command that installs one that will do.
        install: String,
    },
    /// The release of Lima that would be installed will not do either.
    #[error("cai would install Lima {version}, and the file requires {}", spelled_out(.required))]
    LimaRelease {
        /// The release.
        version: Version,
        /// The requirement.
        required: VersionReq,
    },
    /// Nobody said what the archive of this release of Lima should be.
    #[error("there is no checksum of Lima {version} for {platform}")]
    LimaChecksum {
        /// The release.
        version: Version,
        /// The platform, as the file calls it.
        platform: &'static str,
    },
    /// No `ssh` on `PATH`.
    #[error("ssh is not on PATH")]
    SshMissing,
    /// No `docker` on `PATH`.
    #[error("the docker command is not on PATH")]
    DockerMissing,
    /// The path of a socket of the VM has more bytes than the system allows.
    #[error("{path} has {length} bytes, and a socket's path here may have {limit}")]
    SocketPath {
        /// The longest of them.
        path: String,
        /// Its bytes.
        length: usize,
        /// How many there may be.
        limit: usize,
    },
    /// Lima cannot shrink a disk.
    #[error("the disk cannot shrink from {from} to {to}")]
    DiskShrinks {
        /// Its size.
        from: String,
        /// The size that the file says.
        to: String,
    },
    /// The VM is in a state this program does not know.
    #[error("Lima says that the VM is {0:?}")]
    VmState(String),
    /// Lima refuses the YAML that the VM would have; its output.
    #[error("Lima refuses this VM: {0}")]
    LimaRefuses(String),
    /// The image should hold Docker and does not.
    #[error("the guest has no dockerd, and the file says that it is preinstalled")]
    NotPreinstalled,
    /// A group of the file that the guest does not have.
    #[error("the group {group} does not exist in the guest")]
    GroupMissing {
        /// The group.
        group: String,
        /// A group of the guest with a similar name.
        meant: Option<String>,
    },
    /// Another group of the guest has the id that the file gives a group.
    #[error("gid {gid} belongs to group {holder}")]
    GidTaken {
        /// The id.
        gid: u32,
        /// The group that has it.
        holder: String,
    },
    /// Another user of the guest has the id that the file gives a user.
    #[error("uid {uid} belongs to user {holder}")]
    UidTaken {
        /// The id.
        uid: u32,
        /// The user who has it.
        holder: String,
    },
    /// dockerd's configuration cannot be merged with; the words of the parser.
    #[error("{0}")]
    DaemonJson(String),
    /// The default runtime in dockerd's configuration is not defined.
    #[error(
        "default-runtime in /etc/docker/daemon.json names {0}, which is not defined there: dockerd \
         would not start"
    )]
    UnknownRuntime(String),
    /// Another log driver would start with the options of the present one.
    #[error(
        "log-opts in /etc/docker/daemon.json has options that log driver {driver} may not have: \
         {options}; dockerd might not start", options = listed(.options)
    )]
    LogOptionsLeft {
        /// The declared driver.
        driver: String,
        /// The options.
        options: Vec<String>,
    },
    /// Sysbox has no package for this architecture.
    #[error("Sysbox has no package for {0}")]
    SysboxArch(String),
    /// The file names no package of this version for this architecture.
    #[error("the file names no package of Sysbox {version} for {arch}")]
    SysboxPackage {
        /// The version.
        version: String,
        /// The architecture.
        arch: String,
    },
    /// A file of this machine that has to go into the guest is not there.
    #[error("there is no file {0}")]
    FileMissing(String),
    /// What only one kind of resource knows.
    #[error("{text}")]
    Own {
        /// Its name, for programs.
        code: &'static str,
        /// The problem, for a person.
        text: String,
        /// The remedy.
        hint: String,
    },
    /// A restart is due, and the file forbids it.
    #[error("it needs a {0}, and the file says strategy = \"never\" under [restart]")]
    RestartForbidden(super::Disruption),
    /// The login user may not open the Docker socket, and nothing in the plan would change that.
    #[error("{user} may not open the Docker socket in the guest")]
    NoAccess {
        /// The login user.
        user: String,
    },
    /// Docker refuses to remove the current context.
    #[error("the Docker context {0} is the current one, which docker refuses to remove")]
    ContextInUse(String),
    /// A container that uses a Docker socket cannot be mended by `cai`.
    #[error("{0}")]
    SocketClient(ClientProblem),
    /// A context of this name leads somewhere else, and `cai` did not make it.
    #[error("the Docker context {name} leads to {host}, and cai did not make it")]
    ForeignContext {
        /// Its name.
        name: String,
        /// Where it leads.
        host: String,
    },
}

impl Problem {
    /// What to do.
    pub fn hint(&self) -> String {
        match self {
            Self::LimaMissing { install } => format!("run: {install}"),
            Self::LimaVersion { found, required, install } => {
                accepting(required, found) + &format!("run: {install}")
            }
            Self::LimaRelease { version, required } => {
                accepting(required, version)
                    + "set an accepted `release` under [lima], and its checksums \
                       under [lima.sha256]"
            }
            Self::LimaChecksum { version, platform } => format!(
                "write {platform} = \"…\" under [lima.sha256]: the digits are in SHA256SUMS, \
                 beside the archives of Lima {version}"
            ),
            Self::SshMissing => "install the OpenSSH client".into(),
            Self::DockerMissing => {
                "install the docker command line client; no daemon is needed on this machine".into()
            }
            Self::SocketPath { .. } => "choose a shorter name under [vm], or set LIMA_HOME to a \
                                        directory with a shorter path"
                .into(),
            Self::DiskShrinks { from, .. } => format!("write disk = \"{from}\" or more"),
            Self::VmState(_) => "see `limactl list`, then run cai again".into(),
            Self::LimaRefuses(_) => "fix it in containai.toml or, with limactl edit, in the VM's \
                                     lima.yaml; nothing was changed"
                .into(),
            Self::NotPreinstalled => {
                "write source = \"distro\" under [docker], or use an image with Docker".into()
            }
            Self::GroupMissing { group, meant } => {
                let meant = meant.as_ref().map(|meant| format!("did you mean {meant}? If not, "));
                let otherwise = format!("declare {group} under [[groups]], and cai adds it");
                meant.unwrap_or_default() + &otherwise
            }
            Self::GidTaken { holder, .. } => another_id("gid", "[[groups]]", holder),
            Self::UidTaken { holder, .. } => another_id("uid", "[[users]]", holder),
            Self::DaemonJson(_) => "mend it or remove it in the guest, then run cai again".into(),
            Self::UnknownRuntime(name) => format!(
                "in the guest, define {name} under \"runtimes\" in that file, or remove \
                 \"default-runtime\" from it"
            ),
            Self::LogOptionsLeft { driver, .. } => format!(
                "write log-opts with the options of {driver} under [docker.daemon]; log-opts = {{}} \
                 removes all options"
            ),
            Self::SysboxArch(_) => "write enabled = false under [sysbox]".into(),
            Self::SysboxPackage { .. } => {
                "give [[sysbox.packages]] with its arch, url and sha256".into()
            }
            Self::FileMissing(_) => {
                "put it there, or name another; a path is seen from where containai.toml is".into()
            }
            Self::Own { hint, .. } => hint.clone(),
            Self::RestartForbidden(_) => {
                "write strategy = \"auto\", or restart by hand when it suits".into()
            }
            Self::NoAccess { .. } => "`cai doctor` shows who may, and who it is".into(),
            Self::ContextInUse(_) => {
                "make another one the current one (docker context use default), \
                 then run the command again"
                    .into()
            }
            Self::SocketClient(problem) => problem.hint(),
            Self::ForeignContext { name, .. } => format!(
                "choose another name under [context], or remove it with `docker context rm {name}`"
            ),
        }
    }
}

/// The hint to accept a version that is too new for a requirement such as "1.1". Another hint
/// follows.
fn accepting(required: &VersionReq, version: &Version) -> String {
    open_ended(required, version)
        .map(|open| format!("write version = \"{open}\" under [lima] to accept it, or "))
        .unwrap_or_default()
}

/// The hint for an id that is taken. Entries are applied in the order of the file.
fn another_id(key: &str, table: &str, holder: &str) -> String {
    format!(
        "choose another {key}, or leave {key} out to accept any; if the file gives {holder} \
         another {key}, put its entry first under {table}"
    )
}
