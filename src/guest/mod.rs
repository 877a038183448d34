//! The guest: the script that looks at it, what that script prints, and the scripts that change it.

mod clock;
pub mod daemon_json;
mod document;
mod engine;
mod facts;
mod json_edit;
mod operation;
pub mod probe;
pub mod provisioning;

pub use daemon_json::{DaemonJson, LoadedJson};
pub use document::{Document, Section, UnreadableDocument};
pub use engine::Engine;
pub use facts::{
    Account, Container, DOCKER_GROUP, DOCKER_SERVICE, Group, GuestFacts, GuestSocket, Unfinished,
    Unit,
};
pub use operation::{Loaded, Operation, SECCOMP_PROFILE, input, sysbox_package};
