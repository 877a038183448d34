//! The `cai` command.

use std::process::ExitCode;

use containai::host::{System, handle_interrupts};

fn main() -> ExitCode {
    // Where the system refuses, an interrupt ends the process as it would any other.
    let _ = handle_interrupts();
    containai::cli::main(&System)
}
