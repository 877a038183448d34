//! Without a terminal, prints a line from time to time about a long step. A silent log looks like a
//! hang, and some CI systems stop a silent job.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::model::address::Address;
use crate::reconcile::apply::event::Event;
use crate::report;

/// The time until the first line about a step.
const FIRST: Duration = Duration::from_secs(5);
/// The time between later lines.
const EACH: Duration = Duration::from_secs(60);

/// Reports the steps that are running.
pub(super) struct Reminder<'a> {
    say: &'a (dyn Fn(&str) + Sync),
    steps: Mutex<Steps>,
    /// Signals a change of the steps.
    changed: Condvar,
}

/// The steps that are running.
#[derive(Default)]
struct Steps {
    running: BTreeMap<Address, RunningStep>,
    is_over: bool,
}

struct RunningStep {
    title: String,
    said: String,
    since: Instant,
    /// When the next line about it is due.
    due: Instant,
}

impl<'a> Reminder<'a> {
    pub(super) fn new(say: &'a (dyn Fn(&str) + Sync)) -> Self {
        Self { say, steps: Mutex::default(), changed: Condvar::new() }
    }

    pub(super) fn hear(&self, event: &Event<'_>) {
        self.steps().hear(event, Instant::now());
        self.changed.notify_one();
    }

    /// Reports while the work runs.
    pub(super) fn during<T>(&self, work: impl FnOnce() -> T) -> T {
        thread::scope(|scope| {
            scope.spawn(|| self.remind());
            // On drop, because the scope waits for the other thread even if the work panics.
            let _end = End(self);
            work()
        })
    }

    fn steps(&self) -> MutexGuard<'_, Steps> {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remind(&self) {
        let mut steps = self.steps();
        while !steps.is_over {
            // Printed under the lock, so that a step's last line comes after these lines.
            steps.remind(Instant::now()).iter().for_each(|text| (self.say)(text));
            let due = steps.running.values().map(|step| step.due).min();
            steps = match due {
                None => self.changed.wait(steps).unwrap_or_else(PoisonError::into_inner),
                Some(due) => {
                    let left = due.saturating_duration_since(Instant::now());
                    let waited = self.changed.wait_timeout(steps, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }
}

/// Stops the reminder when it is dropped.
struct End<'a, 'b>(&'a Reminder<'b>);

impl Drop for End<'_, '_> {
    fn drop(&mut self) {
        self.0.steps().is_over = true;
        self.0.changed.notify_one();
    }
}

impl Steps {
    fn hear(&mut self, event: &Event<'_>, now: Instant) {
        match event {
            Event::StepStarted(address, step) => {
                let (title, said) = (step.title.clone(), String::new());
                let step = RunningStep { title, said, since: now, due: now + FIRST };
                self.running.insert((*address).clone(), step);
            }
            Event::StepSays(address, line) => {
                if let Some(step) = self.running.get_mut(*address) {
                    (*line).clone_into(&mut step.said);
                }
            }
            Event::StepFinished(address, ..) | Event::StepFailed(address, ..) => {
                self.running.remove(*address);
            }
            Event::ResourceStarted(_) | Event::ResourceFinished(_) => {}
        }
    }

    /// The lines that are due.
    fn remind(&mut self, now: Instant) -> Vec<String> {
        let due = self.running.iter_mut().filter(|(_, step)| step.due <= now);
        due.map(|(address, step)| {
            step.due = now + EACH;
            report::still_running(address, &step.title, &step.said, now - step.since)
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::address::Kind;
    use crate::plan::Step;

    fn reminded(steps: &mut Steps, now: Instant) -> Vec<String> {
        steps
            .remind(now)
            .iter()
            .map(|text| anstream::adapter::strip_str(text).to_string())
            .collect()
    }

    #[test]
    fn a_step_is_recalled_when_it_takes_long_and_each_minute_then() {
        let address = Address::new(Kind::VM, "a");
        let step = Step::remove("wait", "/nosuch".into());
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut steps = Steps::default();
        steps.hear(&Event::StepStarted(&address, &step), start);
        assert_eq!(reminded(&mut steps, after(4)), [""; 0]);
        let first = reminded(&mut steps, after(5));
        assert_eq!(first, ["vm.a: wait ... still running after 5.0 s"]);
        assert_eq!(reminded(&mut steps, after(64)), [""; 0]);
        steps.hear(&Event::StepSays(&address, "half\tof it"), after(65));
        let second = reminded(&mut steps, after(65));
        assert_eq!(second, ["vm.a: wait ... still running after 1 min 5 s: half of it"]);
        steps.hear(&Event::StepFinished(&address, &step, Duration::ZERO), after(66));
        assert_eq!(reminded(&mut steps, after(600)), [""; 0]);
    }
}
