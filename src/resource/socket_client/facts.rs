//! The observed facts about a container that uses a Docker socket.

use std::path::PathBuf;

use crate::docker::client::{ComposeError, ComposeProject, ComposeService, ExistingContainer};
use crate::plan::Observation;

/// The observed facts about one client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientFacts {
    /// The container.
    pub container: Observation<ExistingContainer>,
    /// Its compose file, if the file names one.
    pub compose: Option<ComposeFacts>,
    /// The result of its health URL, if the file names one and the container runs.
    pub health: Option<Result<(), String>>,
    /// The sockets of the file's own engine, if that engine runs the container.
    pub engine: Option<EngineSockets>,
}

/// The sockets of an engine in a VM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineSockets {
    /// The forwarded socket on this machine.
    pub forwarded: PathBuf,
    /// The group of the guest's socket, now or after the plan is applied.
    pub gid: Option<u32>,
}

/// A compose file on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComposeFacts {
    /// Its project. `None` if Compose is not installed.
    pub project: Option<ComposeProject>,
    /// The service from its files, without the override that `cai` writes.
    pub service: Result<ComposeService, ComposeError>,
    /// The text of the override that `cai` writes next to it.
    pub override_text: Option<String>,
}
