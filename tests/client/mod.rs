//! Containers that use a Docker socket, on a real dockerd, created by a real Compose, with a real
//! client inside. Only the VM around the engine is fake.
//!
//! The suite runs as root if `CAI_TEST_REAL_DOCKER` is set. The trials of the plugin `docker
//! compose` also need `CAI_TEST_COMPOSE_PLUGIN`, the path of the plugin. Otherwise they are
//! reported as ignored.

mod case;
mod compose;
mod daemon;
mod doctor;
mod features;
mod image;
mod inside;
mod matrix;
mod probe;
mod project;
mod reload;
mod script;
mod seed;

use libtest_mimic::Trial;

pub use daemon::clean_up;
pub use doctor::codes;

/// All trials of the suite.
pub fn trials() -> Vec<Trial> {
    let is_set = std::env::var_os("CAI_TEST_REAL_DOCKER").is_some_and(|value| !value.is_empty());
    let enabled = is_set && nix::unistd::Uid::effective().is_root();
    let all = [
        matrix::trials(),
        inside::trials(),
        seed::trials(),
        doctor::trials(),
        project::trials(),
        reload::trials(),
        probe::trials(),
        features::trials(),
    ];
    let all = all.into_iter().flatten().map(|trial| {
        let is_here = enabled && !trial.has_ignored_flag();
        trial.with_ignored_flag(!is_here)
    });
    // These need no daemon.
    all.chain(script::trials()).chain(doctor::documents()).collect()
}
