//! What a plan costs, as ratios within one run: `cargo bench`.
//!
//! - a converged `cai plan` against its slowest single probe, with fake programs that take as long
//!   as real ones do;
//! - what a repair looks at, in full looks at a machine;
//! - 100, 1,000 and 10,000 files planned together on the simulated host, each in a process of its
//!   own, so that its memory can be told.
#![expect(
    clippy::disallowed_methods,
    reason = "a benchmark starts processes; the boundary is for the program"
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "a benchmark fails by panicking, prints, and needs only some of what tests share"
)]

mod converged;
#[path = "../support/documents.rs"]
mod documents;
#[path = "../support/fake_fault.rs"]
mod fake_fault;
#[path = "../support/fake_world.rs"]
mod fake_world;
mod looks;
#[path = "../support/sandbox.rs"]
mod sandbox;
mod scale;
#[path = "../support/tally.rs"]
mod tally;

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let name = Path::new(&arguments[0]).file_name().unwrap().to_str().unwrap();
    converged::delay(name, &arguments);
    if let Some(code) = fake_world::dispatch(name) {
        return code;
    }
    if let Some(count) = scale::asked(&arguments) {
        scale::measure(count);
        return ExitCode::SUCCESS;
    }
    let mut holds = true;
    for (with, tables) in [("", ""), (" with [egress]", EGRESS)] {
        holds &= converged::run(with, tables);
        holds &= looks::run(with, tables);
    }
    holds &= scale::run();
    if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Its rules and units are observed as well, which must not take another session.
const EGRESS: &str = "[egress]\nallow = [\"github.com\"]\n";

/// Prints a figure and the bound it has to keep.
fn figure(what: &str, value: f64, bound: f64, unit: &str) -> bool {
    let holds = value <= bound;
    let verdict = if holds { "" } else { "  TOO MUCH" };
    println!("{what:<62} {value:>9.2}{unit}  (at most {bound}{unit}){verdict}");
    holds
}
