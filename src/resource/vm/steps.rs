//! The steps that change a VM.

use serde_json::{Map, Value};

use super::{Desired, ENV, Vm};
use crate::guest::Operation;
use crate::host::Ping;
use crate::lima::{self, Agent, Limactl, Status};
use crate::model::{VmName, listed, redact};
use crate::plan::{Change, Disruption, Ready, Step, Wait};
use crate::resource::facts::{Facts, VmFacts};
use crate::resource::provision::hidden_by;
use crate::resource::{containers, restrained};

impl Vm {
    /// The steps that delete a VM with everything in it.
    pub(super) fn removal(name: &VmName, vm: &VmFacts, limactl: &Limactl) -> Vec<Step> {
        let mut steps = Vec::new();
        match vm.status {
            Status::Running => steps.push(Step::run("stop the VM", limactl.stop(name))),
            Status::Broken => {
                steps.push(Step::run("force-stop the VM", limactl.stop_forced(name)));
            }
            Status::Stopped | Status::Other(_) => {}
        }
        if vm.protected {
            steps.push(Step::run("remove the VM's protection", limactl.unprotect(name)));
        }
        steps.push(Step::run("delete the VM", limactl.delete(name)));
        steps
    }
}

impl Desired<'_> {
    /// The steps of an update: the VM stops if it must, these keys are edited, and it starts again.
    pub(super) fn in_order(
        &self,
        change: Change,
        values: &Map<String, Value>,
        vm: &VmFacts,
        facts: &Facts,
        limactl: &Limactl,
    ) -> Change {
        let disk = match self.disk_step(facts, limactl) {
            Ok(step) => step,
            Err(problem) => return change.blocked(problem),
        };
        let edits = !values.is_empty() || disk.is_some();
        let change = self.take_down(change, edits, vm, facts, limactl);
        let mut change = disk.into_iter().fold(change, Change::step);
        if !values.is_empty() {
            change = self.edit(change, values, vm, facts, limactl);
            if let Some((_, ssh)) = self.guest().seen(facts) {
                change = containers::or_resume(change, &ssh);
            }
        }
        change = self.protection(change, vm.protected, limactl);
        change = restrained(change, self.config.restart.strategy);
        if change.problem.is_some() {
            return change;
        }
        if !self.runs() || (vm.status == Status::Running && !edits) {
            let is_starting = self.runs() && facts.is_starting();
            return if is_starting { change.step(await_start(facts)) } else { change };
        }
        // A stale file would make Lima's own forward fail when the VM starts.
        if vm.status == Status::Broken || facts.socket == Some(Ping::Refused) {
            change = change.step(Step::remove("remove the stale socket", facts.docker_socket()));
        }
        let change = change.step(start(self.name(), limactl));
        match self.guest().seen(facts) {
            Some((_, ssh)) => containers::resume_early(change, &ssh),
            None => change,
        }
    }

    /// Stops it, where it runs and must not, or must not while it is edited.
    fn take_down(
        &self,
        change: Change,
        edits: bool,
        vm: &VmFacts,
        facts: &Facts,
        limactl: &Limactl,
    ) -> Change {
        let disruption = if self.runs() { Disruption::VmRestart } else { Disruption::VmStop };
        let stop = match vm.status {
            Status::Running if edits || !self.runs() => {
                Step::run("stop the VM", limactl.stop(self.name()))
            }
            Status::Broken => Step::run("force-stop the VM", limactl.stop_forced(self.name())),
            Status::Running | Status::Stopped | Status::Other(_) => return change,
        };
        let running = facts.guest.present().and_then(|guest| guest.containers.as_deref());
        let running = if self.stops_docker { Some(&[][..]) } else { running };
        let change = change.disturbing(disruption, running);
        let change = match self.guest().seen(facts) {
            Some((guest, ssh)) => {
                let due = guest.daemon_json.keys().unwrap_or_default();
                let loaded = guest.daemon_json.loaded_keys();
                let hides =
                    self.runs().then(|| hidden_by(guest, self.name(), &loaded, &due)).flatten();
                let change = containers::remember(change.hiding_data(hides), guest, &ssh);
                match vm.status {
                    // The VM is killed, and the guest loses data that is not yet on disk.
                    Status::Broken => {
                        let sync = Operation::System(&["sync"]).command(&ssh);
                        change.step(Step::attempt("flush the guest's data to disk", sync))
                    }
                    _ => change,
                }
            }
            None => change,
        };
        change.step(stop)
    }

    fn edit(
        &self,
        change: Change,
        values: &Map<String, Value>,
        vm: &VmFacts,
        facts: &Facts,
        limactl: &Limactl,
    ) -> Change {
        let title = format!("set {} in lima.yaml", listed(values.keys()));
        let text = lima::edited(&vm.text, &vm.yaml, values);
        let change = self.judged(change, text.clone(), facts, limactl);
        // Everybody on this machine can read the arguments of a process.
        let command = if self.holds_secrets(values) {
            limactl.rewrite(self.name(), text)
        } else {
            limactl.edit(self.name(), values)
        };
        let edit = Step::run(title, command);
        // If Lima refuses the edit, a VM that was running must start again.
        change.step(match vm.status {
            Status::Running if self.runs() => edit.or_else(limactl.start(self.name())),
            _ => edit,
        })
    }

    /// Lets Lima check a complete YAML, if the file accepts that version of Lima.
    pub(super) fn judged(
        &self,
        change: Change,
        yaml: String,
        facts: &Facts,
        limactl: &Limactl,
    ) -> Change {
        match &facts.tools.limactl {
            Some((_, version)) if self.config.lima.version.matches(version) => {
                change.judged_by(limactl.validate(yaml))
            }
            _ => change,
        }
    }

    /// Protects it from removal or not, where that is another way now.
    pub(super) fn protection(&self, change: Change, protected: bool, limactl: &Limactl) -> Change {
        match (protected, self.config.vm.protect) {
            (false, true) => {
                change.step(Step::run("protect the VM from removal", limactl.protect(self.name())))
            }
            (true, false) => {
                change.step(Step::run("remove the VM's protection", limactl.unprotect(self.name())))
            }
            _ => change,
        }
    }

    pub(super) fn holds_secrets(&self, keys: &Map<String, Value>) -> bool {
        let env = keys.get(ENV).and_then(Value::as_object);
        let marked =
            env.is_some_and(|env| env.iter().any(|(name, value)| self.config.hides(name, value)));
        marked || keys.iter().any(|(key, value)| redact::value(key, value) != *value)
    }
}

pub(super) fn start(name: &VmName, limactl: &Limactl) -> Step {
    Step::run("start the VM, and wait for Docker in it", limactl.start(name))
}

/// Waits for a start that is under way: `limactl start` would say at once that the VM runs.
fn await_start(facts: &Facts) -> Step {
    let events = Agent::events(&facts.directory);
    let until = Ready::Started { events, socket: Agent::socket(&facts.directory) };
    let wait = Wait { until, at_most: Limactl::START };
    Step::wait("wait until the VM has started", wait)
}
