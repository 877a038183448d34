//! Which files a plan is of.

use serde::Serialize;

/// A file, and the VM that it declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Declared<'a> {
    /// How the file is called on the command line.
    pub file: &'a str,
    /// The name of its VM.
    pub vm: &'a str,
}

/// The files of a document: `file` where there is one, else `files`, with the VM that the
/// addresses of each begin with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Files<'a> {
    /// One.
    #[serde(rename = "file")]
    One(&'a str),
    /// Several.
    #[serde(rename = "files")]
    Several(Vec<Declared<'a>>),
}

impl<'a> Files<'a> {
    /// Those of a document.
    pub fn new(declared: &[Declared<'a>]) -> Self {
        match declared {
            [one] => Self::One(one.file),
            several => Self::Several(several.to_vec()),
        }
    }
}
