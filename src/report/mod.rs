//! What a person sees: plans, progress and errors as text.

mod apply;
mod error;
mod palette;
mod plan;
mod text;

pub use apply::{finished, progress};
pub use error::{error, failure, problem};
pub use plan::plan;
pub use text::{duration, printable};
