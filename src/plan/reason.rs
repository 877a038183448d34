//! Why a change is planned: an enum, so that tests and JSON can tell the reasons apart.

use std::fmt;

use serde::Serialize;

use crate::docker::client::ClientCode;
use crate::host::Ping;
use crate::lima::{GUEST_SOCKET, Override, Status};
use crate::model::address::Address;
use crate::model::{in_a_line, listed};

/// Why a change is planned. In JSON, the variant's name is the `kind`, in kebab case, and what it
/// holds is the `data`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", content = "data", rename_all = "kebab-case")]
pub enum Reason {
    /// There is no such thing yet.
    Absent,
    /// These attributes are not what the file says.
    Differs(Vec<String>),
    /// These attributes are not what the file says, and can only be those of a new one.
    ForcesReplacement(Vec<String>),
    /// The command was to destroy it.
    Unwanted,
    /// `cai` did not make it: it does not carry the mark.
    NotMadeByCai,
    /// The file declared it when it was applied before.
    NoLongerDeclared,
    /// The file declared these keys when it was applied before, and `cai` set them.
    KeysNoLongerDeclared(Vec<String>),
    /// These keys are no longer declared and stay, because `cai` found them, or they were changed
    /// since.
    KeysReleased(Vec<String>),
    /// Without a record, earlier declarations are unknown. No reason to change anything.
    NoRecord,
    /// Another file was applied to this VM last. No reason to change anything.
    AppliedFrom(String),
    /// This file was applied to another VM, which it no longer declares. No reason to change
    /// anything: a VM is only deleted on command.
    FormerVm {
        /// The VM.
        name: String,
        /// Its Docker contexts, without the one that the file names.
        contexts: Vec<String>,
    },
    /// What a removal leaves.
    Note(&'static str),
    /// A file of the user's that Lima merges into every instance has a say in this VM. No reason
    /// to change anything: an edit of the instance would have no effect.
    Overridden(Override),
    /// Lima warns of something in the VM's YAML; its output. No reason to change anything.
    LimaWarns(String),
    /// The login user opens the Docker socket as its owner, so nothing depends on its membership. No
    /// reason to change anything.
    OwnsSocket(String),
    /// The engine was there before, and is another package than a new one would be. No reason to
    /// change anything: `docker.source` says what is installed where there is no engine.
    OtherPackage {
        /// The package that is installed.
        installed: String,
        /// The one that would be.
        source: &'static str,
    },
    /// There is no docker command, so nobody can use the context. No reason to change anything: it
    /// is not for `cai` to install.
    NoDocker,
    /// The VM is in this state.
    VmIs(Status),
    /// A start of the VM is under way.
    VmStarts,
    /// It can only be looked at after this resource is applied.
    After(Address),
    /// The guest of a running VM does not answer; the words of the command that asked.
    GuestSilent(String),
    /// dockerd runs and does not answer even root.
    DaemonSilent(String),
    /// An engine could not be asked for its containers; the words of the command that asked.
    EngineSilent(String),
    /// A container that uses a Docker socket cannot, or is not as the file says.
    SocketClient {
        /// What is wrong.
        code: ClientCode,
        /// Why.
        cause: String,
    },
    /// dockerd runs, and the file of its socket in the guest is gone.
    SocketMissing,
    /// The user is not a member.
    NotMember {
        /// The user.
        user: String,
        /// The groups whose member the user is.
        configured: Vec<String>,
    },
    /// The login user is in these groups, but the session that everything rides on began before.
    SessionPredates {
        /// The groups that the session lacks.
        missing: Vec<String>,
        /// The groups that the session has.
        session: Vec<String>,
    },
    /// The session has these groups, which the login user is no longer in.
    SessionOutlives(Vec<String>),
    /// The login user joins these groups by this plan, after the session began.
    SessionWillPredate(Vec<String>),
    /// dockerd runs, and has not loaded these keys of its configuration.
    DaemonPredates(Vec<String>),
    /// These keys of dockerd's configuration change by this plan.
    DaemonWillPredate(Vec<String>),
    /// dockerd restarts while containers run, and its bridge keeps its address.
    BridgeKept,
    /// The file gives the VM more processors than this machine has. No reason to change anything.
    MoreCpus {
        /// The file's.
        declared: u32,
        /// This machine's.
        host: u32,
    },
    /// `cai` stopped these containers for maintenance and was interrupted before it started them
    /// again.
    LeftStopped(Vec<String>),
    /// The installation of a package is incomplete.
    Unfinished {
        /// The package.
        package: &'static str,
        /// Its state as dpkg reports it.
        status: String,
    },
    /// The renewed session still lacks its groups.
    RefreshHadNoEffect,
    /// The machine that runs is not the one that Lima's YAML describes.
    MachineDiffers {
        /// Which property.
        what: &'static str,
        /// What the guest has.
        runs: String,
        /// What the YAML says.
        configured: String,
    },
    /// The socket on the host does not answer although dockerd does.
    ForwardDead(Ping),
    /// Other users of this machine may connect to the socket on the host.
    SocketExposed,
}

impl Reason {
    /// Whether it is only worth knowing, and changes nothing.
    pub fn is_remark(&self) -> bool {
        matches!(
            self,
            Self::Overridden(_)
                | Self::LimaWarns(_)
                | Self::OwnsSocket(_)
                | Self::OtherPackage { .. }
                | Self::NoDocker
                | Self::MoreCpus { .. }
                | Self::NoRecord
                | Self::AppliedFrom(_)
                | Self::FormerVm { .. }
        )
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("there is none yet"),
            Self::Differs(names) => write!(f, "because of {}", listed(names)),
            Self::ForcesReplacement(names) => {
                write!(f, "{} cannot change on one that exists", listed(names))
            }
            Self::NotMadeByCai => f.write_str("cai did not make it"),
            Self::NoLongerDeclared => f.write_str("no longer in containai.toml"),
            Self::KeysNoLongerDeclared(keys) => {
                write!(f, "no longer in containai.toml: {}", listed(keys))
            }
            Self::KeysReleased(keys) => write!(
                f,
                "no longer in containai.toml; kept, because cai did not set it or it was changed since: \
                 {}",
                listed(keys)
            ),
            Self::NoRecord => f.write_str(
                "the VM has no record of earlier applies, so anything already deleted from the file is \
                 not removed",
            ),
            Self::AppliedFrom(file) => write!(
                f,
                "{} was applied to this VM last; anything that only that file declares will be removed",
                in_a_line(file)
            ),
            Self::FormerVm { name, contexts } => {
                write!(
                    f,
                    "the VM {name} is no longer in the file; cai does not delete it. To delete it and \
                     everything in it: limactl unprotect {name} && limactl delete --force {name}"
                )?;
                contexts.iter().try_for_each(|it| write!(f, " && docker context rm {it}"))
            }
            Self::Note(why) => f.write_str(why),
            Self::Unwanted => f.write_str("it is to be destroyed"),
            Self::Overridden(Override { file, key, value }) => {
                let key = in_a_line(key);
                match value {
                    Some(value) => write!(f, "{file} sets {key} of every VM to {value}")?,
                    None => write!(f, "{file} has a say in {key} of every VM")?,
                }
                f.write_str(", which cai leaves as it is")
            }
            Self::LimaWarns(warning) => write!(f, "Lima warns: {}", in_a_line(warning)),
            Self::OwnsSocket(user) => {
                write!(f, "{user} owns the Docker socket and does not need this group")
            }
            Self::OtherPackage { installed, source } => {
                write!(f, "the engine is {installed}, not {source}; cai leaves it as it is")
            }
            Self::NoDocker => {
                f.write_str("there is no docker command on PATH, so the context is of no use yet")
            }
            Self::VmIs(status) => write!(f, "the VM is {status}"),
            Self::VmStarts => f.write_str("its start is not over yet"),
            Self::After(address) => write!(f, "looked at again after {address}"),
            Self::GuestSilent(words) => write!(f, "the guest does not answer: {words}"),
            Self::DaemonSilent(words) => write!(f, "dockerd runs and does not answer: {words}"),
            Self::EngineSilent(words) => write!(f, "its engine does not answer: {words}"),
            Self::SocketClient { code, cause } => write!(f, "{code}: {cause}"),
            Self::SocketMissing => {
                write!(f, "the guest's Docker socket {GUEST_SOCKET} is missing")
            }
            Self::NotMember { user, configured } if configured.is_empty() => {
                write!(f, "{user} is a member of no group")
            }
            Self::NotMember { user, configured } => {
                write!(f, "{user} is a member of: {}", listed(configured))
            }
            Self::SessionPredates { missing, session } => write!(
                f,
                "the open session predates {}; it has: {}",
                listed(missing),
                listed(session)
            ),
            Self::SessionOutlives(groups) => {
                write!(f, "the open session keeps {} until it is renewed", listed(groups))
            }
            Self::SessionWillPredate(groups) => {
                write!(f, "the open session will predate {}", listed(groups))
            }
            Self::DaemonPredates(keys) => {
                write!(f, "dockerd runs without what daemon.json says of {}", listed(keys))
            }
            Self::DaemonWillPredate(keys) => {
                write!(f, "dockerd has to take over {}", listed(keys))
            }
            Self::BridgeKept => f.write_str(
                "while a container runs, dockerd leaves its bridge as it is: bip takes effect at \
                 its first start without one",
            ),
            Self::MoreCpus { declared, host } => {
                write!(f, "the file gives the VM {declared} CPUs, but this machine has {host}")
            }
            Self::LeftStopped(names) => write!(
                f,
                "an interrupted run of cai stopped {} and did not start {} again",
                listed(names),
                if names.len() == 1 { "it" } else { "them" }
            ),
            Self::Unfinished { package, status } => write!(
                f,
                "the installation of {package} is incomplete ({status}): it does not work, and apt \
                 fails until it is finished"
            ),
            Self::RefreshHadNoEffect => f.write_str("a renewed session still lacks its groups"),
            Self::MachineDiffers { what, runs, configured } => {
                write!(f, "the VM runs with {runs} {what}, and {configured} is configured")
            }
            Self::SocketExposed => f.write_str(
                "other users of this machine may open the host socket, and be root in the VM",
            ),
            Self::ForwardDead(ping) => {
                write!(f, "dockerd answers in the guest, the host socket is {ping}")
            }
        }
    }
}
