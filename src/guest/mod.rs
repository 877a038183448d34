//! The guest: the script that inspects it, the script's output, and the scripts that change it.

mod accounts;
mod answers;
mod clock;
mod containers;
pub mod daemon_json;
pub mod data_disk;
mod document;
pub mod egress;
mod engine;
mod facts;
mod json_edit;
mod operation;
mod packages;
pub mod probe;
pub mod provisioning;
pub mod repository;
pub mod settings;
mod socket;
mod written;

pub use accounts::{Account, Group};
pub use containers::Container;
pub use daemon_json::{DaemonJson, LoadedJson};
pub use document::{Document, Section, UnreadableDocument};
pub use engine::Engine;
pub use facts::{DOCKER_GROUP, DOCKER_SERVICE, GuestFacts};
pub use operation::{
    Contents, LoadedCopy, Operation, SECCOMP_PROFILE, input, sent_file, sysbox_package,
};
pub use packages::{Unfinished, Unit};
pub use settings::DockerdSettings;
pub use socket::GuestSocket;
pub use written::{GuestFile, Sums};
