//! The Lima disk with Docker's data, in the guest: dockerd's directories are mounted from it. The disk itself is
//! a part of the VM.

use std::path::Path;

use serde::Serialize;

use super::record::{Record, Recorded};
use super::removal::{Removable, Removal};
use super::vm_ref::{VmRef, in_seen_guest, recorded};
use super::{PlanContext, Resource, Restart, containers, restrained};
use crate::config::{Config, Strategy};
use crate::guest::data_disk::{DIRECTORIES, docker_on, files};
use crate::guest::probe::Look;
use crate::guest::{GuestFacts, GuestFile, Operation, Sums};
use crate::lima::{Disk, Ssh};
use crate::model::VmName;
use crate::model::address::{Address, Kind};
use crate::plan::{Action, Change, Disruption, Hides, Observation, Problem, Reason, Step, Stored};
use crate::resource::facts::Facts;
use crate::resource::provision::stored;

/// The sections of the guest's document.
const SUMS: &str = "data_disk_sums";
const MOUNTS: &str = "data_disk_mounts";
const CONTENTS: &str = "data_disk_contents";

/// The key of the file, as a plan shows it.
const KEY: &str = "vm.data_disk";

/// The Lima disk with Docker's data.
#[derive(Debug)]
pub struct DataDisk {
    address: Address,
    vm: VmRef,
    strategy: Strategy,
    units: DiskUnits,
}

/// A disk, and the units that mount it.
#[derive(Debug)]
struct DiskUnits {
    vm: VmRef,
    disk: String,
    files: Vec<GuestFile>,
}

/// The state of a disk in the guest.
#[derive(Debug, PartialEq, Serialize)]
struct State<'a> {
    disk: &'a str,
    /// The directories that are on it.
    directories: Vec<&'static str>,
    units: &'static str,
}

impl DataDisk {
    /// As the file declares it; nothing if it does not.
    pub fn new(config: &Config) -> Option<Self> {
        let address = Self::declared(config)?;
        let (vm, strategy) = (VmRef::of(config), config.restart.strategy);
        let units = DiskUnits::new(vm.clone(), Disk::name_for(&vm.name));
        Some(Self { address, vm, strategy, units })
    }

    /// Its address, if the file declares it.
    pub(super) fn declared(config: &Config) -> Option<Address> {
        config.vm.data_disk.map(|_| Self::address_of(&config.vm.name))
    }

    pub(super) fn address_of(vm: &VmName) -> Address {
        Address::new(Kind::DATA_DISK, vm.as_str())
    }

    /// The removal of a disk that the file no longer declares.
    pub fn removal(config: &Config, _: &Record, address: &Address) -> Option<Box<dyn Resource>> {
        let vm = VmRef::of(config);
        let before = vec![vm.address.clone()];
        // The VM had this name when the disk was made.
        let disk = Disk::name_for(&address.name().parse().ok()?);
        // Unmount the disk before it is detached from the VM.
        let units = DiskUnits::new(vm, disk);
        Some(Removal::new(address, Vec::new(), units).before(before).boxed())
    }

    /// Whether the guest mounts a disk for Docker's data. Docker does not start if the VM has no such disk.
    pub(super) fn is_mounted(vm: &VmName, facts: &Facts) -> bool {
        match facts.guest.present() {
            Some(guest) => guest.mounts_data_disk,
            None => facts.vm.present().is_some_and(|it| it.has_disk(&Disk::name_for(vm))),
        }
    }

    /// Whether an earlier change unmounts it, for which Docker stops with all containers.
    pub(super) fn is_unmounted(vm: &VmName, earlier: &[Change]) -> bool {
        let address = Self::address_of(vm);
        let deletes =
            |it: &&Change| it.address.kind == address.kind && it.address.name() == address.name();
        let mut deletions = earlier.iter().filter(deletes);
        deletions.any(|change| change.action == Action::Delete && change.problem.is_none())
    }

    /// The disk that keeps Docker's data if the VM is deleted.
    pub(super) fn kept(vm: &VmName, facts: &Facts) -> Option<String> {
        let disk = Disk::name_for(vm);
        let is_used = match facts.guest.present() {
            Some(guest) if guest.document.section(MOUNTS).is_some() => {
                mounted(guest).len() == DIRECTORIES.len()
            }
            Some(guest) => guest.mounts_data_disk,
            None => facts.recorded(&Self::address_of(vm)).is_some(),
        };
        (is_used && facts.vm.present()?.has_disk(&disk)).then_some(disk)
    }

