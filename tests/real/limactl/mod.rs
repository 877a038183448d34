//! A stand-in for `limactl` that drives a real QEMU guest.
use std::process::ExitCode;

pub fn main() -> ExitCode {
    ExitCode::FAILURE
}
