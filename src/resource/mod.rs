//! The kinds of resources. Each declares, observes, plans and removes its own.
//!
//! A new kind is one file here, and one line in [`KINDS`].

mod case;
mod containers;
mod context;
mod data_disk;
mod diagnosis;
mod egress;
pub mod facts;
mod file;
mod group;
mod group_membership;
pub mod import;
mod lima_install;
mod provision;
mod proxy;
pub mod record;
mod removal;
mod restart;
mod socket;
pub mod socket_client;
mod trust;
mod user;
mod vm;
mod vm_ref;
mod watch_service;

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::config::{Config, Strategy};
use crate::guest::probe::{Look, Part};
use crate::guest::{Contents, Operation, sent_file};
use crate::lima::Ssh;
use crate::model::ContextName;
use crate::model::address::{Address, Kind, NotAnAddress};
use crate::plan::{Change, Disruption, Problem, SideEffect, Step};
use crate::resource::facts::Facts;
use crate::resource::record::{Record, Recorded};

pub use case::Case;
pub use context::DockerContext;
pub use data_disk::DataDisk;
pub use diagnosis::diagnose;
pub use egress::Egress;
pub use file::File;
pub use group::Group;
pub use group_membership::GroupMembership;
pub use lima_install::LimaInstall;
pub use provision::{ProvisionDaemon, ProvisionDocker, ProvisionSysbox};
pub use proxy::Proxy;
pub use restart::Restart;
pub use socket::Socket;
pub use socket_client::SocketClient;
pub use trust::Trust;
pub use user::User;
pub use vm::{Places, Power, Vm, template};
pub use watch_service::WatchService;

use Place::{Guest, Host};

/// A resource that the file declares, or that is to be removed.
pub trait Resource: fmt::Debug + Send + Sync {
    /// Its address.
    fn address(&self) -> &Address;

    /// The resources that must be applied before it.
    fn requires(&self) -> Vec<Address>;

    /// The resources that must see its change.
    fn notifies(&self) -> Vec<Address> {
        Vec::new()
    }

    /// Plans its change. A pure function: the same facts give the same change.
    fn plan(&self, context: PlanContext<'_>) -> Change;

    /// Its own sections of the guest's probe.
    fn looks(&self) -> Vec<Look> {
        Vec::new()
    }

    /// The files of this machine that it reads.
    fn host_files(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    /// The Docker context of this machine that it removes.
    fn docker_context(&self) -> Option<&ContextName> {
        None
    }

    /// The resource in terms of the record. `None` if the record does not list its kind, or it could not be
    /// observed.
    fn recorded(&self, _facts: &Facts) -> Option<Recorded> {
        None
    }
}

/// The input of a resource's plan.
#[derive(Debug, Clone, Copy)]
pub struct PlanContext<'a> {
    /// The observed facts.
    pub facts: &'a Facts,
    /// The changes of the resources before it in the graph, of the same file.
    pub earlier: &'a [Change],
    /// The disruption that this run already tried without effect. The next stronger one is due.
    pub tried: Disruption,
}

impl<'a> PlanContext<'a> {
    /// The changes of a kind among those before this resource.
    pub fn earlier(&self, kind: Kind) -> impl Iterator<Item = &'a Change> {
        self.earlier.iter().filter(move |change| change.address.kind == kind)
    }

    /// Whether one of them has such an effect.
    pub fn causes(&self, is_such: impl Fn(&SideEffect) -> bool) -> bool {
        self.side_effects().any(is_such)
    }

    /// The side effects of the changes before this resource.
    pub fn side_effects(&self) -> impl Iterator<Item = &'a SideEffect> {
        self.earlier.iter().flat_map(|change| &change.side_effects)
    }
}

/// Where the resources of a kind are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// On this machine. They outlive the VM.
    Host,
    /// In the guest, or they exist only while it runs. In a stopped VM they stay as they are.
    Guest,
}

