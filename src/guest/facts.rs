//! What the guest's document means.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{DaemonJson, Document, Engine, SECCOMP_PROFILE, Section};
use crate::lima::failed_script;

/// The unit of dockerd.
pub const DOCKER_SERVICE: &str = "docker.service";
/// The group that Docker's packages make.
pub const DOCKER_GROUP: &str = "docker";

/// What is known of a guest, read in one session of its login user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GuestFacts {
    /// The login user.
    pub user: String,
    /// The groups that the session *has*: those the user had when the connection began.
    pub session_groups: BTreeSet<String>,
    /// The groups that are *configured*.
    pub groups: BTreeMap<String, Group>,
    /// The accounts.
    pub accounts: BTreeMap<String, Account>,
    /// The architecture, in Debian's words.
    pub arch: String,
    /// Processors, where the guest could tell.
    pub cpus: Option<u32>,
    /// Memory that the kernel manages, in bytes: some less than the machine has.
    pub memory: Option<u64>,
    /// Whether `dockerd` is installed.
    pub dockerd_installed: bool,
    /// The versions of the installed packages that matter here.
    pub packages: BTreeMap<String, String>,
    /// The packages whose installation is incomplete. apt fails until it is finished.
    pub unfinished: BTreeMap<String, Unfinished>,
    /// The services that matter here.
    pub units: BTreeMap<String, Unit>,
    /// The daemon's configuration, and what the daemon has of it.
    pub daemon_json: DaemonJson,
    /// The SHA-256 of the seccomp profile that was put there.
    pub seccomp_profile: Option<String>,
    /// The runtimes that the daemon knows, the default one first. Empty when it is not active.
    pub runtimes: Vec<String>,
    /// The running daemon's report about itself. `None` when it does not answer.
    pub engine: Option<Engine>,
    /// The socket in the guest.
    pub socket: Option<GuestSocket>,
    /// The exit status of the provisioning script, where it failed on this boot.
    pub provision_failed: Option<String>,
    /// The last lines of what provisioning printed, where it failed.
    pub provision_log: Vec<String>,
    /// The last lines of dockerd's log, where it is not active or its socket is missing.
    pub daemon_log: Vec<String>,
    /// What dockerd said when root asked for its containers. `None` when it is not active.
    pub docker_as_root: Option<Section>,
    /// The running containers; `None` where dockerd is installed and does not list them. One that
    /// crashed, or that stopped with live-restore, leaves its containers running.
    pub containers: Option<Vec<Container>>,
    /// The containers that `cai` stopped and has not started again, in the order in which they were
    /// started.
    pub stopped_by_cai: Vec<Container>,
}

/// A package that is neither installed nor removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// Its state as dpkg reports it, such as `half-configured`.
    pub status: String,
    /// Its version.
    pub version: String,
}

/// A group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Group {
    /// Its number.
    pub gid: u32,
    /// The users that it lists.
    pub members: Vec<String>,
}

/// An account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// Its number.
    pub uid: u32,
    /// The number of its own group, which every session of it has.
    pub gid: u32,
    /// Its login shell.
    pub shell: String,
}

/// A service, in systemd's words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unit {
    /// Its state.
    pub active: String,
    /// Whether it starts at boot.
    pub enabled: String,
}

/// The Docker socket as the guest sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestSocket {
    /// The permission bits, in octal.
    pub mode: String,
    /// The owner's name.
    pub owner: String,
    /// The group's name; `UNKNOWN` where its number has none.
    pub group: String,
    /// The group's number.
    pub gid: u32,
}

impl GuestSocket {
    /// Whether every user of the guest may connect: whoever may write to a socket may.
    pub fn is_open(&self) -> bool {
        self.mode.ends_with(['2', '3', '6', '7'])
    }

    /// Whether not even the members of its group may connect, for which they have to write to it.
    pub fn is_closed(&self) -> bool {
        let group = self.mode.chars().rev().nth(1);
        !group.is_some_and(|digit| matches!(digit, '2' | '3' | '6' | '7'))
    }
}

