//! What a mount exposes of this machine.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::{in_a_line, listed};

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
    /// Its place in the file, such as `containai.toml:3`. Not in JSON, because the path depends on the
    /// current directory, and a saved plan can be applied in another one.
    #[serde(skip)]
    pub place: Option<String>,
}

impl Exposure {
    /// What to do about it.
    pub const HINT: &'static str = "mount a smaller directory";

    /// The text with its place, for a person.
    pub fn placed(&self) -> String {
        let place = self.place.as_deref().map(|place| format!(" ({})", in_a_line(place)));
        format!("{self}{}", place.unwrap_or_default())
    }
}

impl fmt::Display for Exposure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.writable { "writable" } else { "read-only" };
        write!(f, "the {kind} mount {} exposes {}", self.location, listed(&self.things))
    }
}
