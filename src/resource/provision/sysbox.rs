//! Sysbox in the guest: its package, its services, and its runtime in the running daemon.

use std::path::{Path, PathBuf};

use super::{ProvisionDocker, SYSBOX_RUNTIME};
use crate::address::Address;
use crate::config::{Config, Strategy, Sysbox};
use crate::facts::{Facts, Observation};
use crate::guest::{Container, GuestFacts, Operation, sysbox_package};
use crate::host::CommandSpec;
use crate::lima::Ssh;
use crate::model::{Arch, VmName};
use crate::plan::{Change, Disruption, Problem, Reason, Step};
use crate::resource::{PlanContext, Resource, Vm, restrained, seen, unseen};
use crate::value::Attributes;

const UNITS: [&str; 3] = ["sysbox.service", "sysbox-mgr.service", "sysbox-fs.service"];
const PACKAGE: &str = "sysbox-ce";

/// Sysbox in the guest.
#[derive(Debug)]
pub struct ProvisionSysbox {
    address: Address,
    vm: Address,
    name: VmName,
    /// The VM's architecture, where the file says it.
    arch: Option<Arch>,
    wanted: Sysbox,
    strategy: Strategy,
}

impl ProvisionSysbox {
    /// As the file declares it; nothing where it is not wanted.
    pub fn new(config: &Config) -> Option<Self> {
        config.sysbox.enabled.then(|| Self {
            address: super::address("sysbox"),
            vm: Vm::own_address(config),
            name: config.vm.name.clone(),
            arch: config.vm.arch,
            wanted: config.sysbox.clone(),
            strategy: config.restart.strategy,
        })
    }

    fn attributes(version: Option<&str>, services: bool) -> Attributes {
        let services = if services { "active" } else { "inactive" };
        let attributes = Attributes::default();
        match version {
            Some(version) => attributes.with("version", version),
            None => attributes,
        }
        .with("services", services)
    }

    fn fresh(&self) -> Attributes {
        Self::attributes(Some(&self.wanted.version.to_string()), true)
    }

    /// Why its package cannot be copied into the guest.
    fn missing(&self, arch: Arch, facts: &Facts) -> Option<Problem> {
        let (url, _) = self.wanted.package(arch)?;
        let is_missing = facts.missing.contains(Path::new(&url));
        is_missing.then_some(Problem::FileMissing(url))
    }

    fn update(&self, guest: &GuestFacts, facts: &Facts, ssh: &Ssh) -> Change {
        let version = self.wanted.version.to_string();
        let installed = guest.packages.get(PACKAGE).map(|installed| upstream(installed, &version));
        let active = UNITS.iter().all(|unit| guest.is_active(unit));
        let before = Self::attributes(installed, active);
        let change = Change::between(&self.address, before, self.fresh());
        let changed = change.changed();
        if changed.is_empty() {
            return change;
        }
        let change = change.because(Reason::Differs(changed));
        // Its services hold the file systems of the containers that run with it: without them those
        // do not work, so Sysbox's documentation has them stopped first.
        let running: Option<Vec<Container>> = guest.containers.as_ref().map(|containers| {
            containers
                .iter()
                .filter(|container| container.runtime == SYSBOX_RUNTIME)
                .cloned()
                .collect()
        });
        // Where the package was removed, too, some may go on.
        let may_run = running.as_ref().is_none_or(|list| !list.is_empty());
        let disturbs = installed.is_some() || may_run;
        let change = if disturbs {
            change.disturbing(Disruption::SysboxRestart, running.as_deref())
        } else {
            change
        };
        let stops: Vec<(String, CommandSpec)> = running
            .iter()
            .flatten()
            .map(|container| {
                let stop = Operation::System(&["docker", "stop", &container.id]);
                (format!("stop {}", container.name), stop.command(ssh))
            })
            .collect();
        if installed == Some(version.as_str()) {
            // With a service of Sysbox down, its containers may not be able to stop.
            let change = stops
                .into_iter()
                .fold(change, |change, (title, stop)| change.step(Step::attempt(title, stop)));
            let restart = Operation::System(&["systemctl", "restart", "sysbox.service"]);
            return change.step(Step::run("restart Sysbox's services", restart.command(ssh)));
        }
        let arch = match guest.arch.as_str() {
            "amd64" => Arch::X86_64,
            "arm64" => Arch::Aarch64,
            other => return change.blocked(Problem::SysboxArch(other.to_owned())),
        };
        let Some((url, sha256)) = self.wanted.package(arch) else {
            return change.blocked(Problem::SysboxPackage {
                version: self.wanted.version.to_string(),
                arch: arch.to_string(),
            });
        };
        if let Some(problem) = self.missing(arch, facts) {
            return change.blocked(problem);
        }
        let pushed = sysbox_package(&version);
        let is_remote = url.starts_with("https://");
        let mut change = change;
        for (title, stop) in stops {
            change = change.step(Step::run(title, stop));
        }
        if !is_remote {
            let push = Operation::Push { from: PathBuf::from(&url), to: &pushed };
            change = change.step(Step::run("copy Sysbox's package", push.command(ssh)));
        }
        let install = Operation::Sysbox {
            version: &version,
            sha256: sha256.as_str(),
            source: if is_remote { &url } else { &pushed },
        };
        change.step(Step::run(
            format!("install Sysbox {}", self.wanted.version),
            install.command(ssh),
        ))
    }
}

/// Whether this version of its package is installed.
pub(super) fn is_installed(guest: &GuestFacts, version: &str) -> bool {
    guest.packages.get(PACKAGE).is_some_and(|installed| upstream(installed, version) == version)
}

/// The version that the file would name: Debian's has a revision behind it.
fn upstream<'a>(installed: &'a str, wanted: &str) -> &'a str {
    if installed == wanted {
        return installed;
    }
    installed.rsplit_once('-').map_or(installed, |(upstream, _)| upstream)
}

impl Resource for ProvisionSysbox {
    fn address(&self) -> &Address {
        &self.address
    }

    fn requires(&self) -> Vec<Address> {
        vec![self.vm.clone(), ProvisionDocker::own_address()]
    }

    fn plan(&self, context: PlanContext<'_>) -> Change {
        let facts = context.facts;
        if let Some((guest, ssh)) = seen(facts, &self.name) {
            return restrained(self.update(guest, facts, &ssh), self.strategy);
        }
        let change = unseen(&self.address, self.fresh(), facts, &self.vm);
        match self.missing(self.arch.unwrap_or(facts.platform.arch), facts) {
            // Before there is a VM that could not be finished.
            Some(problem) if facts.guest == Observation::Absent => change.blocked(problem),
            _ => change,
        }
    }
}
