//! Sysbox in the guest: its package, its services, and its runtime in the running daemon.

pub(in crate::resource) mod diagnosis;

use std::path::Path;

use serde::Serialize;

use crate::config::{Config, Strategy, Sysbox};
use crate::guest::probe::Look;
use crate::guest::provisioning::SYSBOX_PACKAGE;
use crate::guest::{Container, Contents, GuestFacts, Operation, Unfinished, sysbox_package};
use crate::host::CommandSpec;
use crate::lima::Ssh;
use crate::model::Arch;
use crate::model::address::Address;
use crate::plan::Observation;
use crate::plan::{Change, Disruption, Problem, Reason, Step};
use crate::resource::facts::Facts;
use crate::resource::provision::{ProvisionDaemon, ProvisionDocker, SYSBOX_RUNTIME};
use crate::resource::record::{Record, Recorded};
use crate::resource::removal::{Removable, Removal};
use crate::resource::vm_ref::{VmRef, in_seen_guest, recorded};
use crate::resource::{PlanContext, Resource, containers, restrained};

const UNITS: [&str; 3] = ["sysbox.service", "sysbox-mgr.service", "sysbox-fs.service"];

/// Sysbox in the guest.
#[derive(Debug)]
pub struct ProvisionSysbox {
    address: Address,
    vm: VmRef,
    /// The VM's architecture, where the file says it.
    arch: Option<Arch>,
    wanted: Sysbox,
    strategy: Strategy,
}

/// The state of Sysbox.
#[derive(Debug, PartialEq, Serialize)]
struct State {
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    services: Option<&'static str>,
    /// dpkg's state of the package, if its installation is incomplete.
    #[serde(skip_serializing_if = "Option::is_none")]
    package: Option<String>,
}

impl ProvisionSysbox {
    /// As the file declares it; nothing where it is not wanted.
    pub fn new(config: &Config) -> Option<Self> {
        config.sysbox.enabled.then(|| Self {
            address: crate::resource::provision::address("sysbox"),
            vm: VmRef::of(config),
            arch: config.vm.arch,
            wanted: config.sysbox.clone(),
            strategy: config.restart.strategy,
        })
    }

    /// The removal of Sysbox, if the file does not enable it.
    pub fn removal(config: &Config, _: &Record, address: &Address) -> Option<Box<dyn Resource>> {
        if config.sysbox.enabled || *address != crate::resource::provision::address("sysbox") {
            return None;
        }
        let vm = VmRef::of(config);
        let removal = Removal::new(address, vec![vm.address.clone()], Undeclared { vm });
        // Its containers must stop before dockerd forgets their runtime.
        Some(removal.before(vec![ProvisionDaemon::own_address()]).boxed())
    }

    fn desired(&self) -> State {
        let version = Some(self.wanted.version.to_string());
        State { version, services: Some("active"), package: None }
    }

    fn actual(&self, guest: &GuestFacts) -> State {
        let active = UNITS.iter().all(|unit| guest.is_active(unit));
        State {
            version: reported(guest).map(|reported| self.shown(reported)),
            services: Some(if active { "active" } else { "inactive" }),
            package: guest.unfinished.get(SYSBOX_PACKAGE).map(|it| it.status.clone()),
        }
    }

    /// The path of its package, if that is a file of this machine that does not exist.
    fn missing(&self, arch: Arch, facts: &Facts) -> Option<Problem> {
        let urls = self.wanted.package(arch)?.urls;
        let missing = urls.into_iter().find(|url| facts.missing.contains(Path::new(url)));
        missing.map(Problem::FileMissing)
    }

    /// The version as the file would write it, without dpkg's suffix.
    fn shown(&self, reported: &str) -> String {
        let version = &self.wanted.version;
        if version.is_package(reported) { version.to_string() } else { reported.to_owned() }
    }

