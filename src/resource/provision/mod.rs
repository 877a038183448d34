//! What is installed in the guest: the daemon's configuration first, then Docker, then Sysbox, so
//! that nobody's containers have to go for it (see the notes on Sysbox's package).

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
pub(super) use daemon::{due, keeps_containers, obstacle, written};
pub use docker::ProvisionDocker;
pub(super) use hidden::{at_restart as hidden_at_restart, by as hidden_by};
pub use sysbox::ProvisionSysbox;

use crate::model::address::{Address, Kind};
use crate::model::daemon_key::SYSBOX_RUNTIME;

/// The address of one of them.
fn address(name: &str) -> Address {
    Address::new(Kind::PROVISION, name)
}
