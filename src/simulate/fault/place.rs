//! The parts of a simulated world that a fault changes: an instance, its running guest, its disk.

use super::FaultTarget;
use crate::lima::Status;
use crate::simulate::guest::{DOCKER, Guest};
use crate::simulate::instance::Instance;
use crate::simulate::world::World;

impl World {
    /// Changes the engine's instance, if it exists.
    pub(super) fn on(&mut self, engine: &FaultTarget<'_>, act: impl FnOnce(&mut Instance)) {
        if let Some(instance) = self.instances.get_mut(engine.vm) {
            act(instance);
        }
    }

    /// Changes a running guest. `act` also gets the current time.
    pub(super) fn on_guest(&mut self, engine: &FaultTarget<'_>, act: impl FnOnce(&mut Guest, u64)) {
        let now = self.clock;
        self.on(engine, |instance| {
            if instance.status() != Status::Stopped
                && let Some(guest) = instance.running_guest()
            {
                act(guest, now);
            }
        });
    }

    /// Changes a guest, running or not.
    pub(super) fn on_disk(&mut self, engine: &FaultTarget<'_>, act: impl FnOnce(&mut Guest)) {
        self.on(engine, |instance| {
            if let Some(guest) = &mut instance.guest {
                act(guest);
            }
        });
    }
}

/// Makes Lima's SSH connection and the forward predate the user's membership in docker.
pub(super) fn forget_docker_group(instance: &mut Instance) {
    let gid = instance.guest.as_ref().and_then(|guest| guest.groups.get(DOCKER));
    let Some(gid) = gid.map(|group| group.gid) else { return };
    if let Some(master) = &mut instance.master {
        master.groups.remove(&gid);
    }
    let socket = instance.docker_socket.as_mut();
    if let Some(groups) = socket.and_then(|socket| socket.carried_by.as_mut()) {
        groups.remove(&gid);
    }
}