    fn update(&self, guest: &GuestFacts, facts: &Facts, ssh: &Ssh) -> Change {
        let installed = guest.packages.get(SYSBOX_PACKAGE);
        let unfinished = guest.unfinished.get(SYSBOX_PACKAGE);
        let (actual, mut desired) = (self.actual(guest), self.desired());
        desired.package = unfinished.map(|_| "installed".to_owned());
        if actual == desired {
            return Change::unchanged(&self.address, desired);
        }
        let change = Change::between(&self.address, actual, desired).because_differs();
        let change = match unfinished {
            Some(Unfinished { status, .. }) => change
                .because(Reason::Unfinished { package: SYSBOX_PACKAGE, status: status.clone() }),
            None => change,
        };
        let running = running(guest);
        // Some may still run after the package was removed.
        let change = if running.as_ref().is_none_or(|list| !list.is_empty()) {
            change.disturbing(Disruption::SysboxRestart, running.as_deref())
        } else {
            change
        };
        if installed.is_some_and(|reported| self.wanted.version.is_package(reported)) {
            return Self::restart(change, guest, ssh);
        }
        self.install(change, reported(guest), guest, facts, ssh)
    }

    /// Its services restart, and its containers with them.
    fn restart(change: Change, guest: &GuestFacts, ssh: &Ssh) -> Change {
        // If a service is down, its containers may be unable to stop.
        let change = stop_containers(change, guest, ssh, Step::attempt);
        let restart = Operation::RestartSysbox.command(ssh);
        let change = change.step(Step::run("restart Sysbox's services", restart));
        containers::resume(containers::or_resume(change, ssh), ssh)
    }

    /// Installs its package, after it removes another version or completes an interrupted
    /// installation.
    fn install(
        &self,
        change: Change,
        present: Option<&str>,
        guest: &GuestFacts,
        facts: &Facts,
        ssh: &Ssh,
    ) -> Change {
        let version = self.wanted.version.to_string();
        let arch = match guest.arch.as_str() {
            "amd64" => Arch::X86_64,
            "arm64" => Arch::Aarch64,
            other => return change.blocked(Problem::SysboxArch(other.to_owned())),
        };
        let Some(package) = self.wanted.package(arch) else {
            return change.blocked(Problem::SysboxPackage { version, arch: arch.to_string() });
        };
        if let Some(problem) = self.missing(arch, facts) {
            return change.blocked(problem);
        }
        let local = package.urls.iter().find(|url| !url.starts_with("https://"));
        let pushed = sysbox_package(&version);
        let change = match local {
            Some(from) => {
                let push = Operation::Send { from: Contents::File(Path::new(from)), to: &pushed };
                change.step(Step::run("copy Sysbox's package", push.command(ssh)))
            }
            None => change,
        };
        let in_guest = [pushed];
        let sources = if local.is_some() { &in_guest[..] } else { &package.urls };
        let fetch =
            Operation::FetchSysbox { version: &version, sha256: package.sha256.as_str(), sources };
        let title = if local.is_some() { "verify" } else { "download" };
        // This comes before anything stops, because the download may fail.
        let change =
            change.step(Step::run(format!("{title} Sysbox's package"), fetch.command(ssh)));
        let change = stop_containers(change, guest, ssh, Step::run);
        let replaces = present.filter(|reported| !self.wanted.version.is_package(reported));
        let install = Operation::InstallSysbox { version: &version, replaces };
        let title = format!("install Sysbox {version}");
        let change = change.step(Step::run(title, install.command(ssh)));
        containers::resume(containers::or_resume(change, ssh), ssh)
    }
}

/// The running containers of Sysbox; `None` if they cannot be listed. Its services hold their file
/// systems, so Sysbox's documentation has them stopped before the services.
fn running(guest: &GuestFacts) -> Option<Vec<Container>> {
    let containers = guest.containers.as_ref()?.iter();
    Some(containers.filter(|it| it.runtime == SYSBOX_RUNTIME).cloned().collect())
}

/// Stops the containers that the change says it stops, after it records those that start again.
fn stop_containers(
    change: Change,
    guest: &GuestFacts,
    ssh: &Ssh,
    make: fn(String, CommandSpec) -> Step,
) -> Change {
    let change = containers::remember(change, guest, ssh);
    let stops = change.stops.clone().unwrap_or_default();
    stops.iter().fold(change, |change, container| {
        let stop =
            Operation::System(&["timeout", "60", "docker", "stop", &container.id]).command(ssh);
        containers::or_resume(change.step(make(format!("stop {}", container.name), stop)), ssh)
    })
}

