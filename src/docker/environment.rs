//! The settings that select the endpoint of the user's docker command.

/// The settings that select the endpoint of the user's docker command without `--context`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// `DOCKER_HOST`.
    pub docker_host: Option<String>,
    /// `DOCKER_CONTEXT`.
    pub docker_context: Option<String>,
    /// The current context in Docker's `config.json`; `None` for `default`.
    pub current_context: Option<String>,
}
