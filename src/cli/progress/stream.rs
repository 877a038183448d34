//! With `--json`, one line for each event.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::model::address::Address;
use crate::plan::Action;
use crate::reconcile::apply::event::Event;
use crate::report::{Hook, Line, StepStatus};

/// The resources that are being changed.
#[derive(Default)]
pub(super) struct Stream {
    running: Mutex<BTreeMap<Address, RunningResource>>,
}

/// A resource, and its current step.
struct RunningResource {
    action: Action,
    since: Instant,
    step: String,
}

impl Stream {
    /// Passes the lines of an event to `print`.
    pub(super) fn hear(&self, event: &Event<'_>, print: &dyn Fn(Line<'_>)) {
        match event {
            Event::ResourceStarted(change) => {
                let (action, since) = (change.action, Instant::now());
                let running = RunningResource { action, since, step: String::new() };
                self.running().insert(change.address.clone(), running);
                print(Line::started(Hook::new(&change.address, action, Duration::ZERO)));
            }
            Event::StepStarted(address, step) => {
                self.progress(address, |running| {
                    running.step.clone_from(&step.title);
                    running.line(address, StepStatus::Started, None, print);
                });
            }
            Event::StepSays(address, output) => {
                self.progress(address, |running| {
                    running.line(address, StepStatus::Running, Some(output), print);
                });
            }
            Event::StepFinished(address, ..) => {
                self.progress(address, |running| {
                    running.line(address, StepStatus::Finished, None, print);
                });
            }
            // The end of the resource has the error.
            Event::StepFailed(..) => {}
            Event::ResourceFinished(result) => {
                self.running().remove(&result.address);
                Line::resource_finished(result).into_iter().for_each(print);
            }
        }
    }

    fn progress(&self, address: &Address, change: impl FnOnce(&mut RunningResource)) {
        if let Some(running) = self.running().get_mut(address) {
            change(running);
        }
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<Address, RunningResource>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RunningResource {
    fn line(
        &self,
        address: &Address,
        status: StepStatus,
        output: Option<&str>,
        print: &dyn Fn(Line<'_>),
    ) {
        let mut hook = Hook::new(address, self.action, self.since.elapsed());
        hook.step = Some(&self.step);
        hook.status = Some(status);
        hook.output = output;
        print(Line::progress(hook));
    }
}
