//! Starts, stops, restarts or deletes a VM on command, and changes nothing else.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Map, Value};

use super::{Desired, Vm};
use crate::config::{Config, Strategy};
use crate::lima::{Limactl, Status};
use crate::model::VmName;
use crate::plan::{Action, Change, Disruption, Observation, Problem, Reason, Step};
use crate::resource::facts::Facts;
use crate::resource::provision::{hidden_by, stored};
use crate::resource::restart::restart_vm;
use crate::resource::vm_ref::VmRef;
use crate::resource::{DataDisk, LimaInstall};

/// What to do with a VM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Power {
    /// It is to run.
    Start,
    /// It is not to run.
    Stop,
    /// It is to stop, if it runs, and then to run.
    Restart,
}

#[derive(PartialEq, Serialize)]
struct State {
    status: String,
}

impl State {
    fn of(status: &Status) -> Self {
        Self { status: status.to_string() }
    }
}

impl Vm {
    /// The change that gives the VM this power state.
    pub fn power(config: &Config, facts: &Facts, power: Power) -> Change {
        let address = Self::own_address(config);
        let Some((program, _)) = &facts.tools.limactl else {
            let problem = LimaInstall::new(config).missing(facts);
            return Change::unchanged(&address, ()).blocked(problem);
        };
        let vm = match &facts.vm {
            Observation::Present(vm) => vm,
            Observation::Absent => return Change::unchanged(&address, ()).blocked(Problem::NoVm),
            Observation::Unobservable(reason) => {
                return Change::deferred(&address, (), reason.clone());
            }
        };
        let wanted = if power == Power::Stop { Status::Stopped } else { Status::Running };
        let mut change = Change::between(&address, State::of(&vm.status), State::of(&wanted));
        change.reasons.extend(other_file(config, facts).map(Reason::OtherFile));
        let limactl = Limactl::new(program.clone());
        match (power, &vm.status) {
            (_, Status::Other(word)) => change.blocked(Problem::VmState(word.clone())),
            (Power::Restart, Status::Running) if !facts.is_starting() => {
                restart(change, facts, config, &limactl)
            }
            (Power::Start, Status::Running) if facts.is_starting() => {
                let change = Change { action: Action::Refresh, ..change };
                settled(change, facts, config, power, &limactl)
            }
            _ if change.is_without_effect() => change,
            _ => settled(change, facts, config, power, &limactl),
        }
    }
}

/// The VM that would be deleted.
#[derive(Serialize)]
struct Lost<'a> {
    status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cpus: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disk: Option<&'a Value>,
    directory: Cow<'a, str>,
}

impl Vm {
    /// The deletion of the VM, if it exists. A VM that `cai` did not create has a reason that says
    /// so, because it needs separate consent.
    pub fn destruction(config: &Config, facts: &Facts) -> Option<Change> {
        let address = Self::own_address(config);
        let Some((program, _)) = &facts.tools.limactl else {
            // Only limactl knows whether the VM exists.
            let mut change = Change::delete(&address, ()).because(Reason::Unwanted);
            change.stops = None;
            return Some(change.blocked(LimaInstall::new(config).missing(facts)));
        };
        let vm = match &facts.vm {
            Observation::Absent => return None,
            Observation::Present(vm) => vm,
            Observation::Unobservable(reason) => {
                return Some(Change::deferred(&address, (), reason.clone()));
            }
        };
        let lost = Lost {
            status: vm.status.to_string(),
            cpus: vm.yaml.get("cpus"),
            memory: vm.yaml.get("memory"),
            disk: vm.yaml.get("disk"),
            directory: facts.directory.to_string_lossy(),
        };
        let mut change = Change::delete(&address, lost).because(Reason::Unwanted);
        change.reasons.extend(other_file(config, facts).map(Reason::OtherFile));
        if !vm.managed {
            change = change.because(Reason::NotMadeByCai);
        }
        if let Status::Other(word) = &vm.status {
            return Some(change.blocked(Problem::VmState(word.clone())));
        }
        if let Some(guest) = facts.guest.present() {
            change.stops.clone_from(&guest.containers);
            change.contents = stored(guest);
        } else if vm.status != Status::Stopped {
            change.stops = None;
        }
        change.kept_on = DataDisk::kept(&config.vm.name, facts);
        change.steps = Self::removal(&config.vm.name, vm, &Limactl::new(program.clone()));
        Some(change)
    }
}

/// The steps of an update that changes nothing but the status.
fn settled(
    change: Change,
    facts: &Facts,
    config: &Config,
    power: Power,
    limactl: &Limactl,
) -> Change {
    let Some(vm) = facts.vm.present() else { return change };
    let mut config = config.clone();
    config.vm.running = power != Power::Stop;
    config.vm.protect = vm.protected;
    // The disk keeps its size.
    config.vm.data_disk = None;
    // The user asks for it now.
    config.restart.strategy = Strategy::Auto;
    Desired::new(&config, facts).in_order(change, &Map::new(), vm, facts, limactl)
}

/// The status is the same before and after, so the reason says what happens.
fn restart(change: Change, facts: &Facts, config: &Config, limactl: &Limactl) -> Change {
    let change = Change { action: Action::Refresh, ..change };
    let change = change.because(Reason::Note("cai restart was run"));
    let name = &config.vm.name;
    match facts.guest.present() {
        Some(guest) => {
            let due = guest.daemon_json.keys().unwrap_or_default();
            let hides = hidden_by(guest, name, &guest.daemon_json.loaded_keys(), &due);
            restart_vm(change.hiding_data(hides), guest, facts, &VmRef::of(config))
        }
        None => blindly(change, facts, name, limactl),
    }
}

/// A guest that does not answer may run containers.
fn blindly(change: Change, facts: &Facts, name: &VmName, limactl: &Limactl) -> Change {
    change
        .disturbing(Disruption::VmRestart, None)
        .step(Step::run("stop the VM", limactl.stop(name)))
        .step(Step::remove("remove the stale socket", facts.docker_socket()))
        .step(super::steps::start(name, limactl))
}

/// The other file that was applied to this VM last.
pub(super) fn other_file(config: &Config, facts: &Facts) -> Option<String> {
    let last = facts.record.as_ref()?.file.as_ref()?;
    let is_other = config.file.as_ref().is_some_and(|file| file != last);
    is_other.then(|| last.display().to_string())
}
