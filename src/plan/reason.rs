//! Why a change is planned: an enum, so that tests and JSON can tell the reasons apart.

mod text;

use std::fmt;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::{Disruption, Exposure};

use crate::docker::client::ClientCode;
use crate::guest::DockerdSettings;
use crate::host::Ping;
use crate::lima::{LimaOverride, Status};
use crate::model::address::Address;
use crate::model::listed;

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
        /// The Lima disk with its Docker data.
        disk: Option<String>,
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
    Overridden(LimaOverride),
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