/// As `ls` would say it: its mode, its owner, its group with the number.
impl std::fmt::Display for GuestSocket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "mode {} of {}, group {} ({})", self.mode, self.owner, self.group, self.gid)
    }
}

/// A running container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Container {
    /// The full identifier.
    pub id: String,
    /// The name.
    pub name: String,
    /// The runtime that it was started with.
    pub runtime: String,
    /// When it was started, in the daemon's words.
    pub started: String,
    /// Docker removes it as soon as it stops (`docker run --rm`).
    pub auto_remove: bool,
}

/// The line that the probe prints for it.
impl std::fmt::Display for Container {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { id, name, runtime, started, auto_remove } = self;
        write!(f, "{id}|{name}|{runtime}|{started}|{auto_remove}")
    }
}

impl GuestFacts {
    /// Reads a document. What a guest does not tell is absent, never an error.
    pub fn read(document: &Document) -> Self {
        let text = |name| document.text(name).unwrap_or_default();
        let groups: BTreeMap<String, Group> = text("groups").lines().filter_map(group).collect();
        let packages = || document.lines("packages").filter_map(package);
        let containers = match document.section("containers") {
            Some(section) if section.status == 0 => {
                Some(section.text.lines().filter_map(container).collect())
            }
            None if document.text("dockerd").is_none() => Some(Vec::new()),
            Some(_) | None => None,
        };
        Self {
            user: text("user").trim().to_owned(),
            session_groups: session(text("session"), &groups),
            groups,
            accounts: text("passwd").lines().filter_map(account).collect(),
            arch: text("arch").trim().to_owned(),
            cpus: text("cpus").trim().parse().ok(),
            memory: memory(text("memory")),
            dockerd_installed: document.text("dockerd").is_some(),
            // Where one of the packages is unknown it fails, and names the others all the same.
            packages: packages()
                .filter(|[status, ..]| *status == "installed")
                .map(|[_, name, version]| (name.to_owned(), version.to_owned()))
                .collect(),
            unfinished: packages()
                .filter(|[status, ..]| !COMPLETE.contains(status))
                .map(|[status, name, version]| {
                    let (status, version) = (status.to_owned(), version.to_owned());
                    (name.to_owned(), Unfinished { status, version })
                })
                .collect(),
            units: text("units").split("\n\n").filter_map(unit).collect(),
            daemon_json: DaemonJson::read(document),
            seccomp_profile: document.sum(SECCOMP_PROFILE),
            runtimes: runtimes(text("runtimes")),
            engine: Engine::read(document),
            socket: socket(text("socket")),
            provision_failed: document.text("provision_failed").map(|code| code.trim().to_owned()),
            provision_log: failed_script(lines(document.section("provision_log"))),
            daemon_log: lines(document.section("daemon_log")),
            docker_as_root: document.section("containers").cloned(),
            stopped_by_cai: stopped(document, containers.as_deref()),
            containers,
        }
    }

    /// Whether a user is configured as a member of a group.
    pub fn is_member(&self, user: &str, group: &str) -> bool {
        self.groups.get(group).is_some_and(|group| group.members.iter().any(|name| name == user))
    }

    /// Whether a service is active.
    pub fn is_active(&self, unit: &str) -> bool {
        self.units.get(unit).is_some_and(|unit| unit.active == "active")
    }

    /// Whether the login user opens the Docker socket as its owner, by a drop-in of `docker.socket` as
    /// Lima's template docker-rootful has it. Then nothing depends on its groups.
    pub fn owns_socket(&self) -> bool {
        self.socket.as_ref().is_some_and(|socket| {
            let owner = socket.mode.chars().rev().nth(2);
            socket.owner == self.user && owner.is_some_and(|bits| "2367".contains(bits))
        })
    }

    /// Whether the login user's session needs a group.
    pub fn needs_group(&self, group: &str) -> bool {
        group != DOCKER_GROUP || !self.owns_socket()
    }

