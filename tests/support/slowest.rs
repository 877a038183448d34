//! How long each trial took, for the table of the slowest at the end: libtest-mimic prints no times.

use std::cell::Cell;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use libtest_mimic::Trial;

/// Rows of the table.
const ROWS: usize = 10;
/// A run whose slowest trial is faster than this prints no table.
const WORTH_A_TABLE: Duration = Duration::from_secs(5);

static TRIALS: Mutex<Vec<(Duration, String)>> = Mutex::new(Vec::new());

thread_local! {
    static START: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Records the duration of a trial, also of one that panics.
struct Timer(String);

impl Drop for Timer {
    fn drop(&mut self) {
        let Some(start) = START.take() else { return };
        let mut trials = TRIALS.lock().unwrap_or_else(PoisonError::into_inner);
        trials.push((start.elapsed(), std::mem::take(&mut self.0)));
    }
}

/// A trial that records how long it took.
pub fn trial(name: impl Into<String>, run: impl FnOnce() + Send + 'static) -> Trial {
    let name = name.into();
    Trial::test(name.clone(), move || {
        START.set(Some(Instant::now()));
        let _timer = Timer(name);
        run();
        Ok(())
    })
}

/// Restarts the clock of this thread's trial: waiting for the one VM is not its own time.
pub fn restart_clock() {
    START.set(Some(Instant::now()));
}

/// The slowest trials, slowest first; nothing where all were fast.
pub fn table() -> Option<String> {
    let mut trials = TRIALS.lock().unwrap_or_else(PoisonError::into_inner).clone();
    trials.sort_by(|left, right| right.cmp(left));
    let (slowest, _) = trials.first()?;
    if *slowest < WORTH_A_TABLE {
        return None;
    }
    let total: Duration = trials.iter().map(|(took, _)| *took).sum();
    let mut text = format!("\n{:>8}  the slowest of {} trials\n", "seconds", trials.len());
    for (took, name) in trials.iter().take(ROWS) {
        writeln!(text, "{:>8.1}  {name}", took.as_secs_f64()).expect("a String takes any line");
    }
    writeln!(text, "{:>8.1}  all of them together", total.as_secs_f64())
        .expect("a String takes any line");
    Some(text)
}
