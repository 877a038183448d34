//! Which files a plan is of.

use schemars::JsonSchema;
use serde::Serialize;

/// A file, and the VM that it declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Declared<'a> {
    /// How the file is called on the command line.
    pub file: &'a str,
    /// The name of its VM.
    pub vm: &'a str,
}