    fn wanted(&self) -> State<'_> {
        let directories = DIRECTORIES.map(|(_, path)| path).to_vec();
        State { disk: &self.units.disk, directories, units: "as written" }
    }

    fn update(&self, guest: &GuestFacts, facts: &Facts, ssh: &Ssh) -> Change {
        let units = &self.units;
        let actual = units.actual(guest);
        // With the units, Docker cannot have used the VM's own disk.
        let is_new = actual.is_none() && !guest.mounts_data_disk;
        let change = Change::towards(&self.address, actual, self.wanted());
        if change.is_without_effect() {
            return change;
        }
        if let Some(problem) = elsewhere(guest) {
            return change.blocked(problem);
        }
        let hidden = units.hidden(guest).filter(|_| is_new);
        let (change, hides) = match hidden {
            Some(data) if units.may_have_data(guest, facts) => (change, Some(data)),
            Some(_) => (change.because(Reason::CopiesData(units.disk.clone())), None),
            None => (change, None),
        };
        let move_data = Operation::MoveData { disk: &units.disk, files: &units.files };
        let title = format!("put Docker's data on the Lima disk {}", units.disk);
        let step = Step::run(title, move_data.command(ssh));
        restrained(around_docker(change, hides, step, guest, ssh), self.strategy)
    }

    /// In a guest that was not observed, Docker may run and have data.
    fn unseen(&self, facts: &Facts) -> Change {
        let change = self.vm.unseen(&self.address, self.wanted(), facts);
        if change.action != Action::Deferred {
            return change.disturbing(Disruption::DaemonRestart, Some(&[]));
        }
        let may_hide = facts.recorded(&self.address).is_none() && facts.data_disk.is_some();
        let hides = may_hide.then(|| self.units.hides(None));
        change.falling_back(Disruption::DaemonRestart, None).hiding_data(hides)
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
    let change = change.hiding_data(hides);
    if !guest.docker_runs() && guest.containers.as_ref().is_some_and(Vec::is_empty) {
        return change.step(step);
    }
    let change = change.disturbing(Disruption::DaemonRestart, guest.containers.as_deref());
    let change = containers::remember(change, guest, ssh).step(step);
    let change = containers::or_resume(change, ssh);
    let start = Operation::RestartDocker { restore: false }.command(ssh);
    containers::resume_early(change.step(Step::run("start Docker", start)), ssh)
}

/// Why the data cannot be moved: dockerd has it somewhere else.
fn elsewhere(guest: &GuestFacts) -> Option<Problem> {
    let in_force = guest.engine.as_ref().and_then(|engine| engine.in_force.get("data-root"));
    let keys = guest.daemon_json.keys().unwrap_or_default();
    let root = in_force.or(keys.get("data-root"))?.as_str()?;
    let (_, usual) = DIRECTORIES[0];
    (!Path::new(root).starts_with(usual)).then(|| Problem::Own {
        code: "data-root",
        text: format!("dockerd keeps its data in {root}, not in {usual}"),
        hint: "remove data-root from daemon.json in the VM, or data_disk from the file".into(),
    })
}

/// The directories of Docker's that are on the disk.
fn mounted(guest: &GuestFacts) -> Vec<&'static str> {
    let is_mounted = |name: &str, path: &str| {
        let line = format!("{path} /{name}");
        guest.document.lines(MOUNTS).any(|it| it == line)
    };
    let all = DIRECTORIES.iter().filter(|(name, path)| is_mounted(name, path));
    all.map(|(_, path)| *path).collect()
}

impl DiskUnits {
    fn new(vm: VmRef, disk: String) -> Self {
        Self { vm, files: files(&disk), disk }
    }

    /// `None` if the guest does not use this disk.
    fn actual(&self, guest: &GuestFacts) -> Option<State<'_>> {
        let (sums, directories) = (Sums::of(&guest.document, SUMS), mounted(guest));
        // The first unit names the disk.
        let is_used = sums.compare(&self.files[..1]) == "as written";
        (is_used || !directories.is_empty()).then(|| State {
            disk: &self.disk,
            directories,
            units: sums.compare(&self.files),
        })
    }

    fn looks(&self) -> Vec<Look> {
        let paths: Vec<&str> = self.files.iter().map(|file| &*file.path).collect();
        let label = format!("LABEL=lima-{}", self.disk);
        vec![
            Look::new(SUMS, "sha256sum", &paths),
            Look::new(MOUNTS, "findmnt -rno TARGET,FSROOT --source", &[&label]),
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
        (!stored.is_some_and(Stored::is_empty)).then(|| self.hides(stored))
    }

    fn hides(&self, stored: Option<Stored>) -> Hides {
        let vm = self.vm.name.to_string();
        Hides { vm, keys: vec![KEY.into()], stored, running: Vec::new() }
    }
}

impl Resource for DataDisk {
    fn address(&self) -> &Address {
        &self.address
    }

    /// Docker is repaired after it: an interrupted move keeps Docker from starting.
    fn requires(&self) -> Vec<Address> {
        vec![self.vm.address.clone()]
    }

    fn notifies(&self) -> Vec<Address> {
        vec![Restart::address_of(&self.vm.name)]
    }

    fn looks(&self) -> Vec<Look> {
        self.units.looks()
    }

    fn plan(&self, context: PlanContext<'_>) -> Change {
        match self.vm.seen(context.facts) {
            Some((guest, ssh)) => self.update(guest, context.facts, &ssh),
            None => self.unseen(context.facts),
        }
    }

    fn recorded(&self, facts: &Facts) -> Option<Recorded> {
        recorded(facts, |guest| self.units.actual(guest).is_some())
    }
}

impl Removable for DiskUnits {
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
