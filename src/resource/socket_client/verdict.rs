//! Judges a client of a Docker socket, in the order socket, volume, group, user.

mod evidence;
mod mounts;

pub use self::evidence::Evidence;
use self::evidence::evidence;
use self::mounts::mounts_host_socket;
pub(crate) use self::mounts::{gid, host_mount, service_host_mount, service_mounts_host};
use super::ClientFacts;
use crate::config::{MountMode, SocketClient};
use crate::docker::client::{Api, ClientCode, ExistingContainer, MountSeen, Process, SocketSeen};
use crate::plan::Observation;

/// What is wrong with a client, if anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientVerdict {
    /// The code of the fault. `None` if it works, as far as that could be tested, or the engine could not be
    /// asked.
    pub code: Option<ClientCode>,
    /// The cause, or the result if nothing is wrong: a sentence without a period.
    pub cause: String,
    /// The measurements.
    pub evidence: Vec<Evidence>,
    /// Whether the mount differs from the file, in addition to the fault.
    pub readonly: bool,
}

/// Judges an observed client. Pure.
pub fn verdict(client: &SocketClient, facts: &ClientFacts) -> ClientVerdict {
    let (code, cause) = match &facts.container {
        Observation::Unobservable(reason) => (None, reason.to_string()),
        Observation::Absent => {
            if let Some(path) = host_mount(client, facts) {
                (Some(ClientCode::HostSocket), mounts_host_socket(client, facts, &path))
            } else {
                let cause = format!("the container {} does not exist", title(client, facts));
                (Some(ClientCode::ContainerAbsent), cause)
            }
        }
        Observation::Present(seen) => judge(client, facts, seen),
    };
    let seen = facts.container.present();
    ClientVerdict {
        code,
        cause,
        evidence: seen.map(|seen| evidence(client, seen)).unwrap_or_default(),
        readonly: seen.is_some_and(|seen| is_readonly(client, seen)),
    }
}

/// Whether the volume is mounted read-only, but the file says otherwise.
pub(crate) fn is_readonly(client: &SocketClient, seen: &ExistingContainer) -> bool {
    let mount = seen.inspected.mount_of(&client.socket);
    client.mode == Some(MountMode::Rw) && mount.is_some_and(|mount| !mount.writable)
}

/// The name of a client: its container's, if the container exists.
pub(crate) fn title<'a>(client: &'a SocketClient, facts: &'a ClientFacts) -> &'a str {
    facts.container.present().map_or_else(|| client.title(), |seen| &seen.inspected.name)
}

fn answers(seen: &ExistingContainer) -> bool {
    seen.inside.as_ref().is_some_and(|inside| inside.api == Api::Answers)
}

fn judge(
    client: &SocketClient,
    facts: &ClientFacts,
    seen: &ExistingContainer,
) -> (Option<ClientCode>, String) {
    if let Some((code, cause)) = before_its_program(client, facts, seen) {
        return (Some(code), cause);
    }
    let Some(inside) = &seen.inside else { return (None, String::new()) };
    let (name, socket) = (title(client, facts), &client.socket);
    match &inside.api {
        Api::Answers => well(client, facts, seen),
        Api::Denied(words) => denied(client, facts, seen, words),
        Api::Silent(words) => {
            let cause = format!("{name} can open {socket}, but no daemon answers on it ({words})");
            (Some(ClientCode::ApiDenied), cause)
        }
        Api::Untested(why) => match (inside.process(uid(client, seen)), inside.socket) {
            (Some(process), SocketSeen::Socket { mode, uid, gid })
                if !process.may_connect(mode, uid, gid) =>
            {
                denied(client, facts, seen, why)
            }
            _ => (None, format!("the API could not be tested: {why}")),
        },
    }
}

/// What is wrong whatever its program may do: the container does not run, or it has no socket.
fn before_its_program(
    client: &SocketClient,
    facts: &ClientFacts,
    seen: &ExistingContainer,
) -> Option<(ClientCode, String)> {
    let state = &seen.inspected.state;
    let name = title(client, facts);
    if !answers(seen)
        && let Some(path) = host_mount(client, facts)
    {
        return Some((ClientCode::HostSocket, mounts_host_socket(client, facts, &path)));
    }
    let last_words = seen.log.last().map(|line| format!("; its log ends: {line}"));
    let last_words = last_words.unwrap_or_default();
    if state.restarts_in_a_loop() {
        let why = foreseen(client, facts, seen).map(|why| format!("; {why}")).unwrap_or_default();
        let cause = format!(
            "{name} has restarted {} times (last exit status: {}) and cannot be inspected from \
             inside{last_words}{why}",
            state.restarts, state.exit_code
        );
        return Some((ClientCode::Restarting, cause));
    }
    let Some(inside) = seen.inside.as_ref().filter(|_| state.runs()) else {
        let how = match state.status.as_str() {
            "exited" => format!("it exited with exit status {}", state.exit_code),
            status => format!("it is {status}"),
        };
        let error = if state.error.is_empty() { last_words } else { format!(": {}", state.error) };
        let cause = format!("{name} is not running: {how}{error}");
        return Some((ClientCode::ContainerAbsent, cause));
    };
    let socket = &client.socket;
    let is_missing = match inside.socket {
        SocketSeen::Missing => Some(format!("{socket} does not exist in {name}")),
        SocketSeen::NotASocket => Some(format!(
            "{socket} in {name} is not a socket; Docker creates a directory if the source of a \
                          mount does not exist"
        )),
        SocketSeen::Socket { .. } | SocketSeen::Unknown => None,
    };
    let cause = is_missing?;
    let mount = match seen.inspected.mount_of(socket) {
        Some(MountSeen { destination, .. }) if destination == socket => String::new(),
        Some(mount) => format!(", although {} is mounted at {}", mount.what(), mount.destination),
        None => ", and nothing is mounted there".to_owned(),
    };
    Some((ClientCode::SocketMissing, format!("{cause}{mount}")))
}

