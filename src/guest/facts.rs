//! The facts about a guest, read from its document.

use std::collections::{BTreeMap, BTreeSet};

use super::answers::{self, Answers};
use super::{
    Account, Container, DaemonJson, DockerdSettings, Document, Engine, Group, GuestSocket,
    SECCOMP_PROFILE, Section, Unfinished, Unit, accounts, containers, packages, settings, socket,
};
use crate::lima::failed_script;

/// The unit of dockerd.
pub const DOCKER_SERVICE: &str = "docker.service";
/// The group that Docker's packages create.
pub const DOCKER_GROUP: &str = "docker";

/// The facts about a guest, read in one session of its login user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GuestFacts {
    /// The login user.
    pub user: String,
    /// The *effective* groups of the session: those that the user had when the connection was
    /// opened.
    pub session_groups: BTreeSet<String>,
    /// The groups that are *configured*.
    pub groups: BTreeMap<String, Group>,
    /// The accounts.
    pub accounts: BTreeMap<String, Account>,
    /// The architecture, as Debian names it.
    pub arch: String,
    /// The number of processors, if it is known.
    pub cpus: Option<u32>,
    /// The memory that the kernel manages in bytes, which is less than the machine has.
    pub memory: Option<u64>,
    /// Whether `dockerd` is installed.
    pub dockerd_installed: bool,
    /// The versions of the relevant installed packages.
    pub packages: BTreeMap<String, String>,
    /// The packages whose installation is incomplete. apt fails until it is finished.
    pub unfinished: BTreeMap<String, Unfinished>,
    /// The relevant services.
    pub units: BTreeMap<String, Unit>,
    /// The daemon's configuration file, and the loaded configuration.
    pub daemon_json: DaemonJson,
    /// The SHA-256 of the seccomp profile that `cai` placed.
    pub seccomp_profile: Option<String>,
    /// Whether a unit of `cai` mounts a Lima disk for Docker's data.
    pub mounts_data_disk: bool,
    /// The runtimes of the daemon, starting with the default one. Empty if the daemon is not
    /// active.
    pub runtimes: Vec<String>,
    /// The running daemon's report about itself. `None` if it does not answer.
    pub engine: Option<Engine>,
    /// The socket in the guest.
    pub socket: Option<GuestSocket>,
    /// The exit status of the provisioning script if it failed on this boot.
    pub provision_failed: Option<String>,
    /// The last lines of the provisioning log if provisioning failed.
    pub provision_log: Vec<String>,
    /// The last lines of dockerd's log if it is not active or its socket does not exist.
    pub daemon_log: Vec<String>,
    /// The exit status and the error message of root's request to dockerd. `None` if dockerd is not
    /// active.
    pub docker_as_root: Option<Section>,
    /// The running containers; `None` if dockerd is installed but does not list them. With
    /// live-restore, or after a crash of dockerd, containers keep running without it.
    pub containers: Option<Vec<Container>>,
    /// The containers that `cai` stopped and has not started again, in the order of their start.
    pub stopped_by_cai: Vec<Container>,
    /// The settings that the running dockerd has not read.
    pub not_loaded: Vec<DockerdSettings>,
    /// The sections of the individual resource kinds.
    pub document: Document,
}

impl GuestFacts {
    /// Reads a document. Missing facts are absent, never an error.
    pub fn read(document: &Document) -> Self {
        Self { document: document.clone(), ..Self::core(document) }
    }

    /// The same, with no sections but these: the meaning of the others has been read.
    pub fn keeping(mut document: Document, wanted: impl Fn(&str) -> bool) -> Self {
        let facts = Self::core(&document);
        document.keep(wanted);
        Self { document, ..facts }
    }

    /// The same, with what dockerd answered before: the document does not contain its answers.
    #[must_use]
    pub fn with_dockerd_of(self, before: &Self) -> Self {
        let Self { runtimes, engine, docker_as_root, containers, stopped_by_cai, .. } =
            before.clone();
        Self { runtimes, engine, docker_as_root, containers, stopped_by_cai, ..self }
    }

