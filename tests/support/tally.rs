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
pub static HOSTILE: Family =
    Family::new("hostile input", "a text that is more than a text to a shell, YAML, a terminal");

pub static FUZZED: Family =
    Family::new("fuzzed", "what a file, Lima, a guest or Docker could say, by chance");

const FAMILIES: [&Family; 5] = [&KILLED, &INTERRUPTED, &DOCKER_FILES, &HOSTILE, &FUZZED];

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
