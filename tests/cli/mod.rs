//! The command line as a user has it: the real `cai`, the real `docker`, and fakes, named so, where
//! a fault of a tool is wanted.

mod apply;
mod context;
mod documents;
mod fake;
mod file;
mod tools;

use libtest_mimic::Trial;

/// All trials.
pub fn trials() -> Vec<Trial> {
    [apply::trials(), context::trials(), documents::trials(), file::trials(), tools::trials()]
        .into_iter()
        .flatten()
        .collect()
}
