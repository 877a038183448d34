//! Docker in the guest: installed, started, and answering root.

use crate::config::{Config, DockerSource, Strategy};
use crate::guest::{
    DOCKER_GROUP, DOCKER_SERVICE, GuestFacts, GuestSocket, Operation, provisioning,
};
use crate::lima::{GUEST_SOCKET, Ssh};
use crate::model::address::Address;
use crate::model::value::Attributes;
use crate::model::{UnixName, VmName};
use crate::plan::{Change, Disruption, Problem, Reason, Step};
use crate::resource::{Group, PlanContext, Resource, Vm, containers, restrained, seen, unseen};

use super::{ProvisionDaemon, hidden, is_kept_alive, keeps_containers};

/// Who may connect to the socket, where that is everybody, or root alone.
pub(in crate::resource) const SOCKET_ACCESS: &str = "socket_access";
pub(in crate::resource) const SOCKET_GROUP: &str = "socket_group";
const ANSWERS: &str = "answers_root";

/// Docker in the guest.
#[derive(Debug)]
pub struct ProvisionDocker {
    address: Address,
    vm: Address,
    requires: Vec<Address>,
    name: VmName,
    source: DockerSource,
    version: Option<String>,
    strategy: Strategy,
}

impl ProvisionDocker {
    /// As the file declares it.
    pub fn new(config: &Config) -> Self {
        let mut requires = vec![Vm::own_address(config), ProvisionDaemon::own_address()];
        // Docker's package takes the group that is there.
        requires.extend(Group::declared(config, &UnixName::docker()));
        Self {
            address: Self::own_address(),
            vm: Vm::own_address(config),
            requires,
            name: config.vm.name.clone(),
            source: config.docker.source,
            version: config.docker.version.as_ref().map(ToString::to_string),
            strategy: config.restart.strategy,
        }
    }

    /// Its address.
    pub fn own_address() -> Address {
        super::address("docker")
    }

    fn wanted(&self) -> Attributes {
        let attributes = Attributes::default()
            .with("dockerd", "installed")
            .with(DOCKER_SERVICE, "active")
            .with("at_boot", "enabled")
            .with("boot_script", "succeeded")
            .with(ANSWERS, true)
            .with(SOCKET_GROUP, DOCKER_GROUP);
        match &self.version {
            Some(version) => attributes.with("version", version.as_str()),
            None => attributes,
        }
    }

    fn actual(&self, guest: &GuestFacts) -> Attributes {
        let unit = guest.units.get(DOCKER_SERVICE).cloned().unwrap_or_default();
        // Units without an [Install] section, or an alias, say "static" and "alias"; they do start.
        let at_boot = match unit.enabled.as_str() {
            "disabled" | "masked" | "" => unit.enabled.as_str(),
            _ => "enabled",
        };
        let boot_script = match &guest.provision_failed {
            Some(status) => format!("failed with exit status {status}"),
            None => "succeeded".into(),
        };
        // Without the group, or without the socket, there is nothing to give.
        let socket_group = match &guest.socket {
            Some(socket) if guest.groups.contains_key(DOCKER_GROUP) => socket.group.as_str(),
            _ => DOCKER_GROUP,
        };
        let attributes = Attributes::default()
            .with("dockerd", if guest.dockerd_installed { "installed" } else { "missing" })
            .with(DOCKER_SERVICE, unit.active)
            .with("at_boot", at_boot)
            .with("boot_script", boot_script)
            .with(ANSWERS, guest.docker_answers())
            .with(SOCKET_GROUP, socket_group);
        let installed =
            provisioning::package(self.source).and_then(|name| guest.packages.get(name));
        match (&self.version, installed) {
            // Docker's own packages have an epoch before the version, and the distribution behind.
            (Some(wanted), Some(installed)) if is_version(installed, wanted) => {
                attributes.with("version", wanted.as_str())
            }
            (Some(_), Some(installed)) => attributes.with("version", installed.as_str()),
            _ => attributes,
        }
    }

