//! Docker on the host: contexts, through the real `docker` command line and its store.

mod context;

pub use context::{
    ContextMetadata, Docker, MARK, UnreadableContext, current_context, metadata_path,
};
