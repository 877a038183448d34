//! Docker in the guest: installed, started, and answering root.

pub(in crate::resource) mod diagnosis;
mod repository;
mod state;

use std::path::PathBuf;

use crate::config::{Config, DockerSource, Strategy};
use crate::guest::probe::Look;
use crate::guest::{DOCKER_GROUP, DOCKER_SERVICE, GuestFacts, Operation, provisioning};
use crate::lima::{GUEST_SOCKET, Ssh};
use crate::model::UnixName;
use crate::model::address::Address;
use crate::plan::{Change, Disruption, Observation, Problem, Reason, SideEffect, Step};
use crate::resource::facts::Facts;
use crate::resource::record::Recorded;
use crate::resource::vm_ref::VmRef;
use crate::resource::{Group, PlanContext, Resource, containers, for_downloads, restrained};

use crate::resource::provision::{ProvisionDaemon, hidden, is_kept_alive, keeps_containers};
use repository::Repository;
use state::State;

/// Docker in the guest.
#[derive(Debug)]
pub struct ProvisionDocker {
    address: Address,
    vm: VmRef,
    requires: Vec<Address>,
    source: DockerSource,
    version: Option<String>,
    repository: Repository,
    strategy: Strategy,
}

impl ProvisionDocker {
    /// As the file declares it.
    pub fn new(config: &Config) -> Self {
        let vm = VmRef::of(config);
        let mut requires = vec![vm.address.clone(), ProvisionDaemon::own_address()];
        requires.extend(for_downloads(config));
        // Docker's package takes the group that is there.
        requires.extend(Group::declared(config, &UnixName::docker()));
        Self {
            address: Self::own_address(),
            vm,
            requires,
            source: config.docker.source,
            version: config.docker.version.as_ref().map(ToString::to_string),
            repository: Repository::new(config.docker.repository.as_ref()),
            strategy: config.restart.strategy,
        }
    }

    /// Its address.
    pub fn own_address() -> Address {
        crate::resource::provision::address("docker")
    }

    fn update(&self, guest: &GuestFacts, context: PlanContext<'_>, ssh: &Ssh) -> Change {
        let (mut actual, mut desired) = (self.actual(guest), self.desired());
        // Shown only where it is not as dockerd creates it.
        desired.socket_access = actual.socket_access.map(|_| "its group");
        let compared = self.repository.compare(guest, context.facts, &self.address);
        (actual.repository, desired.repository) = (compared.actual, compared.desired);
        let change = Change::between(&self.address, &actual, &desired)
            .retracting(compared.undeclared.remove, compared.undeclared.release);
        let change = self.other_package(guest).into_iter().fold(change, Change::because);
        if !guest.dockerd_installed && self.source == DockerSource::Preinstalled {
            return change.blocked(Problem::NotPreinstalled);
        }
        if actual == desired {
            return change;
        }
        if actual.repository == desired.repository {
            return self.repair(change, actual, desired, guest, context, ssh);
        }
        if let Some(problem) = self.repository.problem(context.facts) {
            return change.because_differs().blocked(problem);
        }
        // New packages come from it. Otherwise, the engine must not wait for it.
        if !guest.dockerd_installed || actual.version != desired.version {
            let change = self.repository.provide(change, context.facts, ssh);
            return self.repair(change, actual, desired, guest, context, ssh);
        }
        let change = self.repair(change, actual, desired, guest, context, ssh);
        self.repository.provide(self.repository.with_note(change), context.facts, ssh)
    }

    /// Repairs everything but the repository.
    fn repair(
        &self,
        change: Change,
        actual: State,
        desired: State,
        guest: &GuestFacts,
        context: PlanContext<'_>,
        ssh: &Ssh,
    ) -> Change {
        let is_silent = guest.docker_as_root.is_some() && !guest.docker_answers();
        let change = if is_silent {
            self.wake(change, guest, context, ssh)
        } else {
            change.because_differs()
        };
        let change = if guest.docker_runs() && actual.version != desired.version {
            self.replace_package(change, guest, context, ssh)
        } else {
            change
        };
        // A restarted dockerd answers, and its socket has the group and the mode.
        let of_socket =
            (actual.socket_group != desired.socket_group, actual.socket_access.is_some());
        let is_installed = State {
            socket_group: desired.socket_group.clone(),
            socket_access: desired.socket_access,
            answers_root: actual.answers_root || is_silent,
            repository: desired.repository.clone(),
            ..actual
        } == desired;
        let change = if of_socket == (false, false) {
            change
        } else {
            change.causing(SideEffect::OpensSocket)
        };
        if is_silent && is_installed {
            return containers::resume_early(change, ssh);
        }
        let change = if is_installed { change } else { self.install(change, ssh) };
        containers::resume_early(open_socket(change, of_socket, ssh), ssh)
    }