    fn update(&self, guest: &GuestFacts, context: PlanContext<'_>, ssh: &Ssh) -> Change {
        let (mut actual, mut wanted) = (self.actual(guest), self.wanted());
        // Not worth a line where it is as it should be, which is how dockerd makes it.
        if let Some(others) = guest.socket.as_ref().and_then(access) {
            actual = actual.with(SOCKET_ACCESS, others);
            wanted = wanted.with(SOCKET_ACCESS, "its group");
        }
        let change = Change::between(&self.address, actual, wanted);
        let change = self.other_package(guest).into_iter().fold(change, Change::because);
        if !guest.dockerd_installed && self.source == DockerSource::Preinstalled {
            return change.blocked(Problem::NotPreinstalled);
        }
        let changed = change.changed();
        if changed.is_empty() {
            return change;
        }
        let silent = guest.docker_as_root.as_ref().filter(|_| !guest.docker_answers());
        let change = match silent {
            Some(_) if guest.socket.is_none() => {
                let keeps = keeps_containers(guest, context);
                let stops = guest.stopped_with_daemon(keeps);
                let change = change
                    .disturbing(Disruption::DaemonRestart, stops)
                    .hiding_data(hidden::at_restart(guest, &self.name, context, keeps));
                bring_socket_back(containers::remember(change, guest, ssh), ssh)
            }
            // It does not list its containers, so they cannot be recorded.
            Some(words) => change
                .because(Reason::DaemonSilent(words.text.clone()))
                .disturbing(Disruption::DaemonRestart, guest.containers.as_deref())
                .hiding_data(hidden::at_restart(guest, &self.name, context, false))
                .step(Step::run(
                    "restart dockerd",
                    Operation::RestartDocker { restore: false }.command(ssh),
                )),
            None => change.because(Reason::Differs(changed.clone())),
        };
        // The package restarts what runs when it is replaced: the old one goes with what it has
        // loaded, and the new one comes with the file.
        let change = if guest.docker_runs() && changed.iter().any(|name| name == "version") {
            let loaded = guest.daemon_json.loaded_keys();
            let keeps = is_kept_alive(&loaded) && keeps_containers(guest, context);
            let stops = guest.stopped_with_daemon(keeps);
            let change = change
                .disturbing(Disruption::DaemonRestart, stops)
                .hiding_data(hidden::at_restart(guest, &self.name, context, keeps));
            containers::remember(change, guest, ssh)
        } else {
            change
        };
        // Once it is restarted it answers, and its socket has the group and the mode.
        let of_socket = |name: &String| name == SOCKET_GROUP || name == SOCKET_ACCESS;
        let by_restart = |name: &String| of_socket(name) || (name == ANSWERS && silent.is_some());
        if silent.is_some() && changed.iter().all(by_restart) {
            return containers::resume_early(change, ssh);
        }
        let takes_on = |wanted: &str| changed.iter().any(|name| name == wanted);
        let mut change = change;
        if changed.iter().any(|name| !of_socket(name)) {
            let install =
                Operation::Docker { source: self.source, version: self.version.as_deref() };
            let install = install.command(ssh);
            change = change.step(Step::run("install and start Docker in the guest", install));
            change = containers::or_resume(change, ssh);
        }
        // What is installed and runs stays, with the socket that it made.
        if takes_on(SOCKET_GROUP) {
            let chgrp = Operation::System(&["chgrp", DOCKER_GROUP, GUEST_SOCKET]).command(ssh);
            change = change.step(Step::run("give the Docker socket to its group", chgrp));
        }
        if takes_on(SOCKET_ACCESS) {
            let chmod = Operation::System(&["chmod", "660", GUEST_SOCKET]).command(ssh);
            change = change.step(Step::run("open the Docker socket to its group alone", chmod));
        }
        containers::resume_early(change, ssh)
    }
}

/// Who may connect to the socket, where it is not its group.
fn access(socket: &GuestSocket) -> Option<&'static str> {
    match (socket.is_open(), socket.is_closed()) {
        (true, _) => Some("everybody"),
        (false, true) => Some("its owner"),
        (false, false) => None,
    }
}

/// Whether a package's version is what the file says: all of it, or its first numbers. There may be
/// an epoch before it, and the distribution's own words behind; behind a revision, only a suffix.
/// `apt.sh` chooses by the same rule.
fn is_version(installed: &str, wanted: &str) -> bool {
    let upstream = installed.split_once(':').map_or(installed, |(_, rest)| rest);
    let rest = upstream.strip_prefix(wanted).or_else(|| installed.strip_prefix(wanted));
    rest.is_some_and(|rest| match rest.chars().next() {
        None | Some('~' | '+') => true,
        Some(next) => !next.is_ascii_alphanumeric() && !wanted.contains('-'),
    })
}

impl ProvisionDocker {
    /// An engine that came from elsewhere. Where a version is declared, it is replaced for that.
    fn other_package(&self, guest: &GuestFacts) -> Option<Reason> {
        let source = provisioning::package(self.source)?;
        let installed =
            provisioning::PACKAGES.iter().find(|it| guest.packages.contains_key(**it))?;
        (*installed != source && self.version.is_none() && guest.dockerd_installed)
            .then(|| Reason::OtherPackage { installed: (*installed).to_owned(), source })
    }
}

/// dockerd runs, and nobody reaches it. It reloads first, so that live-restore is in force when it
/// goes down: then its containers keep running (measured with Docker 20.10).
fn bring_socket_back(change: Change, ssh: &Ssh) -> Change {
    let reload = Operation::System(&["systemctl", "reload", DOCKER_SERVICE]).command(ssh);
    let restart = Operation::RestartDocker { restore: false }.command(ssh);
    change
        .because(Reason::SocketMissing)
        .step(Step::run("reload dockerd", reload))
        .step(Step::run("restart dockerd with its socket", restart))
}

impl Resource for ProvisionDocker {
    fn address(&self) -> &Address {
        &self.address
    }

    fn requires(&self) -> Vec<Address> {
        self.requires.clone()
    }

    fn plan(&self, context: PlanContext<'_>) -> Change {
        let facts = context.facts;
        match seen(facts, &self.name) {
            Some((guest, ssh)) => restrained(self.update(guest, context, &ssh), self.strategy),
            None => unseen(&self.address, self.wanted(), facts, &self.vm),
        }
    }
}
