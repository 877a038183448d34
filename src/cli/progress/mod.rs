//! Reports the progress of an apply on stderr: complete lines, and on a terminal also the current
//! step of each resource.
//!
//! Events from several threads go to one terminal.

mod reminder;
mod spinners;
mod stream;

use std::sync::{Mutex, PoisonError};

use super::Terminal;
use crate::host::{GracefulInterrupt, Host};
use crate::reconcile::apply::event::{Event, Listener};
use crate::report::{self, Line};
use reminder::Reminder;
use spinners::Spinners;
use stream::Stream;

/// The message at the first interrupt.
const INTERRUPTED: &str =
    "Interrupted. Finishing the current step; press Ctrl-C again to stop now.";

/// While the returned value exists, the first interrupt lets the current step finish, and the
/// second one stops that step.
pub(super) fn patience(host: &dyn Host, terminal: &Terminal) -> GracefulInterrupt {
    let aside = terminal.aside();
    host.patiently(Box::new(move || aside(INTERRUPTED)))
}

/// Reports the events of `work` while it runs. The first interrupt lets the current step finish.
pub(super) fn tell<T>(
    host: &dyn Host,
    terminal: &mut Terminal,
    work: impl FnOnce(Listener<'_>) -> T,
) -> T {
    let is_quiet = terminal.is_quiet();
    let spinners = if is_quiet { None } else { Spinners::on(terminal) };
    let aside = terminal.aside();
    let above = spinners.as_ref().map(Spinners::above);
    let _patience = host.patiently(Box::new(move || match &above {
        Some(above) => above.suspend(|| aside(INTERRUPTED)),
        None => aside(INTERRUPTED),
    }));
    let hidden = terminal.hidden();
    let stream = terminal.streams().then(Stream::default);
    let terminal = Mutex::new(terminal);
    let say = |text: &str| terminal.lock().unwrap_or_else(PoisonError::into_inner).report(text);
    // Before the line is cut to the terminal's width: half a secret could not be recognized.
    let clean = |event: &Event<'_>, hear: &dyn Fn(&Event<'_>)| match event {
        Event::StepSays(address, line) => hear(&Event::StepSays(address, &hidden.said(line))),
        event => hear(event),
    };
    let say_of = |event: &Event<'_>| {
        if let Some(text) = report::progress(event) {
            say(&text);
        }
    };
    let line_of = |event: &Event<'_>| {
        let print = |line: Line<'_>| {
            terminal.lock().unwrap_or_else(PoisonError::into_inner).lines([line]);
        };
        let hear = |stream: &Stream| clean(event, &|event| stream.hear(event, &print));
        stream.iter().for_each(hear);
    };
    if is_quiet {
        return work(&|event| {
            line_of(event);
            if event.is_failure() {
                say_of(event);
            }
        });
    }
    if let Some(spinners) = spinners {
        return work(&|event| {
            clean(event, &|event| spinners.hear(event));
            spinners.aside(|| {
                line_of(event);
                say_of(event);
            });
        });
    }
    let reminder = Reminder::new(&say);
    reminder.during(|| {
        work(&|event| {
            clean(event, &|event| reminder.hear(event));
            line_of(event);
            say_of(event);
        })
    })
}
