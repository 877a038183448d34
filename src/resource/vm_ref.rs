//! The VM that a resource is in, and the way into its guest.

use super::Vm;
use super::record::Recorded;
use crate::config::Config;
use crate::guest::{GuestFacts, Operation};
use crate::lima::Ssh;
use crate::model::VmName;
use crate::model::address::Address;
use crate::plan::{Change, Observation, Reason, Step};
use crate::resource::facts::Facts;
use serde::Serialize;

/// The VM that a resource is in.
#[derive(Debug, Clone)]
pub(super) struct VmRef {
    pub(super) address: Address,
    pub(super) name: VmName,
}

impl VmRef {
    /// The VM of the file.
    pub(super) fn of(config: &Config) -> Self {
        Self { address: Vm::own_address(config), name: config.vm.name.clone() }
    }

    /// The way into the guest.
    pub(super) fn ssh(&self, facts: &Facts) -> Option<Ssh> {
        let ssh = Ssh::new(facts.tools.ssh.clone()?, &facts.directory, &self.name);
        Some(ssh.forwarding_to(facts.docker_socket()))
    }

    /// The observed guest, and the way into it. A guest can only be observed through ssh.
    pub(super) fn seen<'a>(&self, facts: &'a Facts) -> Option<(&'a GuestFacts, Ssh)> {
        Some((facts.guest.present()?, self.ssh(facts)?))
    }

    /// Adds a step that runs a program in the guest, if there is a way into it.
    pub(super) fn step(
        &self,
        change: Change,
        title: &str,
        arguments: &[&str],
        facts: &Facts,
    ) -> Change {
        match self.ssh(facts) {
            Some(ssh) => {
                change.step(Step::run(title.to_owned(), Operation::System(arguments).command(&ssh)))
            }
            None => change,
        }
    }

    /// What a resource in the guest plans if the guest was not observed: it comes with the VM, or is
    /// planned again when the guest can be reached.
    pub(super) fn unseen(
        &self,
        address: &Address,
        desired: impl Serialize,
        facts: &Facts,
    ) -> Change {
        match &facts.guest {
            Observation::Unobservable(reason) => Change::deferred(address, desired, reason.clone()),
            Observation::Absent | Observation::Present(_) => {
                Change::create(address, desired).because(Reason::After(self.address.clone()))
            }
        }
    }
}

/// What exists of something in the guest. `None` means nothing.
pub(super) fn in_seen_guest<'a, T>(
    facts: &'a Facts,
    actual: impl FnOnce(&'a GuestFacts) -> Option<T>,
) -> Observation<T> {
    match &facts.guest {
        Observation::Present(guest) => {
            actual(guest).map_or(Observation::Absent, Observation::Present)
        }
        Observation::Absent => Observation::Absent,
        Observation::Unobservable(reason) => Observation::Unobservable(reason.clone()),
    }
}

/// A declared resource in terms of the record, if the guest was observed.
pub(super) fn recorded(
    facts: &Facts,
    exists: impl FnOnce(&GuestFacts) -> bool,
) -> Option<Recorded> {
    let exists = exists(facts.guest.present()?);
    Some(Recorded { exists, is_declared: true, ..Recorded::default() })
}
