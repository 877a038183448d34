//! The loop that knows no kind: order the resources, observe the machine, plan, apply.

pub mod apply;
mod destroy;
pub mod graph;
pub mod observe;
mod plan;
pub mod record;
