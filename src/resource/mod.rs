//! The kinds of resources: what each one is, should be, and does about the difference.
//!
//! A new kind is one file here, one line in [`KINDS`], and its word in [`crate::model::address::Kind`].

mod containers;
mod context;
pub mod facts;
mod group;
mod group_membership;
mod lima_install;
mod provision;
mod restart;
mod socket;
pub mod socket_client;
mod user;
mod vm;

use std::fmt;

use crate::config::{Config, Strategy};
use crate::guest::GuestFacts;
use crate::lima::Ssh;
use crate::model::VmName;
use crate::model::address::Address;
use crate::model::value::Attributes;
use crate::plan::{Change, Disruption, Observation, Problem, Reason};
use crate::resource::facts::Facts;

pub use context::DockerContext;
pub use group::Group;
pub use group_membership::GroupMembership;
pub use lima_install::LimaInstall;
pub use provision::{ProvisionDaemon, ProvisionDocker, ProvisionSysbox};
pub use restart::Restart;
pub use socket::Socket;
pub use socket_client::SocketClient;
pub use user::User;
pub use vm::{Vm, template};

/// One thing that the file declares.
pub trait Resource: fmt::Debug + Send + Sync {
    /// Its name.
    fn address(&self) -> &Address;

    /// What must be applied before it.
    fn requires(&self) -> Vec<Address>;

    /// What has to see what it changed.
    fn notifies(&self) -> Vec<Address> {
        Vec::new()
    }

    /// What it would do. A pure function: the same facts give the same change.
    fn plan(&self, context: PlanContext<'_>) -> Change;
}

/// What a resource may look at while it plans.
#[derive(Debug, Clone, Copy)]
pub struct PlanContext<'a> {
    /// The observed facts.
    pub facts: &'a Facts,
    /// What the resources of the same file before it in the graph plan.
    pub earlier: &'a [Change],
    /// The disruption that was already tried in this run without the wanted effect, so that the
    /// next stronger one is due.
    pub tried: Disruption,
}

impl<'a> PlanContext<'a> {
    /// The planned changes of a kind, among those before this resource.
    pub fn earlier(&self, kind: crate::model::address::Kind) -> impl Iterator<Item = &'a Change> {
        self.earlier.iter().filter(move |change| change.address.kind == kind)
    }

    /// Whether a resource before this one gives up its value of an attribute.
    pub fn frees(&self, address: &Address, attribute: &str) -> bool {
        self.earlier.iter().any(|change| {
            change.address == *address
                && change.problem.is_none()
                && change.changed().iter().any(|changed| changed == attribute)
        })
    }
}

/// Makes the resources of one kind that a file declares.
pub type Constructor = fn(&Config) -> Vec<Box<dyn Resource>>;

/// All kinds, in the order in which a plan lists independent ones.
pub const KINDS: &[Constructor] = &[
    |config| one(LimaInstall::new(&config.lima)),
    |config| one(Vm::new(config)),
    |config| many(in_guest(config).flat_map(Group::all)),
    |config| many(in_guest(config).flat_map(User::all)),
    |config| many(in_guest(config).map(ProvisionDaemon::new)),
    |config| many(in_guest(config).map(ProvisionDocker::new)),
    |config| many(in_guest(config).filter_map(ProvisionSysbox::new)),
    |config| many(in_guest(config).flat_map(GroupMembership::all)),
    |config| many(in_guest(config).map(Restart::new)),
    |config| many(in_guest(config).map(Socket::new)),
    |config| one(DockerContext::new(config)),
    |config| many(SocketClient::all(config)),
];

/// The file, where its VM is to run: what is inside one that is not is left as it is.
fn in_guest(config: &Config) -> impl Iterator<Item = &Config> {
    config.vm.running.then_some(config).into_iter()
}

fn one(resource: impl Resource + 'static) -> Vec<Box<dyn Resource>> {
    vec![Box::new(resource)]
}

fn many<R: Resource + 'static>(resources: impl IntoIterator<Item = R>) -> Vec<Box<dyn Resource>> {
    resources.into_iter().map(|resource| Box::new(resource) as Box<dyn Resource>).collect()
}

/// The guest as it was seen, and the way into it. A guest can only have been seen through ssh.
fn seen<'a>(facts: &'a Facts, vm: &VmName) -> Option<(&'a GuestFacts, Ssh)> {
    let program = facts.tools.ssh.clone()?;
    Some((facts.guest.present()?, Ssh::new(program, &facts.directory, vm)))
}

/// What a resource in the guest plans when it was not seen: it will come with the VM, or is looked
/// at again when the guest can be.
fn unseen(address: &Address, wanted: Attributes, facts: &Facts, vm: &Address) -> Change {
    match &facts.guest {
        Observation::Unobservable(reason) => Change::deferred(address, wanted, reason.clone()),
        Observation::Absent | Observation::Present(_) => {
            Change::create(address, wanted).because(Reason::After(vm.clone()))
        }
    }
}

/// Refuses a restart that would stop a container or the VM if the file says
/// `strategy = "never"`. If containers cannot be listed, some are assumed to run.
fn restrained(change: Change, strategy: Strategy) -> Change {
    let restart = change.disruption;
    let stops = match restart {
        Disruption::VmRestart => true,
        Disruption::DaemonRestart | Disruption::SysboxRestart => {
            change.stops.as_ref().is_none_or(|stops| !stops.is_empty())
        }
        _ => false,
    };
    if strategy == Strategy::Never && stops && change.problem.is_none() {
        return change.blocked(Problem::RestartForbidden(restart));
    }
    change
}
