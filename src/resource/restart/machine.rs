//! The machine that runs, against the one that a start would give.

use crate::guest::GuestFacts;
use crate::plan::Reason;
use crate::resource::facts::Facts;

/// Where the running machine is not the one that Lima would start now: its YAML was edited, and the
/// VM not restarted. Lima's merged configuration counts, so that a user's override of all instances
/// is no difference for ever.
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

/// Whether a kernel that manages `runs` bytes can be on a machine with `configured` bytes. The
/// kernel keeps some for itself: 2 to 8 % (measured: 1967 of 2048 MiB), more on small machines.
fn is_memory_of(runs: u64, configured: u64) -> bool {
    let reserve = configured / 8 + (64 << 20);
    runs <= configured && configured - runs <= reserve
}
