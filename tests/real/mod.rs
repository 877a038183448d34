//! The suite on a real virtual machine, with a real `docker`, a real dockerd and a real ssh.
//!
//! It runs where `CAI_TEST_REAL_VM` is set, and is reported as ignored elsewhere: it takes minutes.
//! Its `limactl` is the stand-in in `limactl/`, which drives a QEMU guest that `image/` makes.
//! With `CAI_TEST_LIMACTL=/path` it is that one, and with `CAI_TEST_VM_CONFIG=/path` the images
//! come from that file, a piece of a `containai.toml` with `[[vm.images]]` and perhaps `[vm.lima]`.

mod distro;
mod engine;
mod image;
pub mod limactl;
mod repair;
mod restart;

pub use engine::clean_up;
use libtest_mimic::Trial;

/// All trials of the suite.
pub fn trials() -> Vec<Trial> {
    let enabled = std::env::var_os("CAI_TEST_REAL_VM").is_some_and(|value| !value.is_empty());
    [repair::trials(), restart::trials(), distro::trials()]
        .into_iter()
        .flatten()
        .map(|trial| trial.with_ignored_flag(!enabled))
        .collect()
}
