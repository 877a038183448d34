//! A simulated host: one world, as plain data, and what `limactl`, `ssh`, `docker` and `brew` do to
//! it. It behaves as Lima 2.2.0 and Docker were measured to (`FACTS.md`, whose numbers the comments
//! here name), as far as `cai` meets them: sessions that keep the groups they began with, forwards
//! that are made once and die, messages and exit codes.
//!
//! - [`World`] is the data: the tools, the instances, their guests, the contexts.
//! - [`run`] is a program doing something to it. A command that is not known fails and says so; it
//!   never succeeds silently.
//! - [`FAULTS`] are what can be broken in it.
//! - [`SimulatedHost`] is a world behind [`Probe`](crate::host::Probe) and
//!   [`Host`](crate::host::Host), so that all of `cai` works on it. The same world behind real
//!   executables is in the tests.
//!
//! Time is not slept. What differs from the real thing:
//! - Nothing is downloaded; an image has Docker in it if its file name says `docker`.
//! - A provisioning script is recognised by what it holds, not run (see `guest/scripts.rs`).
//! - Mounts, TCP ports and the network are not there. A disk has a size and no contents.
//! - `edit` writes the YAML anew, so comments in it are lost, but for those at its head.
//! - On a simulated Mac with `vz`, a host agent can die without its machine, which real `vz`
//!   machines cannot: they live in that process.

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
    Account, Client, Container, Dockerd, File, Group, Guest, Image, Machine, Made, Mount, Place,
    Store, Unit, VolumeSocket,
};
pub use host::{SimulatedHost, run};
pub use instance::{HostSocket, Instance, Session};
pub use limactl::{expression, list::Listed, rules, yaml};
pub use reply::{Call, Outside, Reply};
pub use world::{Computer, LINUX, MACOS, World};
