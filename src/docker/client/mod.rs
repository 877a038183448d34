//! Reads Docker's and Compose's reports about containers that use a Docker socket.
//!
//! - `inspect` reads what the daemon says of a container; `inside` and `accounts` what is seen inside,
//!   by the two scripts beside it and, where the image has no shell, by `docker top` and
//!   `docker cp`; `command` holds the command lines.
//! - `code` names what can be wrong.
//! - `compose` selects a Compose project, `service` reads Compose's configuration of a service,
//!   and `overlay` writes the override.
//!
//! What the measurements are about (Docker 20.10, CLI 28.2): `docker exec -u` gives a process the
//! groups that `/etc/group` has *now*, and the `--group-add` ones, not those of the container's
//! running program; `-u UID:GID` gives none of `/etc/group`. So the groups of the program are read
//! from `/proc`, and the API is asked with one of them. A tar of `docker cp` holds no sockets.

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
pub struct Seen {
    /// What the daemon says of it.
    pub inspected: Inspected,
    /// The accounts and groups of its image, with what was changed in it since.
    pub accounts: Accounts,
    /// What is seen from inside; `None` where it does not run.
    pub inside: Option<Inside>,
    /// The last lines of its log, where it does not run, or not well.
    pub log: Vec<String>,
}
