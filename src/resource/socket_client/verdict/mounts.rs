//! The mount that brings the socket into the container, its source, and its group.

use std::path::Path;

use super::title;
use crate::config::SocketClient;
use crate::docker::client::{SocketSeen, canonical};
use crate::resource::socket_client::ClientFacts;

/// The socket's group: the one in the file, or else the existing one.
pub(crate) fn gid(client: &SocketClient, facts: &ClientFacts) -> u32 {
    let inside = facts.container.present().and_then(|seen| seen.inside.as_ref());
    let of_socket = || match inside?.socket {
        SocketSeen::Socket { gid, .. } if gid != 0 => Some(gid),
        _ => None,
    };
    let of_engine = || {
        let is_engines = canonical(&source(client, facts)?) == ENGINE_SOCKET;
        facts.engine.as_ref()?.gid.filter(|_| is_engines)
    };
    client.gid.or_else(of_socket).or_else(of_engine).unwrap_or(DIND_GROUP)
}

/// The socket of the engine itself, in a guest.
const ENGINE_SOCKET: &str = "/run/docker.sock";
/// The id of the group docker in Docker-in-Docker images.
const DIND_GROUP: u32 = 2375;

/// The path on the engine's machine of the socket in the container, if a path is mounted. If the
/// container does not exist, the path that its service mounts.
fn source(client: &SocketClient, facts: &ClientFacts) -> Option<String> {
    match facts.container.present() {
        Some(seen) => {
            let mount = seen.inspected.mount_of(&client.socket)?;
            source_path(client, mount.what(), &mount.destination)
        }
        None => service_source(client, facts),
    }
}

/// The same path from the service's mount, or else from the file.
fn service_source(client: &SocketClient, facts: &ClientFacts) -> Option<String> {
    let socket = Path::new(&client.socket).file_name()?.to_str()?;
    // The volume in the file replaces what the service mounts.
    if let Some(volume) = client.volume.as_ref().filter(|volume| volume.is_path()) {
        let path = Path::new(volume.as_str());
        let is_socket = path.file_name().is_some_and(|name| name == socket);
        let path = if is_socket { path.to_owned() } else { path.join(socket) };
        return Some(path.to_string_lossy().into_owned());
    }
    let service = facts.compose.as_ref().and_then(|compose| compose.service.as_ref().ok());
    let mount = service?.mount_of(&client.socket)?;
    source_path(client, &mount.source, &mount.target)
}

fn source_path(client: &SocketClient, source: &str, target: &str) -> Option<String> {
    let socket = canonical(&client.socket);
    let rest = socket.strip_prefix(&canonical(target))?;
    source.starts_with('/').then(|| format!("{}{rest}", source.trim_end_matches('/')))
}

/// The path of this machine's forwarded socket, if the container mounts it. The source of a mount
/// is a path on the machine where the daemon runs: the guest.
pub(crate) fn host_mount(client: &SocketClient, facts: &ClientFacts) -> Option<String> {
    source(client, facts).filter(|source| is_forwarded(source, facts))
}

/// Whether a new container would also mount it.
pub(crate) fn service_mounts_host(client: &SocketClient, facts: &ClientFacts) -> bool {
    let described = facts.compose.as_ref().is_some_and(|compose| compose.service.is_ok());
    !described || service_host_mount(client, facts).is_some()
}

/// The path of this machine's forwarded socket, if the service mounts it.
pub(crate) fn service_host_mount(client: &SocketClient, facts: &ClientFacts) -> Option<String> {
    service_source(client, facts).filter(|source| is_forwarded(source, facts))
}

fn is_forwarded(source: &str, facts: &ClientFacts) -> bool {
    facts.engine.as_ref().is_some_and(|engine| Path::new(source) == engine.forwarded)
}

pub(super) fn mounts_host_socket(client: &SocketClient, facts: &ClientFacts, path: &str) -> String {
    format!(
        "{} mounts {path}, a socket of this machine; dockerd runs in the guest and does not listen on \
         that path",
        title(client, facts)
    )
}
