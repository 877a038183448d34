//! The data that a change of dockerd's store hides.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::{counted, listed};

/// The contents of dockerd's present store when a change makes dockerd use another one. They stay on
/// disk, and no Docker command shows them. Measured with Docker 20.10: with live-restore a running container keeps
/// running, and Docker can no longer stop it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Hides {
    /// The VM.
    pub vm: String,
    /// The keys of daemon.json that name the store.
    pub keys: Vec<String>,
    /// How many of each there are; `None` where they could not be counted.
    pub stored: Option<Stored>,
    /// The names of the containers that run.
    pub running: Vec<String>,
}

/// The contents of a store, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Stored {
    /// The containers, the stopped ones included.
    pub containers: usize,
    /// The images.
    pub images: usize,
    /// The volumes; `None` where they could not be counted.
    pub volumes: Option<usize>,
}

impl Stored {
    /// Whether there is nothing to hide.
    pub fn is_empty(self) -> bool {
        self.containers == 0 && self.images == 0 && self.volumes == Some(0)
    }
}

impl fmt::Display for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let volumes = self.volumes.map_or_else(|| "all volumes".into(), |it| counted(it, "volume"));
        let containers = counted(self.containers, "container");
        write!(f, "{containers}, {}, {volumes}", counted(self.images, "image"))
    }
}

impl fmt::Display for Hides {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.stored {
            Some(stored) => write!(f, "{stored}")?,
            None => write!(f, "all containers, images and volumes (not counted)")?,
        }
        write!(f, " will no longer be visible because these keys change: {}", listed(&self.keys))?;
        if self.running.is_empty() {
            return Ok(());
        }
        write!(f, "; still running, but Docker can no longer manage: {}", listed(&self.running))
    }
}
