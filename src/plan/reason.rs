//! Why a change is planned: an enum, so that tests and JSON can tell the reasons apart.

use std::fmt;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::{Disruption, Exposure};

use crate::docker::client::ClientCode;
use crate::guest::DockerdSettings;
use crate::host::Ping;
use crate::lima::{GUEST_SOCKET, Override, Status};
use crate::model::address::Address;
use crate::model::{in_a_line, listed};

/// Why a change is planned. In JSON, the variant's name is the `kind`, in kebab case, and what it
/// holds is the `data`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "kind", content = "data", rename_all = "kebab-case")]
pub enum Reason {
    /// It does not exist.
    Absent,
    /// These attributes differ from the file.
    Differs(Vec<String>),
    /// These attributes differ from the file and can only be set when it is created.
    ForcesReplacement(Vec<String>),
    /// `cai destroy` was run.
    Unwanted,
    /// `cai` did not create it: it does not have the mark.
    NotMadeByCai,
    /// The file declared it when it was applied before.
    NoLongerDeclared,
    /// The file declared these keys when it was applied before, and `cai` set them.
    KeysNoLongerDeclared(Vec<String>),
    /// These keys are no longer declared and stay, because `cai` found them, or they were changed
    /// since.
    KeysReleased(Vec<String>),
    /// It sets these keys under a condition that cannot be observed yet.
    MaySet(Vec<String>),
    /// Without a record, earlier declarations are unknown. No reason to change anything.
    NoRecord,
    /// Another file was applied to this VM last. No reason to change anything.
    AppliedFrom(String),
    /// Another file was applied to this VM last. The command acts on the VM as a whole.
    OtherFile(String),
    /// This file was applied to another VM, which it no longer declares. No reason to change
    /// anything: a VM is only deleted on command.
    FormerVm {
        /// The VM.
        name: String,
        /// Its Docker contexts, without the one that the file names.
        contexts: Vec<String>,
    },
    /// Docker's data is copied to this Lima disk.
    CopiesData(String),
    /// Docker's data stays on this Lima disk, which is no longer used.
    KeepsData(String),
    /// A new VM uses this existing Lima disk. No reason to change anything.
    UsesDisk(String),
    /// What a removal leaves.
    Note(&'static str),
    /// A file of the user that Lima merges into every instance affects this VM. No reason to change
    /// anything: an edit of the instance would have no effect.
    Overridden(Override),
    /// A writable mount that the change adds exposes more than a project. No reason to change anything.
    Exposes(Exposure),
    /// Lima's warning about the VM's YAML. No reason to change anything.
    LimaWarns(String),
    /// The login user opens the Docker socket as its owner, so nothing depends on its membership. No
    /// reason to change anything.
    OwnsSocket(String),
    /// The installed engine is not the package of `docker.source`. No reason to change anything: that key
    /// applies only where no engine is installed.
    OtherPackage {
        /// The installed package.
        installed: String,
        /// The package that `docker.source` would install.
        source: &'static str,
    },
    /// There is no docker command, so nobody can use the context. No reason to change anything: `cai`
    /// does not install it.
    NoDocker,
    /// The settings that the file leaves to Lima, with the values that a new VM gets.
    LeftToLima(Vec<String>),
    /// The VM is in this state.
    VmIs(Status),
    /// A start of the VM is under way.
    VmStarts,
    /// It is known only after this resource is applied.
    After(Address),
    /// The guest of a running VM does not answer; the output of the command that asked.
    GuestSilent(String),
    /// dockerd runs but does not answer even root.
    DaemonSilent(String),
    /// An engine could not be asked for its containers; the output of the command that asked.
    EngineSilent(String),
    /// A container cannot use its Docker socket, or differs from the file.
    SocketClient {
        /// What is wrong.
        code: ClientCode,
        /// Why.
        cause: String,
    },
    /// dockerd runs, but its socket in the guest is missing.
    SocketMissing,
    /// The user is not a member.
    NotMember {
        /// The user.
        user: String,
        /// The group.
        group: String,
        /// The groups that the user is in.
        configured: Vec<String>,
    },
    /// The login user joined these groups after the SSH session started that everything uses.
    SessionPredates {
        /// The login user.
        user: String,
        /// The groups that the session lacks.
        missing: Vec<String>,
        /// The groups that the session has.
        session: Vec<String>,
    },
    /// The session has these groups, which the login user is no longer in.
    SessionOutlives(Vec<String>),
    /// The plan adds the login user to these groups, and the SSH session is older.
    SessionWillPredate(Vec<String>),
    /// dockerd runs but has not loaded these keys of its configuration.
    DaemonPredates(#[schemars(with = "Vec<String>")] DaemonKeys),
    /// The plan changes these keys of dockerd's configuration.
    DaemonWillPredate(#[schemars(with = "Vec<String>")] DaemonKeys),
    /// dockerd restarts while containers run, so its bridge keeps its address.
    BridgeKept,
    /// The file gives the VM more processors than this machine has. No reason to change anything.
    MoreCpus {
        /// The file's.
        declared: u32,
        /// This machine's.
        host: u32,
    },
    /// `cai` stopped these containers for maintenance and has not started them again: it was
    /// interrupted, or they did not start.
    LeftStopped(Vec<String>),
    /// The installation of a package is incomplete.
    Unfinished {
        /// The package.
        package: &'static str,
        /// Its state as dpkg reports it.
        status: String,
    },
    /// The renewed SSH session still lacks its groups.
    RefreshHadNoEffect,
    /// The running machine differs from Lima's YAML.
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

/// Keys of dockerd's configuration, and how dockerd loads them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DaemonKeys {
    /// The keys.
    pub keys: Vec<String>,
    /// Settings outside `daemon.json`.
    pub settings: Vec<DockerdSettings>,
    /// A reload or a restart.
    pub way: Disruption,
}

impl DaemonKeys {
    /// The keys and the settings.
    pub fn all(&self) -> Vec<String> {
        let settings = self.settings.iter().map(ToString::to_string);
        self.keys.iter().cloned().chain(settings).collect()
    }
}

/// In JSON, only their names: the change itself has its disruption.
impl Serialize for DaemonKeys {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.all().serialize(serializer)
    }
}

impl fmt::Display for DaemonKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb =
            if self.way == Disruption::Reload { "reload to apply" } else { "be restarted to load" };
        write!(f, "dockerd must {verb}: {}", listed(self.all()))
    }
}

