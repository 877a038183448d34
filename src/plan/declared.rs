//! Which files a plan is of.

use schemars::JsonSchema;
use serde::Serialize;

/// A file, and the VM that it declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Declared<'a> {
    /// How the file is called on the command line.
    pub file: &'a str,
    /// The other files whose values it takes, such as those that it extends.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub layers: &'a [String],
    /// The name of its VM.
    pub vm: &'a str,
}