    /// The groups of the login user that the open session needs and lacks, because the user joined
    /// them after the session started.
    pub fn lacks_groups(&self, wanted: Vec<String>) -> Vec<String> {
        let lacks = |group: &String| {
            !self.session_groups.contains(group) && self.is_member(&self.user, group)
        };
        wanted.into_iter().filter(|group| lacks(group) && self.needs_group(group)).collect()
    }

    /// Whether the session may open the Docker socket: its owner, its group or everybody may.
    pub fn session_reaches_docker(&self) -> bool {
        self.socket.as_ref().is_none_or(|socket| {
            self.owns_socket()
                || self.session_groups.contains(&socket.group) && !socket.is_closed()
                || socket.is_open()
        })
    }

    /// The containers that stop with dockerd; `None` where nobody can list them. With live-restore
    /// in force they keep running (measured with Docker 20.10).
    pub fn stopped_with_daemon(&self, live_restore: bool) -> Option<&[Container]> {
        if live_restore { Some(&[]) } else { self.containers.as_deref() }
    }

    /// Whether dockerd runs.
    pub fn docker_runs(&self) -> bool {
        self.is_active(DOCKER_SERVICE)
    }

    /// The groups that list a user as a member.
    pub fn groups_of(&self, user: &str) -> Vec<String> {
        self.groups.keys().filter(|group| self.is_member(user, group)).cloned().collect()
    }

    /// The groups that a session of a user would have if it began now.
    pub fn fresh_groups_of(&self, user: &str) -> BTreeSet<String> {
        let own = self.accounts.get(user).map(|account| account.gid);
        let own =
            own.map(|gid| self.group_with(gid).map_or_else(|| gid.to_string(), str::to_owned));
        self.groups_of(user).into_iter().chain(own).collect()
    }

    /// The name of the group that has this id.
    pub fn group_with(&self, gid: u32) -> Option<&str> {
        let mut groups = self.groups.iter();
        groups.find(|(_, group)| group.gid == gid).map(|(name, _)| name.as_str())
    }

    /// The name of the user who has this id.
    pub fn user_with(&self, uid: u32) -> Option<&str> {
        let mut accounts = self.accounts.iter();
        accounts.find(|(_, account)| account.uid == uid).map(|(name, _)| name.as_str())
    }

    /// Whether dockerd runs and answers root.
    pub fn docker_answers(&self) -> bool {
        self.docker_as_root.as_ref().is_some_and(|section| section.status == 0)
    }
}

