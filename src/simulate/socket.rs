//! The sockets on the simulated host.

use std::path::Path;

use super::instance::{AGENT_SOCKET, SSH_SOCKET};
use super::world::World;
use crate::host::Ping;

/// The result of a connection to a socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SocketAnswer {
    /// The file does not exist.
    Missing,
    /// Nothing listens on it.
    Refused,
    /// The user cannot connect.
    Denied,
    /// The connection was closed without an answer: the forward works, but its other end does not.
    /// A missing group, a missing socket and a dead daemon all have this result (1 and 2).
    Closed,
    /// The daemon of this instance answers.
    Daemon(String),
}

/// Connects to a Docker socket and sends a request.
pub(super) fn connect(world: &mut World, path: &Path) -> SocketAnswer {
    let now = world.clock;
    let Some(name) = world.instance_of_docker_socket(path) else {
        return SocketAnswer::Missing;
    };
    let Some(instance) = world.instances.get_mut(&name) else {
        return SocketAnswer::Missing;
    };
    let Some(socket) = instance.docker_socket.clone() else {
        return SocketAnswer::Missing;
    };
    let groups = match socket {
        super::instance::HostSocket { permitted: false, .. } => return SocketAnswer::Denied,
        super::instance::HostSocket { carried_by: None, .. } => return SocketAnswer::Refused,
        super::instance::HostSocket { carried_by: Some(groups), .. } => groups,
    };
    let Some(guest) = instance.running_guest() else {
        return SocketAnswer::Refused;
    };
    let permitted = guest.lets_in(&groups);
    let ran = guest.dockerd.is_some();
    let answers = permitted && guest.knock(now);
    if guest.dockerd.is_some() != ran {
        // Socket activation: the request started the daemon.
        world.pass(2);
    }
    if answers { SocketAnswer::Daemon(name) } else { SocketAnswer::Closed }
}

/// See [`Probe::ping`](crate::host::Probe::ping).
pub(super) fn ping(world: &mut World, path: &Path) -> Ping {
    match connect(world, path) {
        SocketAnswer::Missing => Ping::Missing,
        SocketAnswer::Refused => Ping::Refused,
        SocketAnswer::Denied => Ping::Denied,
        SocketAnswer::Closed => Ping::Closed,
        SocketAnswer::Daemon(_) => Ping::Answered { api_version: "1.47".into() },
    }
}

/// See [`Probe::listens`](crate::host::Probe::listens): whether an SSH master, a host agent or a
/// forward listens.
pub(super) fn listens(world: &World, path: &Path) -> bool {
    let instance = |socket| world.instances.get(&world.instance_of_socket(path, socket)?);
    let engine = || world.instance_of_docker_socket(path);
    let forwarded = |it: &super::instance::HostSocket| it.permitted && it.carried_by.is_some();
    instance(SSH_SOCKET).is_some_and(|it| it.master.is_some())
        || instance(AGENT_SOCKET).is_some_and(|it| it.agent.is_some())
        || engine()
            .and_then(|name| world.instances.get(&name)?.docker_socket.as_ref())
            .is_some_and(forwarded)
}

/// Removes a file of the simulated home: a socket or a plain file.
pub(super) fn remove(world: &mut World, path: &Path) {
    if let Some(name) = world.instance_of_docker_socket(path)
        && let Some(instance) = world.instances.get_mut(&name)
        && instance.docker_socket.take().is_some()
    {
        world.pass(1);
    } else if world.files.remove(path).is_some() {
        world.pass(1);
    }
}