/// One kind.
#[derive(Debug, Clone, Copy)]
pub struct KindEntry {
    /// Its name.
    pub kind: Kind,
    /// Where its resources are.
    pub place: Place,
    /// The part of the guest that its steps can change. If that is all of it, they can change this
    /// machine as well.
    pub changes: Part,
    /// Makes the resources that a file declares.
    pub declare: fn(&Config) -> Vec<Box<dyn Resource>>,
    /// Makes the removal of a recorded resource that the file does not declare. `None` if nothing is
    /// to be removed.
    pub remove: Remove,
}

type Remove = fn(&Config, &Record, &Address) -> Option<Box<dyn Resource>>;

/// For kinds without removals: they are not recorded, are deleted with the VM, or remove keys in their own
/// change.
const NEVER: Remove = |_, _, _| None;

/// All kinds, in the order in which a plan lists independent ones.
pub const KINDS: &[KindEntry] = &[
    KindEntry {
        kind: Kind::LIMA_INSTALL,
        place: Host,
        changes: Part::Whole,
        declare: |config| one(LimaInstall::new(config)),
        remove: NEVER,
    },
    KindEntry {
        kind: Kind::VM,
        place: Host,
        changes: Part::Whole,
        declare: |config| one(Vm::new(config)),
        remove: NEVER,
    },
    KindEntry {
        kind: Kind::GROUP,
        place: Guest,
        changes: Part::System,
        declare: |config| many(Group::all(config)),
        remove: Group::removal,
    },
    KindEntry {
        kind: Kind::USER,
        place: Guest,
        changes: Part::System,
        declare: |config| many(User::all(config)),
        remove: User::removal,
    },
    KindEntry {
        kind: file::KIND,
        place: Guest,
        changes: Part::System,
        declare: |config| many(File::all(config)),
        remove: File::removal,
    },
    KindEntry {
        kind: proxy::KIND,
        place: Guest,
        changes: Part::System,
        declare: |config| many(Proxy::new(config)),
        remove: Proxy::removal,
    },
    KindEntry {
        kind: trust::KIND,
        place: Guest,
        changes: Part::System,
        declare: |config| many(Trust::all(config)),
        remove: Trust::removal,
    },
    KindEntry {
        kind: egress::KIND,
        place: Guest,
        changes: Part::System,
        declare: |config| many(Egress::new(config)),
        remove: Egress::removal,
    },
    KindEntry {
        kind: data_disk::KIND,
        place: Guest,
        changes: Part::Whole,
        declare: |config| many(DataDisk::new(config)),
        remove: DataDisk::removal,
    },
    KindEntry {
        kind: Kind::PROVISION,
        place: Guest,
        changes: Part::Whole,
        declare: |config| one(ProvisionDaemon::new(config)),
        remove: NEVER,
    },
    KindEntry {
        kind: Kind::PROVISION,
        place: Guest,
        changes: Part::Whole,
        declare: |config| one(ProvisionDocker::new(config)),
        remove: NEVER,
    },
    KindEntry {
        kind: Kind::PROVISION,
        place: Guest,
        changes: Part::Whole,
        declare: |config| many(ProvisionSysbox::new(config)),
        remove: ProvisionSysbox::removal,
    },
    KindEntry {
        kind: Kind::GROUP_MEMBERSHIP,
        place: Guest,
        changes: Part::System,
        declare: |config| many(GroupMembership::all(config)),
        remove: GroupMembership::removal,
    },
    KindEntry {
        kind: Kind::RESTART,
        place: Guest,
        changes: Part::Whole,
        declare: |config| one(Restart::new(config)),
        remove: NEVER,
    },
    KindEntry {
        kind: Kind::SOCKET,
        place: Guest,
        changes: Part::Whole,
        declare: |config| one(Socket::new(config)),
        remove: NEVER,
    },
    KindEntry {
        kind: Kind::CONTEXT,
        place: Host,
        changes: Part::Whole,
        declare: |config| one(DockerContext::new(config)),
        remove: DockerContext::removal,
    },
    KindEntry {
        kind: Kind::SOCKET_CLIENT,
        place: Host,
        changes: Part::Whole,
        declare: |config| many(SocketClient::all(config)),
        remove: SocketClient::removal,
    },
];

