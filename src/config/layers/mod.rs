//! The layers of a configuration: the files that it consists of, and how they become one document.
//!
//! From the lowest to the highest: the organization's file, the files that a file extends, the file
//! itself, and the local file beside it. Tables merge, and a higher layer replaces other values.
//!
//! - `sources` holds the texts. A span in one of them is unique among all of them, so the rest of
//!   `config` treats the layers as one text.
//! - `gather` finds the files.
//! - `merge` makes one document of them, with the rules for arrays in `identity`.
//! - `lock` refuses values that the organization's file locks.
//! - `value` converts values.
//! - `origin` knows where each value of the document comes from.

mod gather;
mod identity;
mod lock;
#[cfg(test)]
mod lock_tests;
mod merge;
#[cfg(test)]
mod merge_tests;
mod origin;
mod sources;
#[cfg(test)]
mod tests;
mod value;

pub use gather::{Read, Root, gather};
pub(super) use merge::merge;
pub use origin::{Provenance, Setting, child, element};
pub use sources::{Layer, Place, Rank, Sources};
pub(super) use value::moved;

/// The key with the files that a file extends.
pub(super) const EXTENDS: &str = "extends";
