//! The suite on a real guest, with a real `docker`, a real dockerd and a real ssh.
//!
//! With `CAI_TEST_REAL_CONTAINER` set, the guest is a systemd container (`container/`), and everything
//! except `vm.rs` runs. With `CAI_TEST_REAL_VM`, it is a virtual machine, and everything runs. Its
//! processor is emulated, so that takes an hour. With neither, the scenarios are reported as ignored.
//!
//! The suite's `limactl` is the stand-in in `limactl/`, and `image/` builds the guest's disk.
//! `CAI_TEST_LIMACTL=/path` names another `limactl`. `CAI_TEST_VM_CONFIG=/path` names a file with the
//! images: a part of a `containai.toml` with `[[vm.images]]` and, if needed, `[vm.lima]`.

pub mod container;
mod daemon;
mod declared;
mod distro;
mod doctor;
mod egress;
mod engine;
mod faults;
mod guest;
mod image;
mod import;
mod kill;
pub mod limactl;
mod network;
mod process;
mod removal;
mod repair;
mod repository;
mod restart;
mod shell;
mod sleep;
mod soak;
mod sysbox;
mod vm;

use std::ffi::OsString;

pub use engine::clean_up;
use libtest_mimic::Trial;

fn is_set(variable: &str) -> bool {
    std::env::var_os(variable).is_some_and(|value: OsString| !value.is_empty())
}

/// Whether the guest is a virtual machine.
fn with_vm() -> bool {
    is_set("CAI_TEST_REAL_VM")
}

/// Whether the guest is a container.
fn with_container() -> bool {
    is_set("CAI_TEST_REAL_CONTAINER") && !with_vm()
}

fn with_real_limactl() -> bool {
    is_set("CAI_TEST_LIMACTL")
}

/// All trials of the suite.
pub fn trials() -> Vec<Trial> {
    let everywhere = [
        vm::trials(),
        repair::trials(),
        restart::trials(),
        daemon::trials(),
        guest::trials(),
        doctor::trials(),
        kill::trials(),
        sleep::trials(),
        sysbox::trials(),
        removal::trials(),
        egress::trials(),
        network::trials(),
        distro::trials(),
        repository::trials(),
        import::trials(),
    ];
    let everywhere = everywhere.into_iter().flatten().map(|trial| {
        let runs = with_vm() || with_container() && !trial.name().starts_with("real::vm::");
        trial.with_ignored_flag(!runs)
    });
    let always = doctor::of_the_table().into_iter().chain(soak::trials());
    always.chain(everywhere).collect()
}
