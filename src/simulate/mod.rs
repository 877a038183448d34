//! A simulated host: a world as plain data, and the effects of `limactl`, `ssh`, `docker` and
//! `brew` on it. It behaves as Lima 2.2.0 and Docker were measured to behave, as far as `cai`
//! depends on it: sessions that keep the groups with which they started, forwards that are created
//! once and die, messages and exit codes. The measurements are in `FACTS.md`; numbers in comments
//! refer to its sections.
//!
//! - [`World`] is the data: tools, instances with their guests, and contexts.
//! - [`run`] runs a program in a world. An unsupported command fails with a message and never
//!   succeeds silently.
//! - [`FAULTS`] are the faults that can be injected.
//! - [`SimulatedHost`] implements [`Probe`](crate::host::Probe) and [`Host`](crate::host::Host) on
//!   a world, so that all of `cai` works on it. The tests also put a world behind real executables.
//!
//! Nothing waits: time is a number in the world. Differences from a real host:
//! - Nothing is downloaded. An image includes Docker if its file name contains `docker`.
//! - A provisioning script is recognized by its contents, not run (see `guest/scripts.rs`).
//! - Mounts, TCP ports and the network do not exist. A disk has a size but no contents.
//! - `edit` rewrites the YAML, so only the comments at its head are kept.
//! - On simulated macOS with `vz`, a host agent can die while its machine keeps running. A real
//!   `vz` machine runs in the host agent's process and cannot outlive it.

mod arguments;
mod brew;
mod compose;
mod docker;
mod fault;
mod guest;
mod host;
mod instance;
mod limactl;
pub mod log;
mod reply;
mod show;
mod socket;
mod ssh;
pub mod store;
mod template;
mod world;

pub use arguments::Arguments;
pub use fault::{FAULTS, Fault};
pub use guest::{
    Account, Client, Container, ContainerImage, ContainerMount, Dockerd, File, Group, Guest,
    Machine, Made, Store, StoreLocation, Unit, VolumeSocket,
};
pub use host::{SimulatedHost, run};
pub use instance::{HostSocket, Instance, Session};
pub use limactl::{expression, list::ListedInstance, rules, yaml};
pub use reply::{Call, Outside, Reply};
pub use world::{Computer, LINUX, MACOS, World};
