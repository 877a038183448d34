//! Faults of tools: every call that `cai` makes, with every fault that a program can have.

mod brew;
mod calls;
mod cell;
mod clients;
mod streams;

use std::sync::atomic::{AtomicUsize, Ordering};

use calls::CALLS;
use cell::Bench;

use crate::support::fake_fault::Fault;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    let own = trials![every_call_is_tried_with_every_fault];
    [own, brew::trials(), clients::trials(), streams::trials()].into_iter().flatten().collect()
}

/// The number of calls that are tried in parallel. Calls that hang only wait.
const AT_ONCE: usize = 8;

fn every_call_is_tried_with_every_fault() {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut failures = Vec::new();
        while let Some(call) = CALLS.get(next.fetch_add(1, Ordering::Relaxed)) {
            let mut bench = Bench::new(call);
            for fault in Fault::ALL {
                let cell = std::panic::AssertUnwindSafe(|| bench.try_fault(fault));
                if std::panic::catch_unwind(cell).is_err() {
                    failures.push(format!("{} {fault:?}", call.name));
                }
            }
        }
        failures
    };
    let failures: Vec<String> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    assert!(failures.is_empty(), "{failures:#?}");
}
