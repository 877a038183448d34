//! The virtual machine: it exists, runs, and its `lima.yaml` says what the file says.

mod change;
mod create;
pub(super) mod diagnosis;
mod disks;
mod equivalence;
mod exposure;
mod power;
mod steps;
mod template;
mod undeclared;

use serde::Serialize;
use serde_json::{Map, Value};

use equivalence::is_same;
use undeclared::Wanted;

pub use exposure::{Places, mount_key};
pub use power::Power;
pub use template::template;
pub(super) use undeclared::recorded_forwards;

use super::vm_ref::VmRef;
use super::{Case, DataDisk, LimaInstall, PlanContext, Resource};
use crate::config::Config;
use crate::lima::{LimaOverride, Limactl, Meaning, Status};
use crate::model::address::{Address, Kind};
use crate::model::redact::SENSITIVE;
use crate::model::value::Secret;
use crate::model::{ByteSize, VmName};
use crate::plan::Observation;
use crate::plan::{Change, Finding, Problem, Reason};
use crate::resource::facts::{Facts, VmFacts};
use crate::resource::record::{Recorded, UndeclaredKeys};

/// Keys of `lima.yaml` that cannot change on an existing VM: the guest was created from them.
const IMMUTABLE: [&str; 4] = ["images", "arch", "vmType", "user"];
const ENV: &str = "env";
const MOUNTS: &str = "mounts";

/// The virtual machine.
#[derive(Debug)]
pub struct Vm {
    address: Address,
    config: Config,
}

/// The VM that the file declares. Its keys hold whole scripts, so it exists only while a VM is planned.
struct Desired<'a> {
    config: &'a Config,
    address: Address,
    /// The keys of its YAML, with `cai`'s own entries in the lists that it shares with others.
    keys: Map<String, Value>,
    /// Whether an earlier change stops Docker with all containers.
    stops_docker: bool,
    /// Keys that the file leaves out. They create a new VM and do not matter for an existing one.
    defaulted: Vec<&'static str>,
}

/// The state of the VM: the keys of its YAML, and two settings that are not in the YAML.
#[derive(Debug, PartialEq, Serialize)]
struct State {
    #[serde(flatten)]
    keys: Map<String, Value>,
    /// The size of the disk for Docker's data.
    #[serde(skip_serializing_if = "Option::is_none")]
    data_disk: Option<String>,
    protected: bool,
    status: String,
}

impl State {
    /// The keys of the YAML that are not as in the other state.
    fn edited(&self, desired: &Self) -> Vec<String> {
        let differs = |(key, value): &(&String, &Value)| self.keys.get(*key) != Some(value);
        desired.keys.iter().filter(differs).map(|(key, _)| key.clone()).collect()
    }
}

impl Vm {
    /// As the file declares it.
    pub fn new(config: &Config) -> Self {
        Self { address: Self::own_address(config), config: config.clone() }
    }

    /// How it differs from the file, as findings.
    pub(crate) fn drift(case: &Case<'_>) -> impl Iterator<Item = Finding> {
        let notices = diagnosis::overridden(case).into_iter().chain(diagnosis::exposed(case));
        diagnosis::drift(case).into_iter().chain(notices)
    }

    /// Its address.
    pub fn own_address(config: &Config) -> Address {
        Address::new(Kind::VM, config.vm.name.as_str())
    }
}

impl<'a> Desired<'a> {
    fn new(config: &'a Config, facts: &Facts) -> Self {
        let mut keys = template::template(config);
        if facts.engine_socket.is_some() {
            template::without_engine(&mut keys);
        }
        Self {
            config,
            address: Vm::own_address(config),
            keys,
            stops_docker: false,
            defaulted: undeclared::defaulted(config),
        }
    }

    /// The same for a new VM, whose Docker socket is not forwarded yet.
    fn anew(&self) -> Self {
        Self {
            keys: template::template(self.config),
            address: self.address.clone(),
            defaulted: self.defaulted.clone(),
            ..*self
        }
    }

    fn name(&self) -> &VmName {
        &self.config.vm.name
    }

    /// Whether it is to run.
    fn runs(&self) -> bool {
        self.config.vm.running
    }

    fn guest(&self) -> VmRef {
        VmRef { address: self.address.clone(), name: self.name().clone() }
    }

    fn desired(&self, keys: Map<String, Value>) -> State {
        let status = if self.runs() { Status::Running } else { Status::Stopped };
        let keys = self.with_secrets(keys);
        let data_disk = self.config.vm.data_disk.map(|size| size.to_string());
        State { keys, data_disk, protected: self.config.vm.protect, status: status.to_string() }
    }

    /// Marks the variables that must not be shown: those that the file marks, and those that it does
    /// not declare, which it may have marked once.
    fn with_secrets(&self, mut keys: Map<String, Value>) -> Map<String, Value> {
        if let Some(Value::Object(env)) = keys.get_mut(ENV) {
            for (_, value) in env.iter_mut().filter(|(name, value)| self.config.hides(name, value))
            {
                let secret = serde_json::to_value(Secret(&*value));
                *value = secret.unwrap_or_else(|_| SENSITIVE.into());
            }
        }
        keys
    }

