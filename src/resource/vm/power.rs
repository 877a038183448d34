//! Starts, stops or restarts a VM on command, and changes nothing else.

use serde::Serialize;

use super::Vm;
use super::steps::start;
use crate::config::Config;
use crate::host::Ping;
use crate::lima::{Limactl, Status};
use crate::plan::{Change, Disruption, Observation, Problem, Reason, Step};
use crate::resource::LimaInstall;
use crate::resource::facts::{Facts, VmFacts};
use crate::resource::restart::restart_vm;
use crate::resource::vm_ref::VmRef;

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
        let wanted = if power == Power::Stop { Status::Stopped } else { Status::Running };
        let after = State::of(&wanted);
        let Some((program, _)) = &facts.tools.limactl else {
            let change = Change::create(&address, after);
            return match LimaInstall::by_hand(&config.lima, facts) {
                Ok(install) => change.blocked(Problem::LimaMissing { install }),
                Err(problem) => change.blocked(problem),
            };
        };
        let vm = match &facts.vm {
            Observation::Present(vm) => vm,
            Observation::Absent => return Change::create(&address, after).blocked(Problem::NoVm),
            Observation::Unobservable(reason) => {
                return Change::deferred(&address, after, reason.clone());
            }
        };
        let change = Change::between(&address, State::of(&vm.status), after);
        let limactl = Limactl::new(program.clone());
        match (power, &vm.status) {
            (_, Status::Other(word)) => change.blocked(Problem::VmState(word.clone())),
            (Power::Stop, Status::Stopped) | (Power::Start, Status::Running) => change,
            (Power::Stop, _) => stop(change, vm, facts, config, &limactl),
            (Power::Restart, Status::Running) => restart(change, vm, facts, config, &limactl),
            (Power::Start | Power::Restart, Status::Broken) => {
                let change = stop(change, vm, facts, config, &limactl);
                boot(change, facts, config, &limactl)
            }
            (Power::Start | Power::Restart, _) => boot(change, facts, config, &limactl),
        }
    }
}

/// The containers are not recorded: they stop because the user wants that, and Docker starts those
/// with a restart policy again.
fn stop(change: Change, vm: &VmFacts, facts: &Facts, config: &Config, limactl: &Limactl) -> Change {
    let containers = facts.guest.present().and_then(|guest| guest.containers.as_deref());
    let change = change.disturbing(Disruption::VmStop, containers);
    let name = &config.vm.name;
    change.step(match vm.status {
        Status::Broken => Step::run("force-stop the VM", limactl.stop_forced(name)),
        _ => Step::run("stop the VM", limactl.stop(name)),
    })
}

fn boot(change: Change, facts: &Facts, config: &Config, limactl: &Limactl) -> Change {
    // A stale file would make Lima's own forward fail when the VM starts.
    let change = if facts.socket == Some(Ping::Refused) {
        change.step(Step::remove("remove the stale socket", facts.docker_socket()))
    } else {
        change
    };
    change.step(start(&config.vm.name, limactl))
}

/// The status is the same before and after, so the reason says what happens.
fn restart(
    change: Change,
    vm: &VmFacts,
    facts: &Facts,
    config: &Config,
    limactl: &Limactl,
) -> Change {
    let change = Change { action: crate::plan::Action::Refresh, ..change };
    let change = change.because(Reason::Note("cai restart was run"));
    match facts.guest.present() {
        Some(guest) => restart_vm(change, guest, facts, &VmRef::of(config)),
        None => boot(stop(change, vm, facts, config, limactl), facts, config, limactl),
    }
}
