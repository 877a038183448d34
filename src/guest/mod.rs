//! The guest: the script that looks at it, what that script prints, and the scripts that change it.

mod document;
mod facts;
pub mod probe;
pub mod provisioning;

pub use document::{Document, Section, UnreadableDocument};
pub use facts::{Container, GuestFacts, GuestSocket};
