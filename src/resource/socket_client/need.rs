//! What a container needs to use its socket.

mod user;

use self::user::{instead_of_services, is_declared_user, user, user_in, user_name};
use super::{ClientFacts, ClientVerdict, verdict};
use crate::config::{MountMode, SocketClient};
use crate::docker::client::{ClientCode, ComposeService, ExistingContainer, MountSeen, SocketSeen};
use crate::model::{ContextName, VolumeSource};
use crate::plan::ClientProblem;

/// The settings that must change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is needed or not, whatever the others are")]
pub(super) struct Need {
    /// It must be created or started.
    pub(super) start: bool,
    /// Another mode of its mount.
    pub(super) mode: bool,
    /// Another mount, or a mount if there is none.
    pub(super) mount: bool,
    /// The socket's group.
    pub(super) group: bool,
    /// Another user, in Docker's notation.
    pub(super) user: Option<String>,
}

impl Need {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What a container needs, given the verdict.
pub(super) fn needed(
    client: &SocketClient,
    facts: &ClientFacts,
    verdict: &ClientVerdict,
    context: &ContextName,
) -> Result<Need, ClientProblem> {
    let Some(seen) = facts.container.present() else {
        return before_creation(client, facts);
    };
    let mut need = Need::default();
    let mount = seen.inspected.mount_of(&client.socket);
    // A container that Compose starts has the mount of its service.
    let is_created =
        verdict.code == Some(ClientCode::ContainerAbsent) && described(facts).is_some();
    if let Some(mount) = mount.filter(|_| !is_created) {
        need.mode = is_other_mode(client, mount.writable);
        let is_other = |volume| !is_mount_of(mount, volume, seen, described(facts));
        need.mount = client.volume.as_ref().is_some_and(is_other);
    } else if seen.inside.is_none() {
        new_mount(client, described(facts), &mut need);
    }
    by_verdict(client, facts, seen, verdict, &mut need)?;
    user(client, facts, seen, &mut need)?;
    if let Some(problem) = futile(client, facts, seen, verdict, &need, context) {
        return Err(problem);
    }
    if !need.is_empty() {
        of_new_container(client, facts, seen, &mut need)?;
    }
    Ok(need)
}

/// Adds what the verdict asks for.
fn by_verdict(
    client: &SocketClient,
    facts: &ClientFacts,
    seen: &ExistingContainer,
    verdict: &ClientVerdict,
    need: &mut Need,
) -> Result<(), ClientProblem> {
    let mount = seen.inspected.mount_of(&client.socket);
    let gid = verdict::gid(client, facts);
    match verdict.code {
        None | Some(ClientCode::MountReadonly | ClientCode::Unhealthy) => {}
        Some(ClientCode::ContainerAbsent) => {
            need.start = true;
            need.group = verdict::foreseen(client, facts, seen).is_some();
        }
        Some(ClientCode::Restarting) => {
            need.group = verdict::foreseen(client, facts, seen).is_some();
        }
        Some(ClientCode::HostSocket) if need.mount => {}
        Some(ClientCode::HostSocket) if verdict::service_mounts_host(client, facts) => {
            return Err(host_socket(client, facts));
        }
        Some(ClientCode::HostSocket) => need.start = true,
        Some(ClientCode::SocketMissing) => match (mount, &client.volume) {
            (Some(_), _) if need.mount => {}
            (Some(mount), _) => {
                let (what, at) = (mount.what().to_owned(), mount.destination.clone());
                return Err(ClientProblem::NoSocket { what, at });
            }
            (None, None) => return Err(no_volume(client, facts)),
            (None, Some(_)) => need.mount = true,
        },
        Some(ClientCode::ApiDenied) => {
            let socket = seen.inside.as_ref().map(|inside| inside.socket);
            return Err(match socket {
                Some(SocketSeen::Socket { mode, .. }) if mode & 0o020 == 0 => {
                    ClientProblem::SocketMode(format!("{mode:o}"))
                }
                _ => ClientProblem::NoDaemon(verdict.cause.clone()),
            });
        }
        Some(ClientCode::GidMismatch | ClientCode::UserNotInGroup | ClientCode::SessionStale) => {
            if let Some(SocketSeen::Socket { gid: socket, .. }) =
                seen.inside.as_ref().map(|inside| inside.socket)
                && socket != gid
            {
                return Err(ClientProblem::SocketGid { socket, file: gid });
            }
            need.group = true;
        }
    }
    Ok(())
}

/// Why a new container would not help, or a restart is enough.
fn futile(
    client: &SocketClient,
    facts: &ClientFacts,
    seen: &ExistingContainer,
    verdict: &ClientVerdict,
    need: &Need,
    context: &ContextName,
) -> Option<ClientProblem> {
    let name = || verdict::title(client, facts).to_owned();
    let gid = verdict::gid(client, facts);
    if verdict.code == Some(ClientCode::Restarting) && need.is_empty() {
        let why = seen.log.last().cloned().unwrap_or_else(|| verdict.cause.clone());
        return Some(ClientProblem::Ends { container: name(), why });
    }
    if need.group && seen.inspected.group_add.contains(&gid.to_string()) {
        let process = seen.inside.as_ref().and_then(|it| it.process(verdict::uid(client, seen)));
        return Some(ClientProblem::ImageGroup {
            container: name(),
            user: process.map_or_else(|| "USER".into(), |process| user_name(process, seen)),
            group: client.group.to_string(),
            gid,
        });
    }
    // The next start reads its groups again, unless it was created with a group.
    let is_stale = verdict.code == Some(ClientCode::SessionStale);
    let only_group = Need { group: true, ..Need::default() };
    let by_name = !seen.inspected.user.contains(':');
    if is_stale && *need == only_group && by_name && client.compose_file.is_none() {
        let command = format!("docker --context {context} restart {}", name());
        return Some(ClientProblem::Restart { container: name(), command });
    }
    None
}

/// Adds what the new container will lack. Compose creates it from the service, which may have changed
/// since the present container was created.
fn of_new_container(
    client: &SocketClient,
    facts: &ClientFacts,
    seen: &ExistingContainer,
    need: &mut Need,
) -> Result<(), ClientProblem> {
    let Some(service) = described(facts) else { return Ok(()) };
    new_mount(client, Some(service), need);
    if !need.mount && verdict::service_mounts_host(client, facts) {
        return Err(host_socket(client, facts));
    }
    let present = &seen.inspected;
    let user = service.user.as_ref().unwrap_or(&present.user);
    if need.user.is_none() && *user != present.user {
        let declared = instead_of_services(client, facts);
        let is_kept = is_declared_user(client, seen, user_in(&present.user));
        need.user = declared.map(|it| if is_kept { present.user.clone() } else { it });
    }
    let user = need.user.as_ref().unwrap_or(user);
    let gid = verdict::gid(client, facts).to_string();
    need.group |= present.group_add.contains(&gid) && !service.groups.contains(&gid)
        || verdict::outside_group(client, facts, seen, user, &service.groups).is_some();
    Ok(())
}

/// The settings that a service without a container lacks, by Compose's configuration.
fn before_creation(client: &SocketClient, facts: &ClientFacts) -> Result<Need, ClientProblem> {
    // The image is unknown. It may create the socket itself, and adding a group that it already has is
    // harmless.
    let mut need = Need { start: true, group: client.compose_file.is_some(), ..Need::default() };
    let service = described(facts);
    need.user = instead_of_services(client, facts);
    new_mount(client, service, &mut need);
    if verdict::host_mount(client, facts).is_some() && !need.mount {
        return Err(host_socket(client, facts));
    }
    Ok(need)
}

/// Adds the mount settings that a new container of the service would lack.
fn new_mount(client: &SocketClient, service: Option<&ComposeService>, need: &mut Need) {
    let mount = service.and_then(|service| Some((service, service.mount_of(&client.socket)?)));
    let is_other =
        |volume| mount.is_none_or(|(service, mount)| !service.is_mount_of(mount, volume));
    need.mode |= mount.is_some_and(|(_, mount)| is_other_mode(client, mount.writable));
    need.mount |= client.volume.as_ref().is_some_and(is_other);
}

/// Compose's configuration of the service, if it can be read.
fn described(facts: &ClientFacts) -> Option<&ComposeService> {
    facts.compose.as_ref()?.service.as_ref().ok()
}

fn is_other_mode(client: &SocketClient, writable: bool) -> bool {
    client.mode.is_some_and(|mode| writable != (mode == MountMode::Rw))
}

fn host_socket(client: &SocketClient, facts: &ClientFacts) -> ClientProblem {
    let path = verdict::service_host_mount(client, facts)
        .or_else(|| verdict::host_mount(client, facts))
        .unwrap_or_default();
    ClientProblem::HostSocket { path, file: client.compose().map(|(file, _)| file) }
}

fn no_volume(client: &SocketClient, facts: &ClientFacts) -> ClientProblem {
    let file = client.compose().map(|(file, _)| file);
    let container = verdict::title(client, facts).to_owned();
    ClientProblem::NoVolume { container, socket: client.socket.clone(), file }
}

/// Whether the file names the source of a mount. Compose prefixes a volume's name with the project,
/// unless the compose file sets a name.
fn is_mount_of(
    mount: &MountSeen,
    volume: &VolumeSource,
    seen: &ExistingContainer,
    service: Option<&ComposeService>,
) -> bool {
    let volume = volume.as_str();
    let project = seen.inspected.compose.as_ref().map(|labels| labels.project.as_str());
    let of_project = || project.map(|project| format!("{project}_{volume}"));
    let named = || service?.name_of(volume).map(str::to_owned);
    mount.what() == volume
        || mount.volume.is_some() && [named(), of_project()].contains(&mount.volume)
}
