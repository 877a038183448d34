//! The one integration test binary.
//!
//! It is also every program that the tests put in front of `cai`: started under another name
//! (`limactl`), it is that program, so that no test needs a second build or a feature.
#![expect(
    clippy::disallowed_methods,
    reason = "tests start processes and write files; the boundary is for the program"
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    missing_docs,
    unreachable_pub,
    reason = "a test fails by panicking and the stand-in programs print"
)]

use std::process::ExitCode;

mod ansible;
mod archive;
mod cli;
mod client;
mod contract;
mod data_disk;
mod doctor;
#[cfg(target_os = "linux")]
mod egress;
mod faults;
mod fuzz;
mod guest;
mod host;
mod kinds;
mod layers;
mod planner;
mod probe;
mod real;
mod simulate;
mod strings;
mod support;
mod sysbox;
mod type_names;

fn main() -> ExitCode {
    if let Some(code) = support::program::dispatch() {
        return code;
    }
    let conclusion = libtest_mimic::run(&libtest_mimic::Arguments::from_args(), trials());
    real::clean_up();
    client::clean_up();
    for table in [support::slowest::table(), support::tally::table()].into_iter().flatten() {
        println!("{table}");
    }
    conclusion.exit_code()
}

/// All there are. The slow ones begin first, so that the last minutes still have work for every processor.
fn trials() -> Vec<libtest_mimic::Trial> {
    [
        faults::trials(),
        simulate::trials(),
        ansible::trials(),
        client::trials(),
        archive::trials(),
        cli::trials(),
        contract::trials(),
        doctor::trials(),
        #[cfg(target_os = "linux")]
        egress::trials(),
        fuzz::trials(),
        data_disk::trials(),
        guest::trials(),
        host::trials(),
        kinds::trials(),
        layers::trials(),
        planner::trials(),
        probe::trials(),
        real::trials(),
        strings::trials(),
        sysbox::trials(),
        type_names::trials(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