    fn core(document: &Document) -> Self {
        let text = |name| document.text(name).unwrap_or_default();
        let groups = accounts::groups(text("groups"));
        let answers = Answers::read(document);
        let engine = Engine::read(&answers);
        let dockerd_installed = document.text("dockerd").is_some();
        let docker_as_root = answers::outcome(document);
        let containers = if docker_as_root.is_none() && !dockerd_installed {
            Some(Vec::new())
        } else {
            containers::running(&answers)
        };
        Self {
            user: text("user").trim().to_owned(),
            session_groups: accounts::session(text("session"), &groups),
            groups,
            accounts: accounts::accounts(text("passwd")),
            arch: text("arch").trim().to_owned(),
            cpus: text("cpus").trim().parse().ok(),
            memory: memory(text("memory")),
            dockerd_installed,
            packages: packages::installed(document),
            unfinished: packages::unfinished(document),
            units: packages::units(text("units")),
            daemon_json: DaemonJson::read(document),
            seccomp_profile: document.sum(SECCOMP_PROFILE),
            mounts_data_disk: document.sum(super::data_disk::UNIT).is_some(),
            runtimes: engine.as_ref().map(Engine::runtimes).unwrap_or_default(),
            engine,
            socket: socket::socket(text("socket")),
            provision_failed: document.text("provision_failed").map(|code| code.trim().to_owned()),
            provision_log: failed_script(lines(document.section("provision_log"))),
            daemon_log: lines(document.section("daemon_log")),
            docker_as_root,
            stopped_by_cai: containers::stopped(document, containers.as_deref()),
            containers,
            not_loaded: settings::not_loaded(document),
            document: Document::default(),
        }
    }

    /// Whether a service is active.
    pub fn is_active(&self, unit: &str) -> bool {
        self.units.get(unit).is_some_and(|unit| unit.active == "active")
    }

    /// The containers that stop with dockerd; `None` if they are unknown. With live-restore they
    /// keep running (measured with Docker 20.10).
    pub fn stopped_with_daemon(&self, live_restore: bool) -> Option<&[Container]> {
        if live_restore { Some(&[]) } else { self.containers.as_deref() }
    }

    /// Whether dockerd is active.
    pub fn docker_runs(&self) -> bool {
        self.is_active(DOCKER_SERVICE)
    }

    /// Whether dockerd is active and answers root.
    pub fn docker_answers(&self) -> bool {
        self.docker_as_root.as_ref().is_some_and(|section| section.status == 0)
    }
}

/// The lines of a section, even if its command failed: for example, that a log cannot be read is
/// useful to know.
fn lines(section: Option<&Section>) -> Vec<String> {
    let text = section.map_or("", |section| section.text.as_str());
    text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

fn memory(line: &str) -> Option<u64> {
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    kilobytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Assembled from the output of the commands in a Debian 12 guest.
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
@m api\n/containers/json [{\"Id\":\"abc\"}]\n/containers/abc/json {\"Id\":\"abc\",\"Name\":\"/agent-1\",\"State\":{\"StartedAt\":\"2026-11-21T04:05:06.7Z\"},\"HostConfig\":{\"Runtime\":\"sysbox-runc\",\"AutoRemove\":false}}\n/info {\"DefaultRuntime\":\"runc\",\"Runtimes\":{\"io.containerd.runc.v2\":{},\"runc\":{},\"sysbox-runc\":{}}}\n\n@m = 0
@m packages\ndpkg-query: no packages found matching docker-ce\ninstalled docker.io 20.10.24+dfsg1-1+b3\nnot-installed sysbox-ce \n\n@m = 1
@m passwd\nroot:x:0:0:root:/root:/bin/bash\ndev:x:1001:1001::/home/dev.guest:/bin/bash\n\n@m = 0
@m end\n";

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
    fn a_daemon_that_fails_says_why_and_lists_nothing() {
        let said = "GET /containers/json: dockerd closed the connection";
        let text = DOCUMENT.replace("}}}\n\n@m = 0", &format!("}}}}}}\n{said}\n\n@m = 1"));
        let facts = GuestFacts::read(&Document::parse(&text, "m").unwrap());
        assert!(facts.docker_runs() && !facts.docker_answers());
        assert!(facts.docker_as_root.unwrap().text.ends_with(said));
        assert_eq!((facts.containers, facts.engine), (None, None));
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
