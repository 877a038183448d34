//! Plans what is not in the file: to destroy its resources, and to start or stop its VM.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;

use crate::config::Config;
use crate::docker::ContextMetadata;
use crate::lima::{Limactl, Status};
use crate::model::ContextName;
use crate::model::address::{Address, Kind};
use crate::plan::Observation;
use crate::plan::{Change, Plan, Problem, Reason};
use crate::resource::facts::Facts;
use crate::resource::{DockerContext, LimaInstall, Power, Vm, WatchService, other_file, stored};

/// The VM that would be destroyed.
#[derive(Serialize)]
struct Lost<'a> {
    status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cpus: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disk: Option<Value>,
    directory: Cow<'a, str>,
}

impl Plan {
    /// Plans to give the VM of a file a power state.
    pub fn power(config: &Config, facts: &Facts, power: Power) -> Self {
        Self { changes: vec![Vm::power(config, facts, power)], ..Self::default() }
    }

    /// Plans to destroy the resources that `cai` created for a file: first the service that watches the
    /// VM, then the context, then the VM. Everything else is inside the VM. Lima stays, because it may
    /// run other VMs.
    ///
    /// A context that `cai` did not create is kept. A VM that it did not create has a reason that
    /// says so, because it needs separate consent. `current` is the current Docker context.
    pub fn destroy(
        config: &Config,
        facts: &Facts,
        current: Option<&str>,
        service: Option<&WatchService>,
    ) -> Self {
        let service = service.map(|service| service.removal(&config.vm.name));
        let former = facts.former.contexts.iter();
        let former = former.filter(|(name, _)| DockerContext::is_former(config, facts, name));
        let contexts = facts.context.iter().map(|context| (&config.context.name, context));
        let contexts = contexts.chain(former).map(|(name, it)| context(name, it, facts, current));
        Self {
            changes: service.into_iter().chain(contexts).chain(vm(config, facts)).collect(),
            ..Self::default()
        }
    }
}

fn context(
    name: &ContextName,
    actual: &ContextMetadata,
    facts: &Facts,
    current: Option<&str>,
) -> Change {
    let address = Address::new(Kind::CONTEXT, name.as_str());
    if !actual.is_marked() {
        return Change::unchanged(&address, actual).because(Reason::NotMadeByCai);
    }
    let change = Change::delete(&address, actual).because(Reason::Unwanted);
    DockerContext::delete(change, name, facts, current)
}

fn vm(config: &Config, facts: &Facts) -> Option<Change> {
    let address = Vm::own_address(config);
    let Some((program, _)) = &facts.tools.limactl else {
        // Only limactl knows whether the VM exists.
        let mut change = Change::delete(&address, ()).because(Reason::Unwanted);
        change.stops = None;
        return Some(change.blocked(LimaInstall::new(&config.lima).missing(facts)));
    };
    let vm = match &facts.vm {
        Observation::Absent => return None,
        Observation::Present(vm) => vm,
        Observation::Unobservable(reason) => {
            return Some(Change::deferred(&address, (), reason.clone()));
        }
    };
    let shown = |key: &str| vm.yaml.get(key).cloned();
    let lost = Lost {
        status: vm.status.to_string(),
        cpus: shown("cpus"),
        memory: shown("memory"),
        disk: shown("disk"),
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
    change.steps = Vm::removal(&config.vm.name, vm, &Limactl::new(program.clone()));
    Some(change)
}
