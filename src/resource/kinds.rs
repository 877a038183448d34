//! The table of kinds.

use std::str::FromStr;

use super::{
    DataDisk, DockerContext, Egress, File, Group, GroupMembership, LimaInstall, ProvisionDaemon,
    ProvisionDocker, ProvisionSysbox, Proxy, Resource, Restart, Socket, SocketClient, Trust, User,
    Vm, egress, file, proxy, trust,
};
use crate::config::Config;
use crate::guest::probe::Part;
use crate::model::address::{Address, Kind, NotAnAddress};
use crate::resource::record::Record;

use Placement::{Guest, Host};

/// Where the resources of a kind are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
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
    pub place: Placement,
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
        kind: Kind::DATA_DISK,
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
