//! The kinds of resources: what each one is, should be, and does about the difference.
//!
//! A new kind is one file here, one line in [`KINDS`], and its word in [`crate::address::Kind`].

mod context;
mod group_membership;
mod lima_install;
mod provision;
mod restart;
mod socket;
mod vm;

use std::fmt;

use crate::address::Address;
use crate::config::Config;
use crate::plan::{Change, Context as PlanContext};

pub use context::DockerContext;
pub use group_membership::GroupMembership;
pub use lima_install::LimaInstall;
pub use provision::Provision;
pub use restart::Restart;
pub use socket::Socket;
pub use vm::Vm;

/// One thing that the file declares.
pub trait Resource: fmt::Debug {
    /// Its name.
    fn address(&self) -> &Address;

    /// What must be applied before it.
    fn requires(&self) -> Vec<Address>;

    /// What has to look again when it changed something.
    fn notifies(&self) -> Vec<Address> {
        Vec::new()
    }

    /// What it would do. A pure function: the same facts give the same change.
    fn plan(&self, context: PlanContext<'_>) -> Change;
}

/// Makes the resources of one kind that a file declares.
pub type Constructor = fn(&Config) -> Vec<Box<dyn Resource>>;

/// All kinds, in the order in which a plan lists independent ones.
pub const KINDS: &[Constructor] = &[
    |config| vec![Box::new(LimaInstall::new(config))],
    |config| vec![Box::new(Vm::new(config))],
    |config| vec![Box::new(Provision::new(config))],
    |config| GroupMembership::all(config).map(|one| Box::new(one) as Box<dyn Resource>).collect(),
    |config| vec![Box::new(Restart::new(config))],
    |config| vec![Box::new(Socket::new(config))],
    |config| vec![Box::new(DockerContext::new(config))],
];
