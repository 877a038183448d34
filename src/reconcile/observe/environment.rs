//! The settings that select the endpoint of the user's docker command.

use super::current_context;
use crate::docker::Environment;
use crate::host::Probe;

/// Reads the settings. Errors are ignored.
pub fn docker_environment(probe: &dyn Probe) -> Environment {
    let variable = |name| probe.env(name).map(|value| value.to_string_lossy().into_owned());
    Environment {
        docker_host: variable("DOCKER_HOST"),
        docker_context: variable("DOCKER_CONTEXT"),
        current_context: current_context(probe).ok().flatten(),
    }
}
