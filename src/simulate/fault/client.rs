//! Faults of containers that use a Docker socket. Each fault breaks the first container that the
//! file declares on its own engine.

use std::path::{Path, PathBuf};

use super::FaultTarget;
use crate::config::{Config, MountMode, SocketClient};
use crate::model::digest::sha256;
use crate::simulate::compose;
use crate::simulate::guest::{
    Client, Container, ContainerImage, ContainerMount, Guest, Made, SOCKET_GROUP, VolumeSocket,
};
use crate::simulate::world::World;

/// The containers that the file declares on its own engine.
pub(super) fn declared(config: &Config) -> impl Iterator<Item = &SocketClient> {
    config.socket_clients.iter().filter(|client| client.context.is_none())
}

/// Creates the containers that the file declares if they do not exist.
pub(super) fn have(world: &mut World, config: &Config, engine: &FaultTarget<'_>) {
    for client in declared(config) {
        world.on_guest(engine, |guest, now| make(guest, client, now));
    }
}

fn make(guest: &mut Guest, client: &SocketClient, now: u64) {
    if guest.dockerd.is_none() || position(guest, client).is_some() {
        return;
    }
    let gid = client.gid.unwrap_or(SOCKET_GROUP);
    let user = client.user.as_ref().map_or("client", |user| user.as_str()).to_owned();
    let image = ContainerImage {
        user,
        uid: client.uid.unwrap_or(1001),
        group: client.group.as_str().to_owned(),
        gid,
        ..ContainerImage::default()
    };
    let declared = client.volume.as_ref().map(|volume| (volume.as_str(), volume.is_path()));
    let (source, is_path) = declared.unwrap_or(("docker-socket", false));
    let compose = client.compose().map(|(file, service)| {
        let directory = file.parent().map(PathBuf::from).unwrap_or_default();
        (compose::project_of(&directory), file, service)
    });
    let name = match (&client.container, &compose) {
        (None, Some((project, _, service))) => format!("{project}-{service}-1"),
        _ => client.title().to_owned(),
    };
    let source = match &compose {
        Some((project, ..)) if !is_path => format!("{project}_{source}"),
        _ => source.to_owned(),
    };
    if !is_path {
        let socket = VolumeSocket { gid, answers: true };
        guest.volumes.entry(source.clone()).or_insert(Some(socket));
    }
    let destination = Path::new(&client.socket).parent().unwrap_or(Path::new("/run"));
    let destination = destination.to_string_lossy().into_owned();
    let labels = compose.map(|(project, file, service)| {
        let directory = file.parent().unwrap_or(Path::new("/"));
        compose::labels(&project, service.as_str(), &file.to_string_lossy(), directory)
    });
    let made = Made {
        mounts: vec![ContainerMount {
            source,
            destination,
            writable: client.mode != Some(MountMode::Ro),
        }],
        labels: labels.unwrap_or_default(),
        ..Made::default()
    };
    guest.containers.push(Container {
        name: name.clone(),
        id: sha256(format!("{now} {name}")),
        runtime: guest.default_runtime(),
        started: now,
        running: false,
        client: Some(Client { image, made, ..Client::default() }),
    });
    guest.start_container(&name, now);
}

/// The position of the client's container: the one with its name, or else the one that Compose
/// created.
fn position(guest: &Guest, client: &SocketClient) -> Option<usize> {
    let mut containers = guest.containers.iter();
    let named = containers.position(|it| it.name == client.title());
    let label =
        client.service.as_ref().map(|service| format!("com.docker.compose.service={service}"));
    let made = |label: String| guest.containers.iter().position(|it| it.has_label(&label));
    named.or_else(|| label.and_then(made))
}

impl World {
    /// Changes the container to break.
    fn on_client(&mut self, engine: &FaultTarget<'_>, act: impl FnOnce(&mut Client)) {
        let Some(declared) = engine.client else { return };
        self.on_guest(engine, |guest, _| {
            let container = position(guest, declared).map(|index| &mut guest.containers[index]);
            if let Some(client) = container.and_then(|it| it.client.as_mut()) {
                act(client);
            }
        });
    }

    /// Changes the mount of the container's socket.
    fn on_mount(&mut self, engine: &FaultTarget<'_>, act: impl FnOnce(&mut ContainerMount)) {
        let Some(declared) = engine.client else { return };
        self.on_client(engine, |client| {
            if let Some(mount) = client.made.mount_of_mut(&declared.socket) {
                act(mount);
            }
        });
    }

    /// Recreates the container from another image with a single change and without added groups.
    fn on_image(&mut self, engine: &FaultTarget<'_>, act: impl FnOnce(&mut ContainerImage)) {
        let Some(declared) = engine.client else { return };
        self.on_client(engine, |client| {
            client.made.group_add.clear();
            client.made.user = None;
            let gid = declared.gid.unwrap_or(SOCKET_GROUP);
            client.image =
                ContainerImage { gid, member: true, gives_up: false, ..client.image.clone() };
            act(&mut client.image);
        });
        self.on_guest(engine, |guest, now| {
            if let Some(index) = position(guest, declared) {
                let name = guest.containers[index].name.clone();
                guest.start_container(&name, now);
            }
        });
    }
}

pub(super) fn stop(world: &mut World, engine: &FaultTarget<'_>) {
    let Some(declared) = engine.client else { return };
    world.on_guest(engine, |guest, _| {
        if let Some(index) = position(guest, declared) {
            let container = &mut guest.containers[index];
            container.running = false;
            if let Some(client) = &mut container.client {
                client.restarting = false;
            }
        }
    });
}

pub(super) fn give_up(world: &mut World, engine: &FaultTarget<'_>) {
    world.on_image(engine, |image| (image.member, image.gives_up) = (false, true));
}

pub(super) fn mount_another(world: &mut World, engine: &FaultTarget<'_>) {
    const EMPTY: &str = "empty";
    world.on_guest(engine, |guest, _| {
        guest.volumes.insert(EMPTY.into(), None);
    });
    world.on_mount(engine, |mount| EMPTY.clone_into(&mut mount.source));
}

pub(super) fn mount_host(world: &mut World, engine: &FaultTarget<'_>) {
    let directory = world.computer.lima_home.join(engine.vm).join("sock").display().to_string();
    world.on_mount(engine, |mount| mount.source = directory);
}

pub(super) fn renumber(world: &mut World, engine: &FaultTarget<'_>) {
    world.on_image(engine, |image| image.gid = if image.gid == 998 { SOCKET_GROUP } else { 998 });
}

pub(super) fn leave_group(world: &mut World, engine: &FaultTarget<'_>) {
    world.on_image(engine, |image| image.member = false);
}

pub(super) fn join_later(world: &mut World, engine: &FaultTarget<'_>) {
    leave_group(world, engine);
    world.on_client(engine, |client| client.image.member = true);
}

pub(super) fn mount_read_only(world: &mut World, engine: &FaultTarget<'_>) {
    world.on_mount(engine, |mount| mount.writable = false);
}

pub(super) fn end_daemon(world: &mut World, engine: &FaultTarget<'_>) {
    let mut source = None;
    world.on_mount(engine, |mount| source = Some(mount.source.clone()));
    world.on_guest(engine, |guest, _| {
        let socket = source.and_then(|source| guest.volumes.get_mut(&source)?.as_mut());
        if let Some(socket) = socket {
            socket.answers = false;
        }
    });
}

pub(super) fn fall_ill(world: &mut World, engine: &FaultTarget<'_>) {
    world.on_client(engine, |client| client.health = Some("unhealthy".into()));
}
