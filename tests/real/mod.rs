//! The suite on a real virtual machine, with a real `docker`, a real dockerd and a real ssh.
//!
//! It runs where `CAI_TEST_REAL_VM` is set, and is reported as ignored elsewhere: it takes minutes.
//! Its `limactl` is the stand-in in `limactl/`, which drives a QEMU guest that `image/` makes.
//! With `CAI_TEST_LIMACTL=/path` it is that one, and with `CAI_TEST_VM_CONFIG=/path` the images
//! come from that file, a piece of a `containai.toml` with `[[vm.images]]` and perhaps `[vm.lima]`.

mod daemon;
mod declared;
mod distro;
mod doctor;
mod engine;
mod faults;
mod guest;
mod image;
mod kill;
pub mod limactl;
mod process;
mod repair;
mod restart;
mod shell;
mod sleep;
mod soak;
mod sysbox;

use std::ffi::OsString;

pub use engine::clean_up;
use libtest_mimic::Trial;

/// All trials of the suite.
pub fn trials() -> Vec<Trial> {
    let is_set = |name| std::env::var_os(name).is_some_and(|value: OsString| !value.is_empty());
    let enabled = is_set("CAI_TEST_REAL_VM");
    let stand_in = !is_set("CAI_TEST_LIMACTL");
    let everywhere = [
        repair::trials(),
        restart::trials(),
        daemon::trials(),
        guest::trials(),
        doctor::trials(),
        kill::trials(),
        sleep::trials(),
        sysbox::trials(),
        distro::trials(),
    ];
    let everywhere = everywhere.into_iter().flatten();
    let everywhere = everywhere.map(|trial| trial.with_ignored_flag(!enabled));
    let own = restart::without_a_network().into_iter();
    let own = own.map(|trial| trial.with_ignored_flag(!(enabled && stand_in)));
    let always = doctor::of_the_table().into_iter().chain(soak::trials());
    always.chain(everywhere).chain(own).collect()
}
