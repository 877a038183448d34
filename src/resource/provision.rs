//! Docker in the guest: installed, started, and answering root.

use super::{PlanContext, Resource, Vm};
use crate::address::{Address, Kind};
use crate::config::{Config, DockerSource};
use crate::facts::Observation;
use crate::guest::{GuestFacts, provisioning};
use crate::host::CommandSpec;
use crate::lima::Ssh;
use crate::model::VmName;
use crate::plan::{Change, Disruption, Problem, Reason, Step};
use crate::value::Attributes;
use std::time::Duration;

/// An install downloads and unpacks packages, on a slow guest too.
const INSTALL: Duration = Duration::from_secs(30 * 60);

/// Docker in the guest.
#[derive(Debug)]
pub struct Provision {
    address: Address,
    vm: Address,
    name: VmName,
    source: DockerSource,
}

impl Provision {
    /// As the file declares it.
    pub fn new(config: &Config) -> Self {
        Self {
            address: Self::own_address(),
            vm: Vm::own_address(config),
            name: config.vm.name.clone(),
            source: config.docker.source,
        }
    }

    /// Its address.
    pub fn own_address() -> Address {
        Address::new(Kind::Provision, "docker")
    }

    fn script(&self, ssh: &Ssh) -> CommandSpec {
        ssh.run(&["sudo", "-n", "sh", "-s"])
            .stdin(provisioning::script(self.source))
            .timeout(INSTALL)
    }

    fn update(&self, guest: &GuestFacts, ssh: &Ssh) -> Change {
        let change = Change::between(&self.address, actual(guest), wanted());
        if !guest.dockerd_installed && self.source == DockerSource::Preinstalled {
            return change.blocked(Problem::NotPreinstalled);
        }
        let changed = change.changed();
        if changed.is_empty() {
            return change;
        }
        let change = match &guest.provision_failed {
            Some(status) => change.because(Reason::ProvisionFailed(status.clone())),
            None => change,
        };
        let runs = guest.docker_active == "active";
        let silent = guest.docker_as_root.as_ref().filter(|_| runs && !guest.docker_answers());
        let script = Step::run("install and start Docker in the guest", self.script(ssh));
        match silent {
            Some(words) => change
                .because(Reason::DaemonSilent(words.text.clone()))
                .disturbing(Disruption::DaemonRestart, &guest.containers)
                .step(Step::run(
                    "restart dockerd",
                    ssh.run(&["sudo", "-n", "systemctl", "restart", "docker.service"]),
                ))
                .step(script),
            None => change.because(Reason::Differs(changed)).step(script),
        }
    }
}

fn wanted() -> Attributes {
    attributes(true, "active", "enabled", true)
}

fn actual(guest: &GuestFacts) -> Attributes {
    // Units without an [Install] section, or an alias, say "static" and "alias"; they do start.
    let enabled = match guest.docker_enabled.as_str() {
        "disabled" | "masked" | "" => guest.docker_enabled.as_str(),
        _ => "enabled",
    };
    attributes(guest.dockerd_installed, &guest.docker_active, enabled, guest.docker_answers())
}

fn attributes(installed: bool, active: &str, enabled: &str, answers: bool) -> Attributes {
    Attributes::default()
        .with("dockerd", if installed { "installed" } else { "missing" })
        .with("docker.service", active)
        .with("at_boot", enabled)
        .with("answers_root", answers)
}

impl Resource for Provision {
    fn address(&self) -> &Address {
        &self.address
    }

    fn requires(&self) -> Vec<Address> {
        vec![self.vm.clone()]
    }

    fn plan(&self, context: PlanContext<'_>) -> Change {
        let facts = context.facts;
        match (&facts.guest, &facts.tools.ssh) {
            (Observation::Present(guest), Some(program)) => {
                self.update(guest, &Ssh::new(program.clone(), &facts.directory, &self.name))
            }
            (Observation::Absent, _) => {
                Change::create(&self.address, wanted()).because(Reason::After(self.vm.clone()))
            }
            (Observation::Unobservable(reason), _) => {
                Change::deferred(&self.address, wanted(), reason.clone())
            }
            (_, None) => Change::create(&self.address, wanted()).blocked(Problem::SshMissing),
        }
    }
}