/// The uid of the declared user, if it is known.
pub(crate) fn uid(client: &SocketClient, seen: &ExistingContainer) -> Option<u32> {
    let by_name = || seen.accounts.by_name(client.user.as_ref()?.as_str()).map(|user| user.uid);
    client.uid.or_else(by_name)
}

/// The API answers. Finds other differences.
fn well(
    client: &SocketClient,
    facts: &ClientFacts,
    seen: &ExistingContainer,
) -> (Option<ClientCode>, String) {
    let name = title(client, facts);
    let sick = match (&client.health, &facts.health, &seen.inspected.state.health) {
        (Some(check), Some(Err(why)), _) => Some(format!("{} reports: {why}", check.as_str())),
        (Some(check), _, Some(health)) if check.url().is_none() && health == "unhealthy" => {
            Some(format!("its health check reports {health}"))
        }
        _ => None,
    };
    if let Some(why) = sick {
        let cause = format!("Docker's API answers in {name}, but {why}");
        return (Some(ClientCode::Unhealthy), cause);
    }
    if is_readonly(client, seen) {
        let cause = format!(
            "Docker's API answers in {name}, but its socket is mounted read-only and the file says rw"
        );
        return (Some(ClientCode::MountReadonly), cause);
    }
    (None, format!("Docker's API answers in {name}"))
}

/// The process cannot connect, because of its group or its user.
fn denied(
    client: &SocketClient,
    facts: &ClientFacts,
    seen: &ExistingContainer,
    words: &str,
) -> (Option<ClientCode>, String) {
    let wanted = gid(client, facts);
    let inside = seen.inside.as_ref();
    let process = inside.and_then(|inside| inside.process(uid(client, seen)));
    // If the socket could not be inspected, the declared group counts.
    let socket = inside.map(|inside| match inside.socket {
        SocketSeen::Unknown => SocketSeen::Socket { mode: 0o660, uid: 0, gid: wanted },
        known => known,
    });
    let (Some(process), Some(SocketSeen::Socket { mode, uid: owner, gid })) = (process, socket)
    else {
        let cause = format!("{} cannot use {} ({words})", title(client, facts), client.socket);
        return (Some(ClientCode::ApiDenied), cause);
    };
    let who = who(process, seen);
    if process.may_connect(mode, owner, gid) {
        let cause = format!(
            "the socket's permissions allow access, but the connection is refused ({words}); {who}"
        );
        return (Some(ClientCode::ApiDenied), cause);
    }
    if mode & 0o020 == 0 {
        let cause = format!("the socket has mode {mode:o}, which denies access to its group");
        return (Some(ClientCode::ApiDenied), cause);
    }
    if gid != wanted {
        let cause = format!("the socket belongs to group {gid}, but the file says {wanted}; {who}");
        return (Some(ClientCode::GidMismatch), cause);
    }
    let account = seen.accounts.by_uid(process.uid);
    if account.is_some_and(|user| seen.accounts.lists(user, gid)) {
        let cause = format!("the user joined group {gid} after the program started; {who}");
        return (Some(ClientCode::SessionStale), cause);
    }
    let named = seen.accounts.groups.iter().find(|group| group.name == client.group.as_str());
    match named {
        Some(group) if group.gid != gid => {
            let cause = format!(
                "the socket belongs to group {gid}, but group {} in the container has gid {}; {who}",
                group.name, group.gid
            );
            (Some(ClientCode::GidMismatch), cause)
        }
        _ => {
            let cause = format!("the socket belongs to group {gid}; {who}");
            (Some(ClientCode::UserNotInGroup), cause)
        }
    }
}

/// The user and the groups of a process, as text.
fn who(process: &Process, seen: &ExistingContainer) -> String {
    let name = seen.accounts.by_uid(process.uid);
    let name = name.map(|user| format!(" ({})", user.name)).unwrap_or_default();
    format!("the program runs as {}{name} with groups {}", process.uid, groups(process))
}

/// The groups of a process, the first one first.
fn groups(process: &Process) -> String {
    process.all_groups().iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// The access that a container's program will lack, by the container's options. For a container that does
/// not run long enough to be inspected.
pub(crate) fn foreseen(
    client: &SocketClient,
    facts: &ClientFacts,
    seen: &ExistingContainer,
) -> Option<String> {
    outside_group(client, facts, seen, &seen.inspected.user, &seen.inspected.group_add)
}

/// The same for a container of the same image with another user, in Docker's notation, and with other
/// added groups.
pub(crate) fn outside_group(
    client: &SocketClient,
    facts: &ClientFacts,
    seen: &ExistingContainer,
    user: &str,
    groups: &[String],
) -> Option<String> {
    let gid = gid(client, facts);
    if groups.contains(&gid.to_string()) {
        return None;
    }
    let (user, with_groups) = seen.accounts.meant_by(user)?;
    let is_in = user.uid == 0 || user.gid == gid || (with_groups && seen.accounts.lists(user, gid));
    (!is_in).then(|| format!("it is set to run as {}, who is not in group {gid}", user.name))
}