/// The section about Ubuntu's AppArmor.
const APPARMOR: &str = "sysbox_apparmor";

/// The system's name, and AppArmor's profile of fusermount3 with its local additions.
const APPARMOR_FILES: [&str; 3] =
    ["/etc/os-release", "/etc/apparmor.d/fusermount3", "/etc/apparmor.d/local/fusermount3"];

impl ProvisionSysbox {
    /// Whether sysbox-fs cannot mount, because Ubuntu has the profile without Sysbox's rule.
    pub(crate) fn lacks_apparmor_rule(guest: &GuestFacts) -> bool {
        let count = |path: &str| {
            let lines = guest.document.lines(APPARMOR);
            let mut counts = lines.filter_map(|line| line.strip_prefix(path)?.strip_prefix(':'));
            counts.next().and_then(|count| count.parse::<u32>().ok())
        };
        let [system, profile, local] = APPARMOR_FILES.map(count);
        system.unwrap_or_default() > 0 && profile == Some(0) && local.unwrap_or_default() == 0
    }
}

impl Resource for ProvisionSysbox {
    fn address(&self) -> &Address {
        &self.address
    }

    fn requires(&self) -> Vec<Address> {
        vec![self.vm.address.clone(), ProvisionDocker::own_address()]
    }

    fn looks(&self) -> Vec<Look> {
        vec![Look::new(APPARMOR, "grep -s -H -c -e sysboxfs -e ^ID=ubuntu", &APPARMOR_FILES)]
    }

    fn plan(&self, context: PlanContext<'_>) -> Change {
        let facts = context.facts;
        if let Some((guest, ssh)) = self.vm.seen(facts) {
            return restrained(self.update(guest, facts, &ssh), self.strategy);
        }
        // An incomplete installation, which cannot be seen yet, would be completed.
        let desired = State { package: Some("installed".to_owned()), ..self.desired() };
        let change = self.vm.unseen(&self.address, desired, facts);
        match self.missing(self.arch.unwrap_or(facts.platform.arch), facts) {
            // Before there is a VM that could not be finished.
            Some(problem) if facts.guest == Observation::Absent => change.blocked(problem),
            _ => change,
        }
    }

    fn recorded(&self, facts: &Facts) -> Option<Recorded> {
        recorded(facts, |guest| reported(guest).is_some())
    }
}

/// Sysbox that the file no longer enables.
#[derive(Debug)]
struct Undeclared {
    vm: VmRef,
}

/// The version of the package, however complete its installation is.
fn reported(guest: &GuestFacts) -> Option<&str> {
    let unfinished = || guest.unfinished.get(SYSBOX_PACKAGE).map(|unfinished| &unfinished.version);
    guest.packages.get(SYSBOX_PACKAGE).or_else(unfinished).map(String::as_str)
}

impl Removable for Undeclared {
    type State<'a> = State;

    fn actual<'a>(&'a self, facts: &'a Facts) -> Observation<State> {
        in_seen_guest(facts, |guest| {
            let version = Some(reported(guest)?.to_owned());
            Some(State { version, services: None, package: None })
        })
    }

    fn foretold(&self) -> Option<&'static str> {
        Some("if containers run with Sysbox, apply needs --allow-replace with the name of the VM")
    }

    fn delete(&self, change: Change, facts: &Facts) -> Change {
        let Some((guest, ssh)) = self.vm.seen(facts) else { return change };
        let running = running(guest);
        let change = match &running {
            Some(list) if list.is_empty() => change,
            stops => change.disturbing(Disruption::ContainerStop, stops.as_deref()),
        };
        let change = stop_containers(change, guest, &ssh, Step::attempt);
        change.step(Step::run("purge Sysbox", Operation::RemoveSysbox.command(&ssh)))
    }
}
