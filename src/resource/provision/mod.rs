//! The software in the guest: dockerd's configuration first, then Docker, then Sysbox. In this order the
//! package of Sysbox never needs to stop containers.

mod daemon;
mod docker;
mod hidden;
mod network;
mod sysbox;

pub(super) use daemon::diagnosis as daemon_diagnosis;
pub(super) use docker::diagnosis as docker_diagnosis;
pub(super) use sysbox::diagnosis as sysbox_diagnosis;

pub use daemon::ProvisionDaemon;
use daemon::is_kept_alive;
pub(super) use daemon::{due, is_derived, keeps_containers, obstacle, written};
pub use docker::ProvisionDocker;
pub(super) use hidden::{at_restart as hidden_at_restart, by as hidden_by, stored};
pub use sysbox::ProvisionSysbox;

use crate::model::address::{Address, Kind};
use crate::model::daemon_key::SYSBOX_RUNTIME;

/// The address of one part.
fn address(name: &str) -> Address {
    Address::new(Kind::PROVISION, name)
}
