//! What the user's own docker command goes by.

use super::current_context;
use crate::docker::Environment;
use crate::host::Probe;

/// Reads it. What cannot be read is no evidence of anything.
pub fn docker_environment(probe: &dyn Probe) -> Environment {
    let variable = |name| probe.env(name).map(|value| value.to_string_lossy().into_owned());
    Environment {
        docker_host: variable("DOCKER_HOST"),
        docker_context: variable("DOCKER_CONTEXT"),
        current_context: current_context(probe).ok().flatten(),
    }
}
