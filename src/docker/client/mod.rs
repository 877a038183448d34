//! Reads Docker's and Compose's reports about containers that use a Docker socket.
//!
//! - `inspect` reads the daemon's description of a container. `inside` and `accounts` read its
//!   processes, users and groups, with the two scripts in this directory or, if the image has no
//!   shell, with `docker top` and `docker cp`. `command` has the command lines.
//! - `code` lists the possible faults.
//! - `compose` selects a Compose project, `service` reads Compose's configuration of a service, and
//!   `overlay` writes the override.
//!
//! Measured with Docker 20.10 and CLI 28.2: `docker exec -u` gives a process the groups that
//! `/etc/group` lists *now*, and those of `--group-add`, not the groups of the container's main
//! process. `-u UID:GID` uses no groups of `/etc/group`. So the groups of the main process are read
//! from `/proc`, and the API request uses one of them. The tar archive of `docker cp` contains no
//! sockets.

mod accounts;
mod code;
mod command;
mod compose;
mod inside;
mod inspect;
mod overlay;
mod service;

pub use accounts::{Accounts, UnixAccount, UnixGroup};
pub use code::ClientCode;
pub use command::ClientCommands;
pub use compose::{ComposeProgram, ComposeProject};
pub use inside::{Api, Inside, Process, SocketSeen};
pub(crate) use inside::{answer, is_version, top as processes_of_top};
pub use inspect::{ComposeLabels, ContainerState, Inspected, MadeContainer, MountSeen};
pub(crate) use inspect::{canonical, covering};
pub use overlay::{
    ComposeError, MARK, Override, overridden_services, override_path, without_service,
};
pub use service::{ComposeMount, ComposeService};

/// A container that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExistingContainer {
    /// The daemon's description.
    pub inspected: Inspected,
    /// The accounts and groups of its image, including later changes.
    pub accounts: Accounts,
    /// Its state inside; `None` if it is not running.
    pub inside: Option<Inside>,
    /// The last lines of its log if it is not running or has a problem.
    pub log: Vec<String>,
}