impl KindEntry {
    /// Whether a plan of this file may look at its resources.
    fn is_within_reach(&self, config: &Config) -> bool {
        self.place == Host || config.vm.running
    }
}

/// The part of the guest that the steps of a kind can change.
pub fn changed_by(kind: Kind) -> Part {
    let entry = KINDS.iter().find(|entry| entry.kind == kind);
    entry.map_or(Part::Whole, |entry| entry.changes)
}

/// The displayed form, without a scope, of a known kind.
impl FromStr for Address {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        let (name, rest) = text.split_once('.').ok_or(NotAnAddress)?;
        let mut kinds = KINDS.iter().map(|entry| entry.kind);
        let kind = kinds.find(|kind| kind.name() == name).ok_or(NotAnAddress)?;
        Ok(Self::new(kind, rest))
    }
}

/// The resources that a file declares, and the removals of what the record lists and the file no
/// longer declares.
pub fn all(config: &Config, record: Option<&Record>) -> Vec<Box<dyn Resource>> {
    let kinds = KINDS.iter().filter(|kind| kind.is_within_reach(config));
    let mut resources: Vec<_> = kinds.flat_map(|kind| (kind.declare)(config)).collect();
    if let Some(record) = record {
        // First, so that a new account can have the id of a deleted one.
        resources.splice(..0, removals(config, record, &resources));
    }
    resources
}

fn removals(
    config: &Config,
    record: &Record,
    declared: &[Box<dyn Resource>],
) -> Vec<Box<dyn Resource>> {
    let is_declared = |address: &Address| declared.iter().any(|it| it.address() == address);
    let former = record.addresses().filter(|address| !is_declared(address));
    former
        .filter_map(|address| {
            let kinds = KINDS.iter().filter(|kind| kind.is_within_reach(config));
            let mut kinds = kinds.filter(|kind| kind.kind == address.kind);
            kinds.find_map(|kind| (kind.remove)(config, record, &address))
        })
        .collect()
}

fn one(resource: impl Resource + 'static) -> Vec<Box<dyn Resource>> {
    vec![Box::new(resource)]
}

fn many<R: Resource + 'static>(resources: impl IntoIterator<Item = R>) -> Vec<Box<dyn Resource>> {
    resources.into_iter().map(|resource| Box::new(resource) as Box<dyn Resource>).collect()
}

/// The resources that the guest needs before it downloads something.
fn for_downloads(config: &Config) -> impl Iterator<Item = Address> + '_ {
    Proxy::declared(config)
        .into_iter()
        .chain(Trust::all(config).map(|trust| trust.address().clone()))
}

/// A file that is copied into the guest.
struct Pushed<'a> {
    from: Contents<'a>,
    to: &'a str,
    sha256: &'a str,
    /// In octal digits.
    mode: &'a str,
    /// The user and the group.
    owner: (&'a str, &'a str),
}

impl Pushed<'_> {
    /// Adds the steps that copy it. `what` names the file.
    fn steps(&self, change: Change, what: &str, ssh: &Ssh) -> Change {
        let Self { from, to, sha256, mode, owner } = *self;
        let sent = sent_file(to);
        let copy = Operation::Send { from, to: &sent };
        let place = Operation::Place { sent: &sent, to, sha256, mode, owner };
        change
            .step(Step::run(format!("copy {what}"), copy.command(ssh)))
            .step(Step::run(format!("move {what} into place"), place.command(ssh)))
    }
}

/// Refuses a restart that would stop a container or the VM if the file says
/// `strategy = "never"`. If containers cannot be listed, some are assumed to run.
fn restrained(change: Change, strategy: Strategy) -> Change {
    let restart = change.disruption;
    let stops = match restart {
        Disruption::VmRestart => true,
        Disruption::DaemonRestart | Disruption::SysboxRestart => {
            change.stops.as_ref().is_none_or(|stops| !stops.is_empty())
        }
        _ => false,
    };
    if strategy == Strategy::Never && stops && change.problem.is_none() {
        return change.blocked(Problem::RestartForbidden(restart));
    }
    change
}
