//! The `cai` command.
fn main() {}
