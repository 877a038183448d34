//! The suite on a real virtual machine.
pub mod limactl;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    Vec::new()
}
