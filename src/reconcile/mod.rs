//! The generic part: orders the resources, observes the machine, plans and applies. It knows no
//! resource kinds.

pub mod apply;
mod commanded;
pub mod graph;
pub mod observe;
mod plan;
pub mod record;
