//! What was tried of everything that may come in between, by family, for the table at the end.

use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// A family of cases. Each is in the table, also where none of it was run.
pub struct Family {
    name: &'static str,
    /// What one case is.
    case: &'static str,
    tried: AtomicUsize,
    passed: AtomicUsize,
}

impl Family {
    const fn new(name: &'static str, case: &'static str) -> Self {
        Self { name, case, tried: AtomicUsize::new(0), passed: AtomicUsize::new(0) }
    }

    /// Runs a case, which panics where it fails.
    pub fn case<T>(&self, run: impl FnOnce() -> T) -> T {
        self.tried.fetch_add(1, Relaxed);
        match catch_unwind(AssertUnwindSafe(run)) {
            Ok(value) => {
                self.passed.fetch_add(1, Relaxed);
                value
            }
            Err(why) => resume_unwind(why),
        }
    }
}

pub static KILLED: Family = Family::new("killed", "cai killed at a point, then run again");
pub static INTERRUPTED: Family = Family::new("interrupted", "Ctrl-C at a point, then run again");
pub static DOCKER_FILES: Family =
    Family::new("the user's Docker", "a command, its files compared before and after");
pub static REAL_FAULTS: Family =
    Family::new("faults, real VM", "a fault, named by doctor and mended, its restarts counted");
pub static REAL_KILLED: Family =
    Family::new("killed, real VM", "cai killed in a repair, then run again, the containers alive");
pub static ASLEEP: Family =
    Family::new("asleep, real VM", "what stands still or is gone, named, and well when it wakes");
pub static REAL_SOAK: Family =
    Family::new("soak, real VM", "random faults at once, mended, no container lost undeclared");

const FAMILIES: [&Family; 7] =
    [&KILLED, &INTERRUPTED, &DOCKER_FILES, &REAL_FAULTS, &REAL_KILLED, &ASLEEP, &REAL_SOAK];

/// The table; nothing where no case was run.
pub fn table() -> Option<String> {
    let counts = FAMILIES.map(|family| (family.tried.load(Relaxed), family.passed.load(Relaxed)));
    if counts.iter().all(|(tried, _)| *tried == 0) {
        return None;
    }
    let mut text =
        format!("\n{:<20} {:>6} {:>6}  a case is\n", "what came between", "tried", "passed");
    for (family, (tried, passed)) in FAMILIES.iter().zip(counts) {
        let (name, case) = (family.name, family.case);
        let told = match tried {
            0 => writeln!(text, "{name:<20} {:>13}  {case}", "not run"),
            _ => writeln!(text, "{name:<20} {tried:>6} {passed:>6}  {case}"),
        };
        told.expect("a text takes any line");
    }
    Some(text)
}
