//! Plans what is not in the file: to destroy its resources, and to start or stop its VM.

use crate::config::Config;
use crate::plan::{Change, Plan};
use crate::resource::facts::Facts;
use crate::resource::{DockerContext, Power, Vm, WatchService};

impl Plan {
    /// Plans to give the VM of a file a power state.
    pub fn power(config: &Config, facts: &Facts, power: Power) -> Self {
        Self { changes: vec![Vm::power(config, facts, power)], ..Self::default() }
    }

    /// Plans to destroy the resources that `cai` created for a file: first the service that watches the
    /// VM, then the contexts, then the VM. Everything else is inside the VM. Lima stays, because it may
    /// run other VMs. `current` is the current Docker context.
    pub fn destroy(
        config: &Config,
        facts: &Facts,
        current: Option<&str>,
        service: Option<&WatchService>,
    ) -> Self {
        let service = service.map(|service| service.removal(&config.vm.name));
        let mut changes: Vec<Change> = service.into_iter().collect();
        changes.extend(DockerContext::destruction(config, facts, current));
        changes.extend(Vm::destruction(config, facts));
        Self { changes, ..Self::default() }
    }
}
