//! What a mount exposes of this machine.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::listed;

/// A mount through which root in the VM can read secrets or change more than a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Exposure {
    /// The mounted directory, as the file or Lima's YAML names it.
    pub location: String,
    /// Whether the VM can write to it.
    pub writable: bool,
    /// The things on this machine that root in the VM can read, or change if it is writable.
    pub things: Vec<String>,
    /// Whether the mount gives up the machine itself, so that the user must name it to allow it.
    pub needs_consent: bool,
}

impl Exposure {
    /// What to do about it.
    pub const HINT: &'static str = "mount a smaller directory";
}

impl fmt::Display for Exposure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.writable { "writable" } else { "read-only" };
        write!(f, "the {kind} mount {} exposes {}", self.location, listed(&self.things))
    }
}
