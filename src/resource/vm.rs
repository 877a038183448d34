//! The virtual machine: it exists, runs, and its `lima.yaml` says what the file says.

use serde_json::{Map, Value};

use super::{LimaInstall, PlanContext, Resource};
use crate::address::{Address, Kind};
use crate::config::Config;
use crate::facts::{Facts, Observation, VmFacts};
use crate::host::Ping;
use crate::lima::{self, Limactl, Status};
use crate::model::{ByteSize, VmName};
use crate::plan::{Change, Disruption, Problem, Reason, Step};
use crate::value::{Attributes, Known};

/// Keys of `lima.yaml` that an existing machine cannot take over: the guest was made from them.
const IMMUTABLE: [&str; 4] = ["images", "arch", "vmType", "user"];
/// Keys that hold a size, which can be written in several ways.
const SIZES: [&str; 2] = ["memory", "disk"];
const STATUS: &str = "status";

/// The virtual machine.
#[derive(Debug)]
pub struct Vm {
    address: Address,
    name: VmName,
    keys: Map<String, Value>,
}

impl Vm {
    /// As the file declares it.
    pub fn new(config: &Config) -> Self {
        Self {
            address: Self::own_address(config),
            name: config.vm.name.clone(),
            keys: lima::template(config),
        }
    }

    /// Its address.
    pub fn own_address(config: &Config) -> Address {
        Address::new(Kind::Vm, config.vm.name.as_str())
    }

    fn wanted(&self) -> Attributes {
        Attributes::from(self.keys.clone()).with(STATUS, "Running")
    }

    /// The keys that the file determines, as the machine has them, with its status.
    fn actual(&self, vm: &VmFacts) -> Attributes {
        let keys = self.keys.iter().filter_map(|(key, wanted)| {
            let actual = vm.yaml.get(key)?;
            let same_size = SIZES.contains(&key.as_str()) && size(actual) == size(wanted);
            let shown = if same_size { wanted } else { actual };
            Some((key.clone(), shown.clone()))
        });
        Attributes::from(keys.collect::<Map<_, _>>()).with(STATUS, vm.status.to_string())
    }

    fn create(&self, limactl: &Limactl) -> Change {
        let change = Change::create(&self.address, self.wanted()).because(Reason::Absent);
        // The template holds JSON values only, and each of them has a form in YAML.
        let yaml = lima::to_yaml(&self.keys).unwrap_or_default();
        change
            .step(Step::run("create the VM", limactl.create(&self.name, yaml)))
            .step(self.start(limactl))
    }

    fn start(&self, limactl: &Limactl) -> Step {
        Step::run("start the VM, and wait for Docker in it", limactl.start(&self.name))
    }

    fn update(&self, vm: &VmFacts, facts: &Facts, limactl: &Limactl) -> Change {
        let mut change = Change::between(&self.address, self.actual(vm), self.wanted());
        let mut changed = change.changed();
        changed.retain(|name| name != STATUS);
        if let Some(problem) = impossible(&changed, &change, vm) {
            return change.blocked(problem);
        }
        if !changed.is_empty() {
            change = change.because(Reason::Differs(changed.clone()));
        }
        if vm.status != Status::Running {
            change = change.because(Reason::VmIs(vm.status.clone()));
        }
        let containers = facts.guest.present().map(|guest| guest.containers.as_slice());
        let containers = containers.unwrap_or_default();
        match vm.status {
            Status::Running if changed.is_empty() => return change,
            Status::Running => {
                change = change
                    .disturbing(Disruption::VmRestart, containers)
                    .step(Step::run("stop the VM", limactl.stop(&self.name)));
            }
            Status::Broken => {
                change = change
                    .disturbing(Disruption::VmRestart, containers)
                    .step(Step::run("end what is left of the VM", limactl.stop_forced(&self.name)));
            }
            Status::Stopped | Status::Other(_) => {}
        }
        if !changed.is_empty() {
            let keys = self.keys.iter().filter(|(key, _)| changed.contains(key));
            let keys = keys.map(|(key, value)| (key.clone(), value.clone())).collect();
            change = change.step(Step::run(
                format!("set {} in lima.yaml", changed.join(", ")),
                limactl.edit(&self.name, &keys),
            ));
        }
        // A stale file would make Lima's own forward fail when the VM starts.
        if vm.status == Status::Broken || facts.socket == Some(Ping::Refused) {
            change = change.step(Step::remove("remove the stale socket", facts.docker_socket()));
        }
        change.step(self.start(limactl))
    }
}

impl Resource for Vm {
    fn address(&self) -> &Address {
        &self.address
    }

    fn requires(&self) -> Vec<Address> {
        vec![LimaInstall::own_address()]
    }

    fn plan(&self, context: PlanContext<'_>) -> Change {
        let facts = context.facts;
        let Some((program, _)) = &facts.tools.limactl else {
            let reason = Reason::After(LimaInstall::own_address());
            return Change::deferred(&self.address, self.wanted(), reason);
        };
        let limactl = Limactl::new(program.clone());
        match &facts.vm {
            Observation::Absent => self.create(&limactl),
            Observation::Present(vm) => self.update(vm, facts, &limactl),
            Observation::Unobservable(reason) => {
                Change::deferred(&self.address, self.wanted(), reason.clone())
            }
        }
    }
}

/// Why the machine cannot become what the file says.
fn impossible(changed: &[String], change: &Change, vm: &VmFacts) -> Option<Problem> {
    if let Status::Other(word) = &vm.status {
        return Some(Problem::VmState(word.clone()));
    }
    let immutable: Vec<String> =
        changed.iter().filter(|name| IMMUTABLE.contains(&name.as_str())).cloned().collect();
    if !immutable.is_empty() {
        return Some(Problem::Immutable(immutable));
    }
    let disk = |attributes: Option<&Attributes>| match attributes?.get("disk")? {
        Known::Known(value) => size(value),
        Known::Unknown => None,
    };
    match (disk(change.before.as_ref()), disk(Some(&change.after))) {
        (Some(from), Some(to)) if to < from => {
            Some(Problem::DiskShrinks { from: from.to_string(), to: to.to_string() })
        }
        _ => None,
    }
}

fn size(value: &Value) -> Option<ByteSize> {
    value.as_str()?.parse().ok()
}
