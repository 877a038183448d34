//! What the guest's document means.

use std::collections::{BTreeMap, BTreeSet};

use super::{Document, Section};

/// What is known of a guest, read in one session of its login user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GuestFacts {
    /// The login user.
    pub user: String,
    /// The groups that the session *has*: those the user had when the connection began.
    pub session_groups: BTreeSet<String>,
    /// The groups that are *configured*, with their listed members.
    pub groups: BTreeMap<String, Vec<String>>,
    /// Processors, where the guest could tell.
    pub cpus: Option<u32>,
    /// Memory that the kernel manages, in bytes: some less than the machine has.
    pub memory: Option<u64>,
    /// Whether `dockerd` is installed.
    pub dockerd_installed: bool,
    /// The state of `docker.service`, in systemd's words; empty where there is none.
    pub docker_active: String,
    /// Whether `docker.service` starts at boot, in systemd's words.
    pub docker_enabled: String,
    /// The socket in the guest.
    pub socket: Option<GuestSocket>,
    /// The exit status of the provisioning script, where it failed on this boot.
    pub provision_failed: Option<String>,
    /// What dockerd said when root asked for its containers. `None` when it is not active.
    pub docker_as_root: Option<Section>,
    /// The running containers.
    pub containers: Vec<Container>,
    /// The last lines of the daemon's log, where it is not active.
    pub docker_log: String,
}

/// The Docker socket as the guest sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestSocket {
    /// The permission bits, in octal.
    pub mode: String,
    /// The owner's name.
    pub owner: String,
    /// The group's name.
    pub group: String,
}

/// A running container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// The full identifier.
    pub id: String,
    /// The name.
    pub name: String,
    /// What Docker says of it, such as `Up 3 hours`.
    pub status: String,
}

impl GuestFacts {
    /// Reads a document. What a guest does not tell is absent, never an error.
    pub fn read(document: &Document) -> Self {
        let text = |name| document.text(name).unwrap_or_default();
        let unit = unit(text("units"), "docker.service");
        let property = |name: &str| unit.get(name).copied().unwrap_or_default().to_owned();
        Self {
            user: text("user").trim().to_owned(),
            session_groups: text("session").split_whitespace().map(str::to_owned).collect(),
            groups: text("groups").lines().filter_map(group).collect(),
            cpus: text("cpus").trim().parse().ok(),
            memory: memory(text("memory")),
            dockerd_installed: document.text("dockerd").is_some(),
            docker_active: property("ActiveState"),
            docker_enabled: property("UnitFileState"),
            socket: socket(text("socket")),
            provision_failed: document.text("provision_failed").map(|code| code.trim().to_owned()),
            docker_as_root: document.section("containers").cloned(),
            containers: text("containers").lines().filter_map(container).collect(),
            docker_log: document
                .section("docker_log")
                .map(|section| section.text.clone())
                .unwrap_or_default(),
        }
    }

    /// Whether a user is configured as a member of a group.
    pub fn is_member(&self, user: &str, group: &str) -> bool {
        self.groups.get(group).is_some_and(|members| members.iter().any(|member| member == user))
    }

    /// The groups that list a user as a member.
    pub fn groups_of(&self, user: &str) -> Vec<String> {
        self.groups.keys().filter(|group| self.is_member(user, group)).cloned().collect()
    }

    /// Whether dockerd runs and answers root.
    pub fn docker_answers(&self) -> bool {
        self.docker_as_root.as_ref().is_some_and(|section| section.status == 0)
    }
}

/// `name:x:gid:a,b` as in `/etc/group`.
fn group(line: &str) -> Option<(String, Vec<String>)> {
    let mut fields = line.split(':');
    let (name, members) = (fields.next()?, fields.nth(2)?);
    let members = members.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
    Some((name.to_owned(), members))
}

/// The properties of one unit in the output of `systemctl show`: blocks with a blank line between.
fn unit<'a>(text: &'a str, id: &str) -> BTreeMap<&'a str, &'a str> {
    text.split("\n\n")
        .map(|block| block.lines().filter_map(|line| line.split_once('=')).collect())
        .find(|properties: &BTreeMap<_, _>| properties.get("Id") == Some(&id))
        .unwrap_or_default()
}

fn memory(line: &str) -> Option<u64> {
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    kilobytes.checked_mul(1024)
}

fn socket(line: &str) -> Option<GuestSocket> {
    let fields: Vec<&str> = line.trim().split('|').collect();
    match fields[..] {
        ["socket", mode, owner, _, group, _] => {
            Some(GuestSocket { mode: mode.into(), owner: owner.into(), group: group.into() })
        }
        _ => None,
    }
}

fn container(line: &str) -> Option<Container> {
    let mut fields = line.splitn(3, '|').map(str::to_owned);
    Some(Container { id: fields.next()?, name: fields.next()?, status: fields.next()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Put together from what the commands print in a Debian 12 guest.
    const DOCUMENT: &str = "\
@m user\ndev\n\n@m = 0
@m session\ndev sudo\n\n@m = 0
@m groups\nroot:x:0:\nsudo:x:27:dev\ndocker:x:999:dev,ci\n\n@m = 0
@m cpus\n2\n\n@m = 0
@m memory\nMemTotal:        2014412 kB\n\n@m = 0
@m dockerd\n/usr/sbin/dockerd\n\n@m = 0
@m units\nId=docker.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\n\nId=docker.socket\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\n\n@m = 0
@m socket\nsocket|660|root|0|docker|999\n\n@m = 0
@m provision_failed\ncat: /run/cai-provision-failed: No such file or directory\n\n@m = 1
@m containers\nabc|agent-1|Up 3 hours\n\n@m = 0
@m end\n";

    #[test]
    fn configured_and_effective_groups_are_told_apart() {
        let facts = GuestFacts::read(&Document::parse(DOCUMENT, "m").unwrap());
        assert!(facts.is_member("dev", "docker"));
        assert!(!facts.session_groups.contains("docker"));
        assert!(!facts.is_member("de", "docker") && !facts.is_member("dev", "nosuch"));
    }

    #[test]
    fn the_daemon_and_its_socket_are_read() {
        let facts = GuestFacts::read(&Document::parse(DOCUMENT, "m").unwrap());
        assert!(facts.dockerd_installed && facts.docker_answers());
        assert_eq!(
            (facts.docker_active.as_str(), facts.docker_enabled.as_str()),
            ("active", "enabled")
        );
        assert_eq!(facts.socket.as_ref().map(|socket| socket.group.as_str()), Some("docker"));
        assert_eq!(facts.provision_failed, None);
        assert_eq!(facts.memory, Some(2_014_412 * 1024));
        assert_eq!(facts.containers[0].name, "agent-1");
    }

    #[test]
    fn a_guest_without_docker_is_no_error() {
        let facts =
            GuestFacts::read(&Document::parse("@m user\ndev\n\n@m = 0\n@m end", "m").unwrap());
        assert!(!facts.dockerd_installed && !facts.docker_answers());
        assert_eq!((facts.docker_active.as_str(), facts.socket), ("", None));
    }
}
