//! Lima: its command lines, its output, and the YAML of an instance.
//!
//! This module has no effects. Facts about Lima's behavior were measured with Lima 2.2.0 unless a
//! comment says otherwise.

mod agent;
mod boot_log;
mod command;
mod entries;
mod image;
mod instance;
mod log;
mod meaning;
mod overrides;
mod release;
mod ssh;
mod verdict;
mod version;
mod yaml_text;

pub use agent::Agent;
pub(crate) use boot_log::failed_script;
pub use command::Limactl;
pub(crate) use entries::with_forwards;
pub use entries::{declared_forwards, engine_socket, has_script, merged};
pub use image::{Build, MovingImage};
pub use instance::{Instance, Instances, Other, Status, UnreadableList, find_instances};
pub use log::{gave_up, message};
pub use meaning::Meaning;
pub use overrides::{LimaOverride, UserFile, overrides};
pub use release::{Release, key as platform_key};
pub use ssh::{GUEST_SOCKET, Ssh};
pub use verdict::Verdict;
pub use version::parse_version;
pub use yaml_text::{edited, is_marked, to_yaml};

pub use crate::model::lima_disk::{DISKS, Disk};
