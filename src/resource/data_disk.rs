//! The Lima disk with Docker's data, in the guest: dockerd's directories are mounted from it. The disk itself is
//! a part of the VM.

use serde::Serialize;

use super::record::{Record, Recorded};
use super::removal::{Removable, Removal};
use super::vm_ref::{VmRef, in_seen_guest, recorded};
use super::{
    PlanContext, ProvisionDocker, ProvisionSysbox, Resource, Restart, containers, restrained,
};
use crate::config::{Config, Strategy};
use crate::guest::data_disk::{DIRECTORIES, docker_on, files, units};
use crate::guest::probe::Look;
use crate::guest::{GuestFacts, GuestFile, Operation, Sums};
use crate::lima::{Disk, Ssh};
use crate::model::VmName;
use crate::model::address::{Address, Kind};
use crate::plan::{Action, Change, Disruption, Hides, Observation, Reason, Step, Stored};
use crate::resource::facts::Facts;
use crate::resource::provision::stored;

pub(super) const KIND: Kind = Kind::new("data_disk");

/// The sections of the guest's document.
const SUMS: &str = "data_disk_sums";
const MOUNTED: &str = "data_disk_mounted";
const CONTENTS: &str = "data_disk_contents";

/// The key of the file, as a plan shows it.
const KEY: &str = "vm.data_disk";

/// The Lima disk with Docker's data.
#[derive(Debug)]
pub struct DataDisk {
    address: Address,
    vm: VmRef,
    requires: Vec<Address>,
    strategy: Strategy,
    on: Mounted,
}

/// A disk, and the units that mount it.
#[derive(Debug)]
struct Mounted {
    vm: VmRef,
    disk: String,
    files: Vec<GuestFile>,
}

/// The state of a disk in the guest.
#[derive(Debug, PartialEq, Serialize)]
struct State<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    disk: Option<&'a str>,
    /// The directories that are on it.
    directories: Vec<&'static str>,
    units: &'static str,
}

impl DataDisk {
    /// As the file declares it; nothing if it does not.
    pub fn new(config: &Config) -> Option<Self> {
        config.vm.data_disk?;
        let vm = VmRef::of(config);
        let mut requires = vec![vm.address.clone(), ProvisionDocker::own_address()];
        // Docker starts the containers on the disk, which may need Sysbox.
        requires.extend(ProvisionSysbox::new(config).map(|sysbox| sysbox.address().clone()));
        Some(Self {
            address: Self::address_of(&vm.name),
            requires,
            strategy: config.restart.strategy,
            on: Mounted::of(&vm),
            vm,
        })
    }

    fn address_of(vm: &VmName) -> Address {
        Address::new(KIND, vm.as_str())
    }

    /// The removal of a disk that the file no longer declares.
    pub fn removal(config: &Config, _: &Record, address: &Address) -> Option<Box<dyn Resource>> {
        let vm = VmRef::of(config);
        let vm_address = vm.address.clone();
        // While the disk is mounted, the VM must not start without it.
        Some(Removal::new(address, Vec::new(), Mounted::of(&vm)).before(vec![vm_address]).boxed())
    }

    /// Whether the VM must keep a disk that the file does not declare, because the guest still mounts it.
    pub(super) fn is_needed(vm: &VmName, facts: &Facts, earlier: &[Change]) -> bool {
        let address = Self::address_of(vm);
        let goes = |change: &Change| {
            (&change.address, change.action) == (&address, Action::Delete)
                && change.problem.is_none()
        };
        facts.recorded(&address).is_some() && !earlier.iter().any(goes)
    }

    /// The disk that keeps Docker's data if the VM is deleted.
    pub(super) fn kept(vm: &VmName, facts: &Facts) -> Option<String> {
        let disk = Disk::name_for(vm);
        let is_attached = facts.vm.present()?.has_disk(&disk);
        let is_used = match facts.guest.present() {
            Some(guest) if guest.document.section(MOUNTED).is_some() => !mounted(guest).is_empty(),
            _ => facts.recorded(&Self::address_of(vm)).is_some(),
        };
        (is_attached && is_used).then_some(disk)
    }

    fn wanted(&self) -> State<'_> {
        let directories = DIRECTORIES.map(|(_, path)| path).to_vec();
        State { disk: Some(&self.on.disk), directories, units: "as written" }
    }

    fn update(&self, guest: &GuestFacts, facts: &Facts, ssh: &Ssh) -> Change {
        let change = Change::towards(&self.address, self.on.actual(guest), self.wanted());
        if change.is_without_effect() {
            return change;
        }
        let hidden = self.on.hidden(guest).filter(|_| mounted(guest).is_empty());
        let has_data = self.on.may_have_data(guest, facts);
        let (hides, copies) = if has_data { (hidden, None) } else { (None, hidden) };
        let copies = copies.map(|_| Reason::CopiesData(self.on.disk.clone()));
        let change = copies.into_iter().fold(change, Change::because);
        let move_data = Operation::MoveData { disk: &self.on.disk, files: &self.on.files };
        let step = Step::run("move Docker's data to the disk", move_data.command(ssh));
        restrained(around_docker(change, hides, step, guest, ssh), self.strategy)
    }
}

