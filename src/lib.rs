//! `cai` makes a secure Docker engine a matter of one version-controlled file.
//!
//! The modules form layers: each uses only those above it in this list, and a test checks that.
//!
//! - [`model`]: names, sizes, versions and addresses of the domain as types; redaction; text helpers.
//! - [`host`]: the only effects. Nothing else starts a process or touches a file.
//! - [`config`]: `containai.toml`, with its errors shown on its own lines.
//! - [`lima`], [`guest`], [`docker`]: the tools' languages. Command lines, scripts, and parsers.
//! - [`plan`]: plans as data. Changes, reasons, steps, saved plans.
//! - [`resource`]: the kinds. What each should be, was observed to be, and the steps in between; pure.
//! - [`reconcile`]: the loop that knows no kind. It orders the resources, observes, plans and applies.
//! - [`doctor`]: findings from the facts and the plan, and the part of the plan that repairs them.
//! - [`report`]: plans, events, findings and errors as text, JSON and graphs.
//! - [`simulate`]: a simulated host. One world as data, with Lima, Docker and a guest in it.
//! - [`cli`]: the command line.

pub mod cli;
pub mod config;
pub mod docker;
pub mod doctor;
pub mod guest;
pub mod host;
pub mod lima;
pub mod model;
pub mod plan;
pub mod reconcile;
pub mod report;
pub mod resource;
pub mod simulate;