    /// dockerd runs and does not answer even root, so it restarts.
    fn wake(
        &self,
        change: Change,
        guest: &GuestFacts,
        context: PlanContext<'_>,
        ssh: &Ssh,
    ) -> Change {
        let restart = Operation::RestartDocker { restore: false }.command(ssh);
        let keeps = guest.socket.is_none() && keeps_containers(guest, context);
        let hides = hidden::at_restart(guest, &self.vm.name, context, keeps);
        if guest.socket.is_some() {
            let words = guest.docker_as_root.as_ref().map(|it| it.text.clone()).unwrap_or_default();
            // It does not list its containers, so they cannot be recorded.
            return change
                .because(Reason::DaemonSilent(words))
                .disturbing(Disruption::DaemonRestart, guest.containers.as_deref())
                .hiding_data(hides)
                .step(Step::run("restart dockerd", restart));
        }
        let stops = guest.stopped_with_daemon(keeps);
        let change = change.disturbing(Disruption::DaemonRestart, stops).hiding_data(hides);
        // It reloads first, so that live-restore is in force when it goes down: then its containers
        // keep running (measured with Docker 20.10).
        let reload = Operation::System(&["systemctl", "reload", DOCKER_SERVICE]).command(ssh);
        containers::remember(change, guest, ssh)
            .because(Reason::SocketMissing)
            .step(Step::run("reload dockerd", reload))
            .step(Step::run("restart dockerd with its socket", restart))
    }

    /// The package restarts a running dockerd when it is replaced: the old one stops with the
    /// configuration that it has loaded, and the new one starts with that of the file.
    fn replace_package(
        &self,
        change: Change,
        guest: &GuestFacts,
        context: PlanContext<'_>,
        ssh: &Ssh,
    ) -> Change {
        let loaded = guest.daemon_json.loaded_keys();
        let keeps = is_kept_alive(&loaded) && keeps_containers(guest, context);
        let change = change
            .disturbing(Disruption::DaemonRestart, guest.stopped_with_daemon(keeps))
            .hiding_data(hidden::at_restart(guest, &self.vm.name, context, keeps));
        containers::remember(change, guest, ssh)
    }

    fn install(&self, change: Change, ssh: &Ssh) -> Change {
        let install = Operation::Docker {
            source: self.source,
            version: self.version.as_deref(),
            has_repository: self.repository.is_declared(),
        };
        let step = Step::run("install and start Docker in the guest", install.command(ssh));
        containers::or_resume(change.step(step), ssh)
    }

    /// An engine that came from elsewhere. It is replaced only for a declared version.
    fn other_package(&self, guest: &GuestFacts) -> Option<Reason> {
        let source = provisioning::package(self.source)?;
        let installed =
            provisioning::PACKAGES.iter().find(|it| guest.packages.contains_key(**it))?;
        (*installed != source && self.version.is_none() && guest.dockerd_installed)
            .then(|| Reason::OtherPackage { installed: (*installed).to_owned(), source })
    }
}

/// Corrects the group and the access of the socket. A running dockerd keeps the socket that it has.
fn open_socket(change: Change, (group, access): (bool, bool), ssh: &Ssh) -> Change {
    let mut change = change;
    if group {
        let chgrp = Operation::System(&["chgrp", DOCKER_GROUP, GUEST_SOCKET]).command(ssh);
        change = change.step(Step::run("change the group of the Docker socket", chgrp));
    }
    if access {
        let chmod = Operation::System(&["chmod", "660", GUEST_SOCKET]).command(ssh);
        change = change.step(Step::run("restrict the Docker socket to its group", chmod));
    }
    change
}

impl Resource for ProvisionDocker {
    fn address(&self) -> &Address {
        &self.address
    }

    fn requires(&self) -> Vec<Address> {
        self.requires.clone()
    }

    fn looks(&self) -> Vec<Look> {
        self.repository.looks()
    }

    fn host_files(&self) -> Vec<PathBuf> {
        self.repository.local_key().into_iter().collect()
    }

    fn plan(&self, context: PlanContext<'_>) -> Change {
        let facts = context.facts;
        if let Some((guest, ssh)) = self.vm.seen(facts) {
            return restrained(self.update(guest, context, &ssh), self.strategy);
        }
        let former = facts.former_keys(&self.address, &self.repository.declared());
        let change = self.vm.unseen(&self.address, self.desired(), facts);
        let change = change.retracting(former, Vec::new());
        match self.repository.problem(facts) {
            // Before there is a VM that could not be finished.
            Some(problem) if facts.guest == Observation::Absent => change.blocked(problem),
            _ => change,
        }
    }

    fn recorded(&self, facts: &Facts) -> Option<Recorded> {
        self.repository.recorded(facts, &self.address)
    }
}
