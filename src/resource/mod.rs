//! The kinds of resources. Each declares, observes, plans and removes its own.
//!
//! A new kind is one file here, and one line in [`KINDS`].

mod case;
mod containers;
mod context;
mod data_disk;
mod diagnosis;
mod egress;
pub mod facts;
mod file;
mod group;
mod group_membership;
pub mod import;
mod kinds;
mod lima_install;
mod provision;
mod proxy;
pub mod record;
mod removal;
mod restart;
mod socket;
pub mod socket_client;
mod trust;
mod user;
mod vm;
mod vm_ref;
mod watch_service;

use std::fmt;
use std::path::PathBuf;

use crate::config::{Config, Strategy};
use crate::guest::probe::Look;
use crate::guest::{Contents, Operation, sent_file};
use crate::lima::Ssh;
use crate::model::ContextName;
use crate::model::address::{Address, Kind};
use crate::plan::{Change, Disruption, Problem, SideEffect, Step};
use crate::resource::facts::Facts;
use crate::resource::record::Recorded;

pub use case::Case;
pub use context::DockerContext;
pub use data_disk::DataDisk;
pub use diagnosis::diagnose;
pub use egress::Egress;
pub use file::File;
pub use group::Group;
pub use group_membership::GroupMembership;
pub use kinds::{KINDS, KindEntry, Placement, all, changed_by};
pub use lima_install::LimaInstall;
pub use provision::{ProvisionDaemon, ProvisionDocker, ProvisionSysbox};
pub use proxy::Proxy;
pub use restart::Restart;
pub use socket::Socket;
pub use socket_client::SocketClient;
pub use trust::Trust;
pub use user::User;
pub use vm::{Places, Power, Vm, mount_key, template};
pub use watch_service::WatchService;

/// A resource that the file declares, or that is to be removed.
pub trait Resource: fmt::Debug + Send + Sync {
    /// Its address.
    fn address(&self) -> &Address;

    /// The resources that must be applied before it.
    fn requires(&self) -> Vec<Address>;

    /// The resources that must see its change.
    fn notifies(&self) -> Vec<Address> {
        Vec::new()
    }

    /// Plans its change. A pure function: the same facts give the same change.
    fn plan(&self, context: PlanContext<'_>) -> Change;

    /// Its own sections of the guest's probe.
    fn looks(&self) -> Vec<Look> {
        Vec::new()
    }

    /// The files of this machine that it reads.
    fn host_files(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    /// The Docker context of this machine that it removes.
    fn docker_context(&self) -> Option<&ContextName> {
        None
    }

    /// The resource in terms of the record. `None` if the record does not list its kind, or it could not be
    /// observed.
    fn recorded(&self, _facts: &Facts) -> Option<Recorded> {
        None
    }
}

/// The input of a resource's plan.
#[derive(Debug, Clone, Copy)]
pub struct PlanContext<'a> {
    /// The observed facts.
    pub facts: &'a Facts,
    /// The changes of the resources before it in the graph, of the same file.
    pub earlier: &'a [Change],
    /// The disruption that this run already tried without effect. The next stronger one is due.
    pub tried: Disruption,
}

impl<'a> PlanContext<'a> {
    /// The changes of a kind among those before this resource.
    pub fn earlier(&self, kind: Kind) -> impl Iterator<Item = &'a Change> {
        self.earlier.iter().filter(move |change| change.address.kind == kind)
    }

    /// Whether one of them has such an effect.
    pub fn causes(&self, is_such: impl Fn(&SideEffect) -> bool) -> bool {
        self.side_effects().any(is_such)
    }

    /// The side effects of the changes before this resource.
    pub fn side_effects(&self) -> impl Iterator<Item = &'a SideEffect> {
        self.earlier.iter().flat_map(|change| &change.side_effects)
    }
}

/// The resources that the guest needs before it downloads something.
fn for_downloads(config: &Config) -> impl Iterator<Item = Address> + '_ {
    Proxy::declared(config)
        .into_iter()
        .chain(Trust::all(config).map(|trust| trust.address().clone()))
}

/// A file that is copied into the guest.
struct Pushed<'a> {
    from: Contents<'a>,
    to: &'a str,
    sha256: &'a str,
    /// In octal digits.
    mode: &'a str,
    /// The user and the group.
    owner: (&'a str, &'a str),
}

impl Pushed<'_> {
    /// Adds the steps that copy it. `what` names the file.
    fn steps(&self, change: Change, what: &str, ssh: &Ssh) -> Change {
        let Self { from, to, sha256, mode, owner } = *self;
        let sent = sent_file(to);
        let copy = Operation::Send { from, to: &sent };
        let place = Operation::Place { sent: &sent, to, sha256, mode, owner };
        change
            .step(Step::run(format!("copy {what}"), copy.command(ssh)))
            .step(Step::run(format!("move {what} into place"), place.command(ssh)))
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
