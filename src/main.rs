//! The `cai` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    containai::cli::main(&containai::host::System)
}
