//! A disk of Lima's with Docker's data.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::systemd::Unit;
use super::{Caller, DOCKER_SOCKET, Guest, Store};
use crate::guest::data_disk::{DIRECTORIES, UNIT, docker_on, unit};
use crate::guest::input;
use crate::simulate::reply::Reply;

/// The text before the disk's name in the unit that mounts it.
const LABEL: &str = "What=/dev/disk/by-label/lima-";

fn units() -> [String; 2] {
    DIRECTORIES.map(|(_, path)| unit(path))
}

/// `DISK PLACE MARKER NAME=PATH…`, and lines "PATH MODE BASE64" on standard input. Docker stays stopped.
pub(super) fn move_data(guest: &mut Guest, words: &[String], caller: Caller<'_>) -> Reply {
    let Some(disk) = words.first() else {
        return Reply::unknown("guest", "these arguments of data-disk");
    };
    if !guest.disks.contains(disk) {
        let message =
            format!("cai: the guest does not have a filesystem with the label lima-{disk}");
        return Reply::failed(1, message);
    }
    guest.stop_docker_for_data();
    if !guest.files.contains_key(&docker_on(disk)) {
        guest.write(&docker_on(disk), "", caller.now);
        // The data is copied.
        if let Some(place) = &mut guest.place {
            place.disk = Some(disk.clone());
        }
    }
    for line in input(caller.script()).unwrap_or_default().lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let [path, _, text] = words[..] else {
            return Reply::unknown("guest", "this line of data-disk");
        };
        guest.write(path, STANDARD.decode(text).unwrap_or_default(), caller.now);
    }
    for unit in units() {
        let mounted = Unit { active: "inactive".into(), enabled: "static".into() };
        guest.units.insert(unit, mounted);
    }
    guest.mount_data();
    Reply::done()
}

/// The paths of the units. Docker stays stopped.
pub(super) fn remove(guest: &mut Guest, paths: &[String]) -> Reply {
    guest.stop_docker_for_data();
    guest.files.retain(|path, _| !paths.contains(path));
    guest.units.retain(|name, _| !units().contains(name));
    Reply::done()
}

/// `findmnt -rno TARGET,FSROOT --source LABEL=lima-DISK`
pub(super) fn mounts(guest: &Guest, words: &[String]) -> Reply {
    let disk = words.last().and_then(|label| label.strip_prefix("LABEL=lima-"));
    let Some(disk) = disk.filter(|disk| guest.disks.contains(*disk)) else {
        return Reply { code: 1, ..Reply::done() };
    };
    let mut reply = Reply::line(format!("/mnt/lima-{disk} /"));
    for (name, path) in DIRECTORIES {
        if guest.data_disk().as_deref() == Some(disk) && guest.is_active(&unit(path)) {
            reply.stdout.extend([path, " /", name, "\n"]);
        }
    }
    reply
}

impl Guest {
    fn stop_docker_for_data(&mut self) {
        self.stop_unit(DOCKER_SOCKET);
        self.end_containers();
    }

    /// Connects these disks, each with its data, before a boot.
    pub(in crate::simulate) fn attach(&mut self, disks: Vec<(String, Vec<Store>)>) {
        self.files.retain(|path, _| !path.starts_with("/mnt/lima-"));
        self.disks.clear();
        for (disk, stores) in disks {
            self.stores.extend(stores);
            let is_its = |store: &Store| store.place.disk.as_ref() == Some(&disk);
            let is_current = self.place.as_ref().is_some_and(|it| it.disk.as_ref() == Some(&disk));
            if is_current || self.stores.iter().any(is_its) {
                self.write(&docker_on(&disk), "", 0);
            }
            self.disks.insert(disk);
        }
    }

    /// The data on a disk, which survives this guest.
    pub(in crate::simulate) fn take_data(&mut self, disk: &str) -> Vec<Store> {
        let current = self.place.clone().map(|place| Store {
            place,
            containers: self.containers.clone(),
            images: self.images.clone(),
            volumes: self.volumes.clone(),
        });
        let is_its = |store: &Store| store.place.disk.as_deref() == Some(disk);
        self.stores.drain(..).chain(current).filter(is_its).collect()
    }

    /// The disk that systemd mounts for Docker's data.
    pub(super) fn data_disk(&self) -> Option<String> {
        let mut lines = self.text(UNIT)?.lines();
        lines.find_map(|line| line.strip_prefix(LABEL)).map(str::to_owned)
    }

    /// Mounts it, if there are such units. Docker does not start if that fails.
    pub(super) fn mount_data(&mut self) -> bool {
        let Some(disk) = self.data_disk() else { return true };
        let is_there = self.disks.contains(&disk);
        let word = if is_there { "active" } else { "inactive" };
        for name in units() {
            if let Some(unit) = self.units.get_mut(&name) {
                word.clone_into(&mut unit.active);
            }
        }
        is_there
    }
}
