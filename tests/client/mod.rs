//! Containers that use a Docker socket, on a real dockerd, made by a real Compose, with a real
//! client inside; only the VM around the engine is a fake.
//!
//! It runs where `CAI_TEST_REAL_DOCKER` is set, as root, and is reported as ignored elsewhere.

mod case;
mod daemon;
mod image;
mod inside;
mod matrix;
mod script;
mod seed;

use libtest_mimic::Trial;

pub use daemon::clean_up;

/// All trials of the suite.
pub fn trials() -> Vec<Trial> {
    let is_set = std::env::var_os("CAI_TEST_REAL_DOCKER").is_some_and(|value| !value.is_empty());
    let enabled = is_set && nix::unistd::Uid::effective().is_root();
    let all = [matrix::trials(), inside::trials(), seed::trials()].into_iter().flatten();
    let all = all.map(|trial| trial.with_ignored_flag(!enabled));
    // These need no daemon.
    all.chain(script::trials()).collect()
}