    /// The keys that the file determines, as the machine has them, with its status. `boots` says
    /// whether it will.
    fn actual(
        &self,
        vm: &VmFacts,
        facts: &Facts,
        Wanted { keys, removed }: &Wanted,
        boots: bool,
        overrides: &[LimaOverride],
    ) -> State {
        let is_starting = self.runs() && facts.is_starting();
        // Lima calls it Running as soon as its machine runs.
        let status = if is_starting { "Starting".to_owned() } else { vm.status.to_string() };
        // An edit would have no effect, and a restart for it would stop containers for nothing.
        let is_overridden =
            |key: &str| overrides.iter().any(|it| it.key == key && it.value.is_some());
        let keys = keys.iter().filter_map(|(key, wanted)| {
            let key = key.as_str();
            let actual = vm.yaml.get(key);
            if removed.iter().any(|name| name == key) {
                return Some((key.to_owned(), actual.unwrap_or(wanted).clone()));
            }
            let same = self.defaulted.contains(&key)
                || is_overridden(key)
                || is_same(key, actual, wanted, vm, boots, &meaning(facts, key));
            let actual = actual.cloned().or_else(|| equivalence::given(key, vm));
            Some((key.to_owned(), if same { wanted.clone() } else { actual? }))
        });
        let keys = self.with_secrets(keys.collect());
        State { keys, data_disk: self.actual_disk_size(facts), protected: vm.protected, status }
    }

    fn update(
        &self,
        vm: &VmFacts,
        facts: &Facts,
        overrides: &[LimaOverride],
        limactl: &Limactl,
    ) -> Change {
        let UndeclaredKeys { remove, release } =
            facts.undeclared(&self.address, &self.recorded_keys(vm, facts));
        let declares_disk = self.config.vm.data_disk.is_some();
        let is_mounted = DataDisk::is_mounted(self.name(), facts) && !self.stops_docker;
        let keeps_disk = !declares_disk && is_mounted;
        let keys = self.with_disks(vm, keeps_disk);
        let wanted = undeclared::wanted(&keys, vm, &remove, &meaning(facts, ""));
        let wanted = wanted.detaching(declares_disk, vm, keeps_disk);
        let compared = |boots: bool| {
            let actual = self.actual(vm, facts, &wanted, boots, overrides);
            let desired = self.desired(wanted.keys.clone());
            let edited = actual.edited(&desired);
            let change = Change::between(&self.address, actual, desired);
            (change.retracting(self.without_replaced(&remove), release.clone()), edited)
        };
        let (mut change, mut edited) = compared(vm.status != Status::Running);
        if change.is_without_effect() {
            return change;
        }
        if !edited.is_empty() {
            (change, edited) = compared(true);
        }
        let forced_by = edited.iter().filter(|name| IMMUTABLE.contains(&name.as_str()));
        let forced_by: Vec<String> = forced_by.cloned().collect();
        if !forced_by.is_empty() && !matches!(vm.status, Status::Other(_)) {
            return self.anew().replace(change.replacing(forced_by), vm, facts, limactl);
        }
        let disk = edited.iter().find(|key| *key == "disk").and_then(|key| wanted.keys.get(key));
        if let Some(problem) = impossible(disk, vm) {
            return change.blocked(problem);
        }
        let is_stuck = keeps_disk && self.runs() && vm.status == Status::Stopped;
        if is_stuck && facts.recorded(&DataDisk::address_of(self.name())).is_some() {
            return change.blocked(Self::must_run_to_unmount());
        }
        let mut change = change.because_differs();
        if self.runs() && vm.status != Status::Running {
            change = change.because(Reason::VmIs(vm.status.clone()));
        }
        if self.runs() && facts.is_starting() {
            change = change.because(Reason::VmStarts);
        }
        let values = wanted.keys.into_iter().filter(|(key, _)| edited.contains(key)).collect();
        self.in_order(change, &values, vm, facts, limactl)
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
        let desired = Desired::new(&self.config, context.facts);
        let stops_docker = DataDisk::is_unmounted(desired.name(), context.earlier);
        Desired { stops_docker, ..desired }.change(context.facts)
    }

    fn recorded(&self, facts: &Facts) -> Option<Recorded> {
        let desired = Desired::new(&self.config, facts);
        let (exists, keys) = match &facts.vm {
            Observation::Present(vm) => (true, desired.recorded_keys(vm, facts)),
            Observation::Absent => (false, desired.keys_of(&Map::new(), false)),
            Observation::Unobservable(_) => return None,
        };
        Some(Recorded { exists, is_declared: true, keys, path: None })
    }
}

/// Lima's interpretation of a key of the VM's YAML. The user's own defaults are filled in first.
fn meaning<'a>(facts: &'a Facts, key: &str) -> Meaning<'a> {
    let defaults = facts.lima_files.iter().all(|file| file.wins || !file.keys.contains_key(key));
    Meaning { directory: &facts.directory, home: facts.home.as_deref(), defaults }
}

/// Why the machine cannot become what the file says.
fn impossible(disk: Option<&Value>, vm: &VmFacts) -> Option<Problem> {
    if let Status::Other(word) = &vm.status {
        return Some(Problem::VmState(word.clone()));
    }
    let wanted = disk?.as_str()?.parse::<ByteSize>().ok()?;
    let actual = vm.disk.and_then(|bytes| ByteSize::try_from(bytes).ok())?;
    (wanted < actual)
        .then(|| Problem::DiskShrinks { from: actual.to_string(), to: wanted.to_string() })
}
