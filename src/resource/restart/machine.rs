//! Compares the running machine with its configuration.

use crate::guest::GuestFacts;
use crate::plan::Reason;
use crate::resource::facts::Facts;

/// The differences between the running machine and the one that Lima would start now: its YAML was edited,
/// but the VM was not restarted. Lima's merged configuration counts, because a user's override of all
/// instances would otherwise always be a difference.
pub(super) fn differences(guest: &GuestFacts, facts: &Facts) -> Vec<Reason> {
    let Some(vm) = facts.vm.present() else { return Vec::new() };
    let mut reasons = Vec::new();
    if let (Some(runs), Some(configured)) = (guest.cpus, vm.cpus)
        && runs != configured
    {
        reasons.push(Reason::MachineDiffers {
            what: "cpus",
            runs: runs.to_string(),
            configured: configured.to_string(),
        });
    }
    if let (Some(runs), Some(configured)) = (guest.memory, vm.memory)
        && !is_memory_of(runs, configured)
    {
        reasons.push(Reason::MachineDiffers {
            what: "memory",
            runs: format!("{} MiB", runs >> 20),
            configured: format!("{} MiB", configured >> 20),
        });
    }
    reasons
}

/// Whether a kernel that reports `runs` bytes can run on a machine with `configured` bytes. The kernel
/// reserves 2 to 8 % (measured: 1967 of 2048 MiB), more on small machines.
fn is_memory_of(runs: u64, configured: u64) -> bool {
    let reserve = configured / 8 + (64 << 20);
    runs <= configured && configured - runs <= reserve
}
