//! What was tried of everything that may come in between, by family, for the table at the end.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

/// A family of cases. Each is in the table, also where none of it was run.
pub struct Family {
    name: &'static str,
    /// What one case is.
    case: &'static str,
    tried: AtomicUsize,
    passed: AtomicUsize,
    /// Cells of its table that are no cases, by why not.
    apart: Mutex<BTreeMap<&'static str, usize>>,
}

impl Family {
    const fn new(name: &'static str, case: &'static str) -> Self {
        let apart = Mutex::new(BTreeMap::new());
        Self { name, case, tried: AtomicUsize::new(0), passed: AtomicUsize::new(0), apart }
    }

    /// Counts a cell that can be no case.
    pub fn apart(&self, why: &'static str) {
        let mut apart = self.apart.lock().unwrap_or_else(PoisonError::into_inner);
        *apart.entry(why).or_default() += 1;
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
pub static SOAK: Family = Family::new("soak", "random faults and changes on one machine, repaired");
pub static DOCKER_FILES: Family =
    Family::new("the user's Docker", "a command, its files compared before and after");
pub static HOSTILE: Family =
    Family::new("hostile input", "a text that is more than a text to a shell, YAML, a terminal");

pub static EXPOSED: Family = Family::new("others", "a state directory that others may write to");
pub static SECRETS: Family =
    Family::new("secrets", "a command, its output and files searched for secrets");
pub static TOOLS: Family = Family::new("tools", "a call with something wrong, then run again");
pub static SYSTEM: Family = Family::new("system", "a machine that is in the way, then run again");
pub static REAL_FAULTS: Family =
    Family::new("faults, real guest", "a fault, found by doctor and fixed, its restarts counted");
pub static REAL_KILLED: Family = Family::new(
    "killed, real guest",
    "cai killed during a repair, then run again, the containers alive",
);
pub static ASLEEP: Family = Family::new(
    "asleep, real guest",
    "a process suspended or killed, reported, and healthy afterward",
);
pub static REAL_SOAK: Family =
    Family::new("soak, real guest", "random faults at once, fixed, no container lost unannounced");

pub static FUZZED: Family =
    Family::new("fuzzed", "what a file, Lima, a guest or Docker could say, by chance");

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

/// The table; nothing where no case was run.
pub fn table() -> Option<String> {
    let counts = FAMILIES
        .iter()
        .map(|family| (family.tried.load(Relaxed), family.passed.load(Relaxed)))
        .collect::<Vec<_>>();
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
        for (why, count) in &*family.apart.lock().unwrap_or_else(PoisonError::into_inner) {
            writeln!(text, "{:<20} {count:>13}  not tried: {why}", "")
                .expect("a text takes any line");
        }
    }
    Some(text)
}
