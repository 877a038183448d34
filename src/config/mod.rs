//! `containai.toml`: the types it is read into, and reading it.
//!
//! Adding a key is adding a field to a type in `types`, with its default and, where a type cannot
//! say it, a rule from `rules`. What a file gets wrong is collected, not stopped at:
//!
//! - `parse` is the way through: text, TOML, types, checks; every mistake with its place.
//! - `de` reads a TOML value into a type; a `mistake` knows which value is to blame, so that it can
//!   be left out and the rest be read.
//! - `rules` are the rules of single values, `check` those between values.

mod check;
mod de;
mod mistake;
mod parse;
mod rules;
mod suggest;
#[cfg(test)]
mod tests;
mod types;

pub use parse::parse;
pub use types::{Config, Context, Docker, DockerSource, Image, Lima, Mount, User, Vm};
