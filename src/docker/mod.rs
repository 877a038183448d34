//! Docker on the host: contexts, through the `docker` command line and its store, and containers
//! that use a Docker socket.

pub mod client;
mod context;
mod environment;

pub use context::{
    ContextMetadata, DockerCli, MARK, UnreadableContext, current_context, metadata_path,
};
pub use environment::Environment;
