//! Why a change cannot be done, and what to do about it.

use schemars::JsonSchema;
use semver::{Version, VersionReq};
use serde::Serialize;

use super::ClientProblem;
use crate::model::{listed, open_ended, spelled_out};

/// Why a change cannot be done. In JSON as [`Reason`](super::Reason) is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, JsonSchema)]
#[serde(tag = "kind", content = "data", rename_all = "kebab-case")]
pub enum Problem {
    /// No `limactl` on `PATH`.
    #[error("limactl is not on PATH")]
    LimaMissing {
        /// The command that installs it.
        install: String,
    },
    /// The file does not accept the installed version of Lima.
    #[error("limactl is {found}, but the file requires {}", spelled_out(.required))]
    LimaVersion {
        /// The installed version.
        #[schemars(with = "String")]
        found: Version,
        /// The requirement.
        #[schemars(with = "String")]
        required: VersionReq,
        /// The command that installs an accepted version.
        install: String,
    },
    /// The file does not accept the release of Lima that `cai` would install either.
    #[error("cai would install Lima {version}, but the file requires {}", spelled_out(.required))]
    LimaRelease {
        /// The release.
        #[schemars(with = "String")]
        version: Version,
        /// The requirement.
        #[schemars(with = "String")]
        required: VersionReq,
    },
    /// The checksum of this release of Lima is unknown.
    #[error("the checksum of Lima {version} for {platform} is unknown")]
    LimaChecksum {
        /// The release.
        #[schemars(with = "String")]
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
    /// The path of a socket of the VM is longer than the system allows.
    #[error("{path} is {length} bytes long, but the limit for a socket is {limit}")]
    SocketPath {
        /// The longest path.
        path: String,
        /// Its length in bytes.
        length: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// Lima cannot shrink a disk.
    #[error("the disk cannot shrink from {from} to {to}")]
    DiskShrinks {
        /// The present size.
        from: String,
        /// The declared size.
        to: String,
    },
    /// The VM does not exist.
    #[error("the VM does not exist")]
    NoVm,
    /// The VM is in a state that this program does not know.
    #[error("Lima reports the unknown state {0:?} for the VM")]
    VmState(String),
    /// Lima refuses the VM's new YAML; its output.
    #[error("Lima refuses this VM: {0}")]
    LimaRefuses(String),
    /// The image should contain Docker but does not.
    #[error("dockerd is not installed in the guest, but the file has source = \"preinstalled\"")]
    NotPreinstalled,
    /// A declared group does not exist in the guest.
    #[error("the group {group} does not exist in the guest")]
    GroupMissing {
        /// The group.
        group: String,
        /// A group of the guest with a similar name.
        meant: Option<String>,
    },
    /// Another group of the guest has the declared gid.
    #[error("gid {gid} belongs to group {holder}")]
    GidTaken {
        /// The id.
        gid: u32,
        /// The group that has it.
        holder: String,
    },
    /// Another user of the guest has the declared uid.
    #[error("uid {uid} belongs to user {holder}")]
    UidTaken {
        /// The id.
        uid: u32,
        /// The user who has it.
        holder: String,
    },
    /// dockerd's configuration cannot be read; the parser's message.
    #[error("{0}")]
    DaemonJson(String),
    /// The default runtime in dockerd's configuration is not defined.
    #[error(
        "default-runtime in /etc/docker/daemon.json names {0}, which is not defined there: dockerd \
         would not start"
    )]
    UnknownRuntime(String),
    /// The new log driver would get the options of the present one.
    #[error(
        "log-opts in /etc/docker/daemon.json has options that log driver {driver} does not accept: \
         {options}; dockerd might not start", options = listed(.options)
    )]
    LogOptionsLeft {
        /// The declared driver.
        driver: String,
        /// The options.
        options: Vec<String>,
    },
    /// Sysbox does not exist for this architecture.
    #[error("Sysbox is not available for {0}")]
    SysboxArch(String),
    /// The file names no package of this version for this architecture.
    #[error("the file does not name a package of Sysbox {version} for {arch}")]
    SysboxPackage {
        /// The version.
        version: String,
        /// The architecture.
        arch: String,
    },
    /// A file of this machine that is copied into the guest does not exist.
    #[error("the file {0} does not exist")]
    FileMissing(String),
    /// A problem of only one kind of resource.
    #[error("{text}")]
    Own {
        /// Its name, for programs.
        code: &'static str,
        /// The problem, for a person.
        text: String,
        /// The remedy.
        hint: String,
    },
    /// The change needs a restart, which the file forbids.
    #[error("a {0} is required, but the file has strategy = \"never\" under [restart]")]
    RestartForbidden(super::Disruption),
    /// The login user cannot open the Docker socket, and nothing in the plan changes that.
    #[error("{user} cannot open the Docker socket in the guest")]
    NoAccess {
        /// The login user.
        user: String,
    },
    /// Docker refuses to remove the current context.
    #[error("the Docker context {0} is the current one, which docker refuses to remove")]
    ContextInUse(String),
    /// `cai` cannot fix a container that uses a Docker socket.
    #[error("{0}")]
    SocketClient(ClientProblem),
    /// A context of this name has another endpoint, and `cai` did not create it.
    #[error("the Docker context {name} has the endpoint {host} and was not created by cai")]
    ForeignContext {
        /// Its name.
        name: String,
        /// Its endpoint.
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
                "write {platform} = \"…\" under [lima.sha256], with the checksum from SHA256SUMS in the \
                 Lima {version} release"
            ),
            Self::SshMissing => "install the OpenSSH client".into(),
            Self::DockerMissing => {
                "install the docker command-line client; this machine does not need a daemon".into()
            }
            Self::SocketPath { .. } => "choose a shorter name under [vm], or set LIMA_HOME to a \
                                        directory with a shorter path"
                .into(),
            Self::DiskShrinks { from, .. } => format!("set disk = \"{from}\" or more"),
            Self::NoVm => "create it with `cai apply`".into(),
            Self::VmState(_) => "see `limactl list`, then run cai again".into(),
            Self::LimaRefuses(_) => "fix it in containai.toml or, with limactl edit, in the VM's \
                                     lima.yaml; nothing was changed"
                .into(),
            Self::NotPreinstalled => {
                "set source = \"distro\" under [docker], or use an image with Docker".into()
            }
            Self::GroupMissing { group, meant } => {
                let meant = meant.as_ref().map(|meant| format!("did you mean {meant}? If not, "));
                let otherwise = format!("declare {group} under [[groups]] so that cai creates it");
                meant.unwrap_or_default() + &otherwise
            }
            Self::GidTaken { holder, .. } => another_id("gid", "[[groups]]", holder),
            Self::UidTaken { holder, .. } => another_id("uid", "[[users]]", holder),
            Self::DaemonJson(_) => "fix or remove it in the guest, then run cai again".into(),
            Self::UnknownRuntime(name) => format!(
                "in the guest, define {name} under \"runtimes\" in that file, or remove \
                 \"default-runtime\" from it"
            ),
            Self::LogOptionsLeft { driver, .. } => format!(
                "set log-opts with the options of {driver} under [docker.daemon]; log-opts = {{}} \
                 removes all options"
            ),
            Self::SysboxArch(_) => "set enabled = false under [sysbox]".into(),
            Self::SysboxPackage { .. } => {
                "add a [[sysbox.packages]] table with arch, url and sha256".into()
            }
            Self::FileMissing(_) => {
                "create it, or name another file; paths are relative to containai.toml".into()
            }
            Self::Own { hint, .. } => hint.clone(),
            Self::RestartForbidden(_) => {
                "set strategy = \"auto\"; or, at a convenient time, run `cai stop`, then `cai apply`".into()
            }
            Self::NoAccess { .. } => "`cai doctor` shows who can open it".into(),
            Self::ContextInUse(_) => {
                "switch to another context (docker context use default), then run the command again"
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
        "choose another {key}, or omit {key} to accept any {key}; if the file gives {holder} \
         another {key}, put its entry first under {table}"
    )
}
