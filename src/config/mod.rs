//! `containai.toml`: its types, its parser and its checks.
//!
//! To add a key, add a field to a type in `types` with its default and, if the type does not
//! restrict it enough, a rule from `rules`. All errors of a file are collected:
//!
//! - `parse` runs the stages: text, TOML, types, checks. Each error has its place in the file.
//! - `de` reads a TOML value into a type. A `parse_error` knows the wrong value, so that the value
//!   can be skipped and the rest can be read.
//! - `layers` makes one document of the files that a configuration consists of.
//! - `rules` reads single values, with the rules of `text` and their `pattern`s for editors.
//!   `check` has the rules between values. `warning` has warnings about valid files.
//! - `edit` changes the text of a file and keeps its comments.
//! - `multi_file` checks what files that are planned together must agree on.
//! - `variables` reads values from outside the file.
//! - `schema` describes the file to editors and other programs.

mod check;
mod de;
pub mod diagnostic;
mod edit;
pub mod layers;
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

pub use edit::{Pinned, Pins, pinned};
pub use multi_file::{Conflict, together};
pub use parse::{parse, parse_layers};
pub use schema::{schema, tidy};
pub use suggest::nearest;
pub use types::*;
pub use variables::{Unread, of_environment, resolve};
pub use warning::Warning;
