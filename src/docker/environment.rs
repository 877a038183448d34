//! What the user's own docker command goes by.

/// What the user's docker command goes by when it is given no context.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// `DOCKER_HOST`.
    pub docker_host: Option<String>,
    /// `DOCKER_CONTEXT`.
    pub docker_context: Option<String>,
    /// The current context of Docker's `config.json`; `None` where that is `default`.
    pub current_context: Option<String>,
}
