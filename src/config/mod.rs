//! `containai.toml`: the types it is read into, and reading it.
//!
//! Adding a key is adding a field to a type in `types`, with its default and, where a type cannot
//! say it, a rule from `rules`. What a file gets wrong is collected, not stopped at:
//!
//! - `parse` is the way through: text, TOML, types, checks; every mistake with its place.
//! - `de` reads a TOML value into a type; a `mistake` knows which value is to blame, so that it can
//!   be left out and the rest be read.
//! - `rules` read single values, with the rules of `text` and their `pattern`s for editors; `check` has those
//!   between values, and `warning` what is right and still worth a word.
//! - `several` is what files have to agree on that are planned together.
//! - `variables` are what a file leaves to the environment.
//! - `schema` describes the file to editors and other programs.

mod check;
mod de;
pub mod diagnostic;
mod local_paths;
mod multi_file;
mod parse;
mod parse_error;
mod pattern;
mod rules;
mod schema;
mod suggest;
#[cfg(test)]
mod tests;
mod text;
mod types;
mod variables;
mod warning;

pub use multi_file::{Conflict, together};
pub use parse::parse;
pub use schema::schema;
pub use suggest::nearest;
pub use types::*;
pub use variables::resolve;
pub use warning::Warning;
