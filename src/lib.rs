//! `cai` makes a secure Docker engine a matter of one version-controlled file.
//!
//! Data goes one way:
//!
//! ```text
//! containai.toml ─ config ─ resource ─ graph ─ observe ─ plan ─ apply ─ report
//!                  (parse)  (desired)  (order)  (reads)  (pure)  (steps)  (text)
//! ```
//!
//! - [`config`] reads the file into domain types ([`model`]); what is wrong with it is shown on
//!   its own lines ([`diagnostic`]).
//! - [`resource`] holds the kinds: what each should be, and what it does about the difference.
//!   [`graph`] orders them.
//! - [`observe`](mod@observe) looks at the machine once and leaves [`facts`]; [`lima`], [`docker`]
//!   and [`guest`] hold the command lines of the tools, and read what they print.
//! - [`plan`] is a pure function of both. Its steps are data.
//! - [`apply`](mod@apply) runs them, and tells what happens as [`event`]s; [`report`] makes text of
//!   plans, events and errors. [`cli`] is the command line.
//! - [`doctor`] says what is wrong, by the same facts and plan, and which part of the plan mends it.
//! - [`simulate`] is a host without a machine: one world as data, with Lima, Docker and a guest in
//!   it.
//! - [`host`] is the only way to the outside. Nothing else runs a process or touches a file.

pub mod address;
pub mod apply;
pub mod cli;
pub mod config;
pub mod diagnostic;
pub mod digest;
pub mod docker;
pub mod doctor;
pub mod error;
pub mod event;
pub mod facts;
pub mod graph;
pub mod guest;
pub mod host;
pub mod lima;
pub mod model;
pub mod observe;
pub mod parallel;
pub mod plan;
pub mod redact;
pub mod report;
pub mod resource;
pub mod simulate;
pub mod value;
