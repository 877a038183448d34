//! Counts the cases of each family, for a table at the end.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

/// A family of cases. It is in the table even if none of its cases ran.
pub struct Family {
    name: &'static str,
    /// The meaning of one case.
    case: &'static str,
    tried: AtomicUsize,
    passed: AtomicUsize,
    /// The cells that are not cases, by reason.
    apart: Mutex<BTreeMap<&'static str, usize>>,
}

impl Family {
    const fn new(name: &'static str, case: &'static str) -> Self {
        let apart = Mutex::new(BTreeMap::new());
        Self { name, case, tried: AtomicUsize::new(0), passed: AtomicUsize::new(0), apart }
    }

    /// Counts a cell that is not a case.
    pub fn apart(&self, why: &'static str) {
        let mut apart = self.apart.lock().unwrap_or_else(PoisonError::into_inner);
        *apart.entry(why).or_default() += 1;
    }

    /// Runs a case. It panics if the case fails.
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
pub static SOAK: Family =
    Family::new("soak", "random faults and changes on one machine, each repaired");
pub static DOCKER_FILES: Family =
    Family::new("the user's Docker", "a command; the files are compared before and after");
pub static HOSTILE: Family =
    Family::new("hostile input", "a text that a shell, YAML or a terminal could interpret");

pub static EXPOSED: Family =
    Family::new("others", "a state directory that other users can write to");
pub static SECRETS: Family =
    Family::new("secrets", "a command whose output and files are searched for secrets");
pub static TOOLS: Family = Family::new("tools", "a call with a fault, then run again");
pub static SYSTEM: Family = Family::new("system", "an unusual machine, then run again");
pub static REAL_FAULTS: Family =
    Family::new("faults, real guest", "a fault that doctor finds and fixes; restarts are counted");
pub static REAL_KILLED: Family = Family::new(
    "killed, real guest",
    "cai killed during a repair, then run again; containers keep running",
);
pub static ASLEEP: Family = Family::new(
    "asleep, real guest",
    "a process suspended or killed, reported, and healthy afterward",
);
pub static REAL_SOAK: Family = Family::new(
    "soak, real guest",
    "several random faults, fixed, no container stopped unannounced",
);

pub static FUZZED: Family =
    Family::new("fuzzed", "random text from a file, Lima, a guest or Docker");

const FAMILIES: &[&Family] = &[
    &KILLED,
    &INTERRUPTED,
    &SOAK,
    &TOOLS,
    &SYSTEM,
    &HOSTILE,
    &FUZZED,
    &EXPOSED,
    &SECRETS,
    &DOCKER_FILES,
    &REAL_FAULTS,
    &REAL_KILLED,
    &ASLEEP,
    &REAL_SOAK,
];

/// The table. `None` if no case ran.
pub fn table() -> Option<String> {
    let counts = FAMILIES
        .iter()
        .map(|family| (family.tried.load(Relaxed), family.passed.load(Relaxed)))
        .collect::<Vec<_>>();
    if counts.iter().all(|(tried, _)| *tried == 0) {
        return None;
    }
    let mut text = format!("\n{:<20} {:>6} {:>6}  case\n", "family", "tried", "passed");
    for (family, (tried, passed)) in FAMILIES.iter().zip(counts) {
        let (name, case) = (family.name, family.case);
        let told = match tried {
            0 => writeln!(text, "{name:<20} {:>13}  {case}", "not run"),
            _ => writeln!(text, "{name:<20} {tried:>6} {passed:>6}  {case}"),
        };
        told.expect("writing to a string cannot fail");
        for (why, count) in &*family.apart.lock().unwrap_or_else(PoisonError::into_inner) {
            writeln!(text, "{:<20} {count:>13}  not tried: {why}", "")
                .expect("writing to a string cannot fail");
        }
    }
    Some(text)
}