impl DataDisk {
    /// In a guest that was not observed, Docker may run and have data.
    fn unseen(&self, facts: &Facts) -> Change {
        let change = self.vm.unseen(&self.address, self.wanted(), facts);
        if change.action != Action::Deferred {
            return change.disturbing(Disruption::DaemonRestart, Some(&[]));
        }
        let hides = Hides {
            vm: self.vm.name.to_string(),
            keys: vec![KEY.into()],
            stored: None,
            running: Vec::new(),
        };
        let is_known = facts.recorded(&self.address).is_some() || facts.data_disk.is_none();
        change
            .falling_back(Disruption::DaemonRestart, None)
            .hiding_data((!is_known).then_some(hides))
    }
}

/// Stops Docker and its containers for a step, and starts them again.
fn around_docker(
    change: Change,
    hides: Option<Hides>,
    step: Step,
    guest: &GuestFacts,
    ssh: &Ssh,
) -> Change {
    let change = change
        .disturbing(Disruption::DaemonRestart, guest.containers.as_deref())
        .hiding_data(hides);
    let change = containers::remember(change, guest, ssh).step(step);
    let change = containers::or_resume(change, ssh);
    let start = Operation::RestartDocker { restore: false }.command(ssh);
    containers::resume(change.step(Step::run("start Docker with its data there", start)), ssh)
}

/// The directories of Docker's that are mounted.
fn mounted(guest: &GuestFacts) -> Vec<&'static str> {
    let states = guest.document.lines(MOUNTED);
    let all = DIRECTORIES.iter().zip(states);
    all.filter(|(_, state)| *state == "active").map(|((_, path), _)| *path).collect()
}

impl Mounted {
    fn of(vm: &VmRef) -> Self {
        let disk = Disk::name_for(&vm.name);
        Self { vm: vm.clone(), files: files(&disk), disk }
    }

    /// `None` if the guest does not use it.
    fn actual(&self, guest: &GuestFacts) -> Option<State<'_>> {
        let (sums, directories) = (Sums::of(&guest.document, SUMS), mounted(guest));
        if directories.is_empty() && !self.files.iter().any(|file| sums.has(&file.path)) {
            return None;
        }
        Some(State { disk: Some(&self.disk), directories, units: sums.compare(&self.files) })
    }

    fn looks(&self) -> Vec<Look> {
        let paths: Vec<&str> = self.files.iter().map(|file| &*file.path).collect();
        let units = units();
        let units: Vec<&str> = units.iter().map(String::as_str).collect();
        vec![
            Look::new(SUMS, "sha256sum", &paths),
            Look::new(MOUNTED, "systemctl is-active", &units),
            Look::new(CONTENTS, "stat -c %n", &[&docker_on(&self.disk)]),
        ]
    }

    /// Whether data is on the disk already. Only a guest with the disk knows.
    fn may_have_data(&self, guest: &GuestFacts, facts: &Facts) -> bool {
        let path = docker_on(&self.disk);
        let is_attached = facts.vm.present().is_some_and(|vm| vm.has_disk(&self.disk));
        let has_docker = guest.document.lines(CONTENTS).any(|line| line == path);
        has_docker || (!is_attached && facts.data_disk.is_some())
    }

    /// The data in dockerd's present store, which it will no longer show.
    fn hidden(&self, guest: &GuestFacts) -> Option<Hides> {
        let stored = stored(guest);
        let is_empty = stored.is_some_and(Stored::is_empty);
        let vm = self.vm.name.to_string();
        (!is_empty).then(|| Hides { vm, keys: vec![KEY.into()], stored, running: Vec::new() })
    }
}

impl Resource for DataDisk {
    fn address(&self) -> &Address {
        &self.address
    }

    fn requires(&self) -> Vec<Address> {
        self.requires.clone()
    }

    fn notifies(&self) -> Vec<Address> {
        vec![Restart::address_of(&self.vm.name)]
    }

    fn looks(&self) -> Vec<Look> {
        self.on.looks()
    }

    fn plan(&self, context: PlanContext<'_>) -> Change {
        match self.vm.seen(context.facts) {
            Some((guest, ssh)) => self.update(guest, context.facts, &ssh),
            None => self.unseen(context.facts),
        }
    }

    fn recorded(&self, facts: &Facts) -> Option<Recorded> {
        recorded(facts, |guest| self.on.actual(guest).is_some())
    }
}

impl Removable for Mounted {
    type State<'a> = State<'a>;

    fn actual<'a>(&'a self, facts: &'a Facts) -> Observation<State<'a>> {
        in_seen_guest(facts, |guest| self.actual(guest))
    }

    fn looks(&self) -> Vec<Look> {
        Self::looks(self)
    }

    fn delete(&self, change: Change, facts: &Facts) -> Change {
        let Some((guest, ssh)) = self.vm.seen(facts) else { return change };
        let paths: Vec<&str> = self.files.iter().map(|file| &*file.path).collect();
        let unmount = Operation::RemoveDataDisk(&paths).command(&ssh);
        let step = Step::run("unmount the disk with Docker's data", unmount);
        let change = change.because(Reason::KeepsData(self.disk.clone()));
        around_docker(change, self.hidden(guest), step, guest, &ssh)
    }
}
