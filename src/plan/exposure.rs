//! What a writable mount exposes of this machine.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::listed;

/// A writable mount through which root in the VM can change more than a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Exposure {
    /// The mounted directory, as the file or Lima's YAML names it.
    pub location: String,
    /// The things on this machine that root in the VM can change.
    pub things: Vec<String>,
    /// Whether the mount gives up the machine itself, so that the user must name it to allow it.
    pub needs_consent: bool,
}

impl Exposure {
    /// What to do about it.
    pub const HINT: &'static str = "mount a smaller directory, or set `writable = false`";
}

impl fmt::Display for Exposure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the writable mount {} exposes {}", self.location, listed(&self.things))
    }
}
