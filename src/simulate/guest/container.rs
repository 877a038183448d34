//! Containers. A container that uses a Docker socket has an image with accounts, a mount, and a
//! program that keeps the groups with which it started.
//!
//! The daemon behind a socket in a volume is not simulated. A new volume contains a socket of group
//! 2375, as Docker-in-Docker images create it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Guest;
use crate::docker::client::{Process, canonical, covering};
use crate::simulate::log::timestamp;

/// A container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Container {
    /// The name.
    pub name: String,
    /// The full identifier.
    pub id: String,
    /// The runtime with which it was started.
    pub runtime: String,
    /// The time when it was started, in seconds.
    pub started: u64,
    /// Whether it is running.
    pub running: bool,
    /// Its use of a Docker socket, if any.
    #[serde(default)]
    pub client: Option<Client>,
}

/// A container that may use a Docker socket.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// The image.
    pub image: ContainerImage,
    /// The settings with which it was created.
    pub made: Made,
    /// The uid of its program.
    pub uid: u32,
    /// The gids of its program since its start, primary group first.
    pub groups: Vec<u32>,
    /// Whether its program keeps exiting and restarting.
    pub restarting: bool,
    /// The latest result of its health check, if it has one.
    pub health: Option<String>,
}

/// The relevant parts of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerImage {
    /// The user of its program.
    pub user: String,
    /// The uid of the user.
    pub uid: u32,
    /// The group for the socket.
    pub group: String,
    /// The gid of the group.
    pub gid: u32,
    /// Whether the user is a member of the group.
    pub member: bool,
    /// Whether its program exits if it cannot use the socket.
    pub gives_up: bool,
}

impl Default for ContainerImage {
    fn default() -> Self {
        let (user, group) = ("client".into(), super::DOCKER.into());
        Self { user, uid: 1001, group, gid: SOCKET_GROUP, member: true, gives_up: false }
    }
}

/// The settings with which a container was created.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// Its mounts, without anonymous volumes.
    pub mounts: Vec<ContainerMount>,
    /// The user in Docker's syntax, if it is not the image's user.
    pub user: Option<String>,
    /// The added groups.
    pub group_add: Vec<String>,
    /// Compose's labels, without their prefix.
    pub labels: BTreeMap<String, String>,
}

/// A mount of a volume or of a path of the guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerMount {
    /// The name of the volume, or the path in the guest.
    pub source: String,
    /// The path in the container.
    pub destination: String,
    /// Whether it is writable.
    pub writable: bool,
}

/// A Docker socket in a volume. Its mode is 660 and its owner is root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeSocket {
    /// The gid of the socket.
    pub gid: u32,
    /// Whether a daemon answers on it.
    pub answers: bool,
}

/// The gid of a socket that a daemon in a container serves.
pub(in crate::simulate) const SOCKET_GROUP: u32 = 2375;

impl ContainerMount {
    fn is_volume(&self) -> bool {
        !self.source.starts_with('/')
    }
}

impl Made {
    /// The mount that contains this path.
    fn mount_of(&self, path: &str) -> Option<&ContainerMount> {
        covering(path, &self.mounts, |mount| &mount.destination)
    }

    /// The mount that contains this path, mutable.
    pub(in crate::simulate) fn mount_of_mut(&mut self, path: &str) -> Option<&mut ContainerMount> {
        let found = self.mount_of(path)?.clone();
        self.mounts.iter_mut().find(|mount| **mount == found)
    }
}

impl Client {
    /// The container's program, or a process that `docker exec -u UID:GID` starts. Such a process
    /// has the added groups but no groups of `/etc/group` (measured).
    pub(super) fn process(&self, user: Option<(u32, u32)>) -> Process {
        let (uid, groups) = match user {
            None => (self.uid, self.groups.clone()),
            Some((uid, gid)) => (uid, [vec![gid], self.added()].concat()),
        };
        let gid = groups.first().copied().unwrap_or_default();
        Process { pid: 1, uid, gid, groups: BTreeSet::from_iter(groups) }
    }

    fn added(&self) -> Vec<u32> {
        let id = |word: &String| match word.parse() {
            Ok(gid) => Some(gid),
            Err(_) => (*word == self.image.group).then_some(self.image.gid),
        };
        self.made.group_add.iter().filter_map(id).collect()
    }

    /// The uid and gids with which its program starts.
    fn identity(&self) -> (u32, Vec<u32>) {
        let image = &self.image;
        let word = self.made.user.as_deref().unwrap_or(&image.user);
        let (user, group) = word
            .split_once(':')
            .map_or((word, None), |(user, gid)| (user, gid.parse::<u32>().ok()));
        let uid = match user {
            "root" => 0,
            user if user == image.user => image.uid,
            user => user.parse().unwrap_or(image.uid),
        };
        let listed = image.member && uid == image.uid && group.is_none();
        let own = [group.unwrap_or(uid)].into_iter().chain(listed.then_some(image.gid));
        (uid, own.chain(self.added()).collect())
    }

