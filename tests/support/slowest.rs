//! Measures each trial for a table of the slowest ones at the end, because libtest-mimic prints no
//! times.

use std::cell::Cell;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use libtest_mimic::Trial;

/// The number of rows in the table.
const ROWS: usize = 10;
/// The table is omitted if the slowest trial is faster than this.
const WORTH_A_TABLE: Duration = Duration::from_secs(5);

static TRIALS: Mutex<Vec<(Duration, String)>> = Mutex::new(Vec::new());

thread_local! {
    static START: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Records the duration of a trial, even if it panics.
struct Timer(String);

impl Drop for Timer {
    fn drop(&mut self) {
        let Some(start) = START.take() else { return };
        let mut trials = TRIALS.lock().unwrap_or_else(PoisonError::into_inner);
        trials.push((start.elapsed(), std::mem::take(&mut self.0)));
    }
}

/// A trial that records its duration.
pub fn trial(name: impl Into<String>, run: impl FnOnce() + Send + 'static) -> Trial {
    let name = name.into();
    Trial::test(name.clone(), move || {
        START.set(Some(Instant::now()));
        let _timer = Timer(name);
        run();
        Ok(())
    })
}

/// Restarts the clock of this thread's trial. The wait for the only VM does not count.
pub fn restart_clock() {
    START.set(Some(Instant::now()));
}

/// The slowest trials, slowest first. `None` if all were fast.
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