/// The lines of a section, whatever became of its command: that it may not read a log, for one, is
/// worth knowing.
fn lines(section: Option<&Section>) -> Vec<String> {
    let text = section.map_or("", |section| section.text.as_str());
    text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// `name:x:gid:a,b` as in `/etc/group`.
fn group(line: &str) -> Option<(String, Group)> {
    let [name, _, gid, members] = line.split(':').collect::<Vec<_>>()[..] else { return None };
    let members = members.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
    Some((name.to_owned(), Group { gid: gid.parse().ok()?, members }))
}

/// The names of a session's groups. A number without a name is a group that is gone, or got another
/// number after the session began: it stays a number, and is none of the configured groups.
fn session(numbers: &str, groups: &BTreeMap<String, Group>) -> BTreeSet<String> {
    let name = |number: &str| {
        let gid: u32 = number.parse().ok()?;
        groups.iter().find(|(_, group)| group.gid == gid).map(|(name, _)| name.clone())
    };
    numbers.split_whitespace().map(|number| name(number).unwrap_or_else(|| number.into())).collect()
}

/// `name:x:uid:gid:comment:home:shell` as in `/etc/passwd`.
fn account(line: &str) -> Option<(String, Account)> {
    let [name, _, uid, gid, _, _, shell] = line.split(':').collect::<Vec<_>>()[..] else {
        return None;
    };
    let (uid, gid) = (uid.parse().ok()?, gid.parse().ok()?);
    Some((name.to_owned(), Account { uid, gid, shell: shell.to_owned() }))
}

/// dpkg's states of a package without pending work.
const COMPLETE: [&str; 3] = ["installed", "not-installed", "config-files"];

/// `status package version` of dpkg.
fn package(line: &str) -> Option<[&str; 3]> {
    let words = line.split_whitespace().collect::<Vec<_>>();
    // dpkg-query prints a longer line for an unknown package.
    <[&str; 3]>::try_from(words).ok()
}

/// The recorded containers that do not run. The others were never stopped, or were started since.
fn stopped(document: &Document, running: Option<&[Container]>) -> Vec<Container> {
    let noted = document.lines("stopped").filter_map(container);
    let runs = |it: &Container| running.is_none_or(|list| list.iter().any(|own| own.id == it.id));
    noted.filter(|it| !runs(it)).collect()
}

/// One block of `systemctl show`.
fn unit(block: &str) -> Option<(String, Unit)> {
    let properties: BTreeMap<_, _> =
        block.lines().filter_map(|line| line.split_once('=')).collect();
    let property = |name| properties.get(name).copied().unwrap_or_default().to_owned();
    let loaded = properties.get("LoadState") != Some(&"not-found");
    let unit = Unit { active: property("ActiveState"), enabled: property("UnitFileState") };
    loaded.then(|| (property("Id"), unit))
}

/// The default runtime and then all of them, each once, on the first line.
fn runtimes(text: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in text.lines().next().unwrap_or_default().split_whitespace() {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

fn memory(line: &str) -> Option<u64> {
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    kilobytes.checked_mul(1024)
}

fn socket(line: &str) -> Option<GuestSocket> {
    let fields: Vec<&str> = line.trim().split('|').collect();
    match fields[..] {
        ["socket", mode, owner, _, group, gid] => Some(GuestSocket {
            mode: mode.into(),
            owner: owner.into(),
            group: group.into(),
            gid: gid.parse().ok()?,
        }),
        _ => None,
    }
}

fn container(line: &str) -> Option<Container> {
    let fields: Vec<&str> = line.split('|').collect();
    let [id, name, runtime, started, rest @ ..] = fields.as_slice() else { return None };
    let [id, name, runtime, started] = [id, name, runtime, started].map(|&it| it.to_owned());
    Some(Container { id, name, runtime, started, auto_remove: *rest == ["true"] })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Put together from what the commands print in a Debian 12 guest.
    const DOCUMENT: &str = "\
@m user\ndev\n\n@m = 0
@m session\n1001 27 998\n\n@m = 0
@m groups\nroot:x:0:\ndev:x:1001:\nsudo:x:27:dev\ndocker:x:999:dev,ci\n\n@m = 0
@m cpus\n2\n\n@m = 0
@m memory\nMemTotal:        2014412 kB\n\n@m = 0
@m dockerd\n/usr/sbin/dockerd\n\n@m = 0
@m units\nId=docker.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\n\nId=docker.socket\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\n\n@m = 0
@m socket\nsocket|660|root|0|docker|999\n\n@m = 0
@m provision_failed\ncat: /run/cai-provision-failed: No such file or directory\n\n@m = 1
@m containers\nabc|agent-1|sysbox-runc|2026-11-21T04:05:06.7Z\n\n@m = 0
@m runtimes\nrunc io.containerd.runc.v2 runc sysbox-runc \n\n@m = 0
@m packages\ndpkg-query: no packages found matching docker-ce\ninstalled docker.io 20.10.24+dfsg1-1+b3\nnot-installed sysbox-ce \n\n@m = 1
@m passwd\nroot:x:0:0:root:/root:/bin/bash\ndev:x:1001:1001::/home/dev.guest:/bin/bash\n\n@m = 0
@m end\n";

    #[test]
    fn configured_and_effective_groups_are_told_apart() {
        let facts = GuestFacts::read(&Document::parse(DOCUMENT, "m").unwrap());
        assert!(facts.is_member("dev", "docker"));
        // 998 is what docker was when the session began.
        assert_eq!(facts.session_groups, ["998", "dev", "sudo"].map(String::from).into());
        assert_eq!(facts.groups["docker"].gid, 999);
        assert_eq!(
            facts.accounts["dev"],
            Account { uid: 1001, gid: 1001, shell: "/bin/bash".into() }
        );
        assert!(!facts.is_member("de", "docker") && !facts.is_member("dev", "nosuch"));
    }

    #[test]
    fn the_daemon_and_its_socket_are_read() {
        let facts = GuestFacts::read(&Document::parse(DOCUMENT, "m").unwrap());
        assert!(facts.dockerd_installed && facts.docker_answers());
        let unit = Unit { active: "active".into(), enabled: "enabled".into() };
        assert_eq!(facts.units[DOCKER_SERVICE], unit);
        assert_eq!(facts.runtimes, ["runc", "io.containerd.runc.v2", "sysbox-runc"]);
        assert_eq!(facts.packages["docker.io"], "20.10.24+dfsg1-1+b3");
        assert_eq!(facts.packages.len(), 1, "{:?}", facts.packages);
        assert_eq!(facts.containers.as_ref().unwrap()[0].runtime, "sysbox-runc");
        assert_eq!(facts.socket.as_ref().map(|socket| socket.group.as_str()), Some("docker"));
        assert_eq!(facts.provision_failed, None);
        assert_eq!(facts.memory, Some(2_014_412 * 1024));
        assert_eq!(facts.containers.unwrap()[0].name, "agent-1");
    }

    #[test]
    fn a_package_that_is_not_configured_is_not_installed() {
        let packages = "half-configured sysbox-ce 0.7.1.linux\nconfig-files docker-ce 5:28.5.1";
        let text = format!("@m packages\n{packages}\n\n@m = 0\n@m end");
        let facts = GuestFacts::read(&Document::parse(&text, "m").unwrap());
        assert!(facts.packages.is_empty(), "{:?}", facts.packages);
        let (status, version) = ("half-configured".into(), "0.7.1.linux".into());
        assert_eq!(facts.unfinished, [("sysbox-ce".into(), Unfinished { status, version })].into());
    }

    #[test]
    fn a_noted_container_is_left_stopped_unless_it_runs() {
        let line = "b|back|runc|2026-11-21T00:00:01Z|false";
        let read = |containers: &str| {
            let text = format!(
                "@m dockerd\n/usr/sbin/dockerd\n\n@m = 0\n{containers}@m stopped\na|once|runc|T|true\n{line}\n\n@m = 0\n@m end"
            );
            GuestFacts::read(&Document::parse(&text, "m").unwrap())
        };
        let facts = read("@m containers\na|once|runc|T2|true\n\n@m = 0\n");
        let lines: Vec<String> = facts.stopped_by_cai.iter().map(ToString::to_string).collect();
        assert_eq!(lines, [line]);
        assert!(facts.containers.unwrap()[0].auto_remove);
        // If the running containers cannot be listed, none is reported as stopped.
        assert_eq!(read("").stopped_by_cai, []);
    }

    #[test]
    fn what_a_stopped_daemon_left_running_is_not_known() {
        let text = "@m dockerd\n/usr/sbin/dockerd\n\n@m = 0\n@m end";
        let facts = GuestFacts::read(&Document::parse(text, "m").unwrap());
        assert!(facts.dockerd_installed && !facts.docker_runs());
        assert_eq!(facts.containers, None);
    }

    #[test]
    fn a_guest_without_docker_is_no_error() {
        let facts =
            GuestFacts::read(&Document::parse("@m user\ndev\n\n@m = 0\n@m end", "m").unwrap());
        assert!(!facts.dockerd_installed && !facts.docker_answers());
        assert!(!facts.docker_runs());
        assert_eq!(facts.socket, None);
        assert_eq!(facts.containers, Some(Vec::new()));
    }
}