    /// `/etc/passwd` and `/etc/group`.
    pub(super) fn accounts(&self) -> [String; 2] {
        let ContainerImage { user, uid, group, gid, member, .. } = &self.image;
        let members = if *member { user } else { "" };
        [
            format!("root:x:0:0:root:/:/bin/sh\n{user}:x:{uid}:{uid}::/:/bin/sh\n"),
            format!("root:x:0:\n{user}:x:{uid}:\n{group}:x:{gid}:{members}\n"),
        ]
    }
}

impl Container {
    /// Whether it has the label `com.docker.compose.NAME=VALUE`.
    pub(in crate::simulate) fn has_label(&self, label: &str) -> bool {
        let own = label.strip_prefix("com.docker.compose.").and_then(|label| label.split_once('='));
        let labels = self.client.as_ref().map(|client| &client.made.labels);
        own.zip(labels)
            .is_some_and(|((name, value), labels)| labels.get(name).is_some_and(|own| own == value))
    }

    /// The state in Docker's terms.
    pub(in crate::simulate) fn status(&self) -> &'static str {
        match &self.client {
            Some(client) if client.restarting => "restarting",
            _ if self.running => "running",
            _ => "exited",
        }
    }

    /// The output of `docker inspect`.
    pub(super) fn inspected(&self) -> Value {
        let client = self.client.clone().unwrap_or_default();
        let status = self.status();
        let (exit_code, restarts) = match status {
            "restarting" => (3, 7),
            "exited" => (137, 0),
            _ => (0, 0),
        };
        let mounts = client.made.mounts.iter().map(|mount| {
            let ContainerMount { source, destination, writable } = mount;
            let (kind, name) = if mount.is_volume() { ("volume", &**source) } else { ("bind", "") };
            json!({"Type": kind, "Name": name, "Source": source, "Destination": destination,
                "RW": writable})
        });
        let labels = client.made.labels.iter();
        let labels = labels.map(|(name, value)| (format!("com.docker.compose.{name}"), value));
        let user = match (&self.client, client.made.user) {
            (_, Some(user)) => user,
            (Some(client), None) => client.image.user.clone(),
            (None, None) => String::new(),
        };
        let mut shown = json!({
            "Id": self.id,
            "Name": format!("/{}", self.name),
            "RestartCount": restarts,
            "State": {"Status": status, "ExitCode": exit_code, "Error": "",
                "StartedAt": timestamp(self.started)},
            "HostConfig": {"Runtime": self.runtime, "GroupAdd": client.made.group_add, "PidMode": ""},
            "Mounts": mounts.collect::<Vec<_>>(),
            "Config": {"User": user, "Labels": labels.collect::<BTreeMap<_, _>>()},
        });
        if let Some(health) = client.health {
            shown["State"]["Health"] = json!({"Status": health});
        }
        shown
    }
}

impl Guest {
    /// The socket at a path in a container, if any. The guest has only one socket, so a mounted
    /// path can contain only that one.
    pub(super) fn socket_in(&self, client: &Client, path: &str) -> Option<VolumeSocket> {
        let mount = client.made.mount_of(path)?;
        let (path, at) = (canonical(path), canonical(&mount.destination));
        let lies_there = path.strip_suffix("/docker.sock") == Some(&at) || path == at;
        if !lies_there {
            return None;
        }
        if mount.is_volume() {
            return self.volumes.get(&mount.source).copied().flatten();
        }
        let source = format!("{}{}", mount.source, path.strip_prefix(&at)?);
        let is_there = canonical(&source) == "/run/docker.sock";
        Some(VolumeSocket { gid: self.socket?, answers: self.dockerd.is_some() })
            .filter(|_| is_there)
    }

    /// Whether a path in a container is a directory that Docker created because the source of the
    /// mount did not exist.
    pub(super) fn is_made_directory(&self, client: &Client, path: &str) -> bool {
        let mount = client.made.mount_of(path);
        let is_at = mount.is_some_and(|it| canonical(&it.destination) == canonical(path));
        is_at && self.socket_in(client, path).is_none()
    }

    /// Stops all containers.
    pub(super) fn end_containers(&mut self) {
        for container in &mut self.containers {
            container.running = false;
            if let Some(client) = &mut container.client {
                client.restarting = false;
            }
        }
    }

    /// Starts a container. Its program gets its groups from the image and from the container's
    /// settings.
    pub(in crate::simulate) fn start_container(&mut self, name: &str, now: u64) {
        let Some(index) = self.containers.iter().position(|it| it.name == name) else { return };
        let mut container = self.containers[index].clone();
        container.started = now;
        container.running = true;
        if let Some(client) = &mut container.client {
            (client.uid, client.groups) = client.identity();
            let within = |mount: &ContainerMount| {
                let at = mount.destination.trim_end_matches('/');
                self.socket_in(client, &format!("{at}/docker.sock"))
            };
            let socket = client.made.mounts.iter().find_map(within);
            let may = socket.is_some_and(|it| client.process(None).may_connect(0o660, 0, it.gid));
            client.restarting = client.image.gives_up && !may;
            container.running = !client.restarting;
        }
        self.containers[index] = container;
    }
}