impl Reason {
    /// Whether it is only worth knowing and changes nothing.
    pub fn is_remark(&self) -> bool {
        matches!(
            self,
            Self::Overridden(_)
                | Self::Exposes(_)
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
            Self::Absent => f.write_str("does not exist"),
            Self::Differs(names) => write!(f, "differs in {}", listed(names)),
            Self::ForcesReplacement(names) => {
                write!(f, "{} cannot be changed in place", listed(names))
            }
            Self::NotMadeByCai => f.write_str("not created by cai"),
            Self::NoLongerDeclared => f.write_str("no longer in containai.toml"),
            Self::KeysNoLongerDeclared(keys) => {
                write!(f, "no longer in containai.toml: {}", listed(keys))
            }
            Self::MaySet(keys) => write!(f, "may also set {} (known after apply)", listed(keys)),
            Self::KeysReleased(keys) => write!(
                f,
                "no longer in containai.toml, but kept because cai did not set them or they changed \
                 since: {}",
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
            Self::OtherFile(file) => {
                write!(f, "another file was applied to this VM last: {}", in_a_line(file))
            }
            Self::FormerVm { name, contexts } => {
                write!(
                    f,
                    "the VM {name} is no longer in the file; cai does not delete it; to delete it with \
                     all its data, run: limactl unprotect {name} && limactl delete --force {name}"
                )?;
                contexts.iter().try_for_each(|it| write!(f, " && docker context rm {it}"))
            }
            Self::CopiesData(disk) => {
                write!(f, "Docker stops while its data is copied to the Lima disk {disk}")
            }
            Self::KeepsData(disk) => write!(
                f,
                "the data stays on the Lima disk {disk}; to delete it, run: limactl disk delete {disk}"
            ),
            Self::UsesDisk(disk) => {
                write!(f, "uses the existing Lima disk {disk} and its data")
            }
            Self::Note(why) => f.write_str(why),
            Self::Unwanted => f.write_str("to be destroyed"),
            Self::Overridden(Override { file, key, value }) => {
                let key = in_a_line(key);
                match value {
                    Some(value) => write!(f, "{file} sets {key} to {value} for every VM")?,
                    None => write!(f, "{file} affects {key} of every VM")?,
                }
                f.write_str("; cai does not change that")
            }
            Self::Exposes(exposure) => write!(f, "{exposure}"),
            Self::LimaWarns(warning) => write!(f, "Lima warns: {}", in_a_line(warning)),
            Self::OwnsSocket(user) => {
                write!(f, "{user} owns the Docker socket and does not need this group")
            }
            Self::OtherPackage { installed, source } => {
                write!(f, "the installed engine is {installed}, not {source}; cai does not replace it")
            }
            Self::NoDocker => f.write_str("the docker command, which uses the context, is not on PATH"),
            Self::LeftToLima(settings) => write!(f, "Lima's defaults: {}", listed(settings)),
            Self::VmIs(status) => f.write_str(&status.in_a_sentence()),
            Self::VmStarts => f.write_str("the VM is still starting"),
            Self::After(address) => write!(f, "known after {address}"),
            Self::GuestSilent(words) => write!(f, "the guest does not answer: {words}"),
            Self::DaemonSilent(words) => write!(f, "dockerd runs but does not answer: {words}"),
            Self::EngineSilent(words) => write!(f, "its engine does not answer: {words}"),
            Self::SocketClient { code, cause } => write!(f, "{code}: {cause}"),
            Self::SocketMissing => {
                write!(f, "the guest's Docker socket {GUEST_SOCKET} does not exist")
            }
            Self::NotMember { user, group, configured } => {
                write!(f, "{user} is not in group {group}")?;
                match configured.as_slice() {
                    [] => Ok(()),
                    groups => write!(f, " (groups: {})", listed(groups)),
                }
            }
            Self::SessionPredates { user, missing, .. } => write!(
                f,
                "{user} was added to {} after the current SSH session started",
                listed(missing)
            ),
            Self::SessionOutlives(groups) => {
                write!(f, "the current SSH session stays in group {} until it is renewed", listed(groups))
            }
            Self::SessionWillPredate(groups) => {
                write!(f, "the current SSH session will not be in group {}", listed(groups))
            }
            Self::DaemonPredates(keys) | Self::DaemonWillPredate(keys) => write!(f, "{keys}"),
            Self::BridgeKept => f.write_str(
                "dockerd keeps its bridge address while any container is running; bip takes effect the \
                 next time dockerd starts with no containers running",
            ),
            Self::MoreCpus { declared, host } => {
                write!(f, "the file gives the VM {declared} CPUs, but this machine has {host}")
            }
            Self::LeftStopped(names) => write!(
                f,
                "cai stopped {} and did not start {} again",
                listed(names),
                if names.len() == 1 { "it" } else { "them" }
            ),
            Self::Unfinished { package, status } => write!(
                f,
                "the installation of {package} is incomplete ({status}): it does not work, and apt \
                 fails until it is completed"
            ),
            Self::RefreshHadNoEffect => f.write_str("the renewed SSH session still lacks its groups"),
            Self::MachineDiffers { what, runs, configured } => {
                let what = if *what == "cpus" { "CPUs" } else { "of memory" };
                write!(f, "the VM runs with {runs} {what} instead of the configured {configured}")
            }
            Self::SocketExposed => f.write_str(
                "other users of this machine can open the host socket, which makes them root in the VM",
            ),
            Self::ForwardDead(ping) => {
                write!(f, "dockerd answers in the guest, but the host socket {ping}")
            }
        }
    }
}
