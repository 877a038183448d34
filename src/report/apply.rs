//! An apply as text: a line for each step, and how it ended.

use super::palette::{ADDED, DIM, ERROR, STRONG, paint};
use super::{duration, failure, printable};
use crate::apply::{Counts, Outcome, Report};
use crate::event::Event;
use crate::plan::Operation;

/// What to print for something that happened. A step's line is begun when the step begins, and
/// ended when it ends, so that one sees what is waited for.
pub fn progress(event: &Event<'_>) -> Option<String> {
    match event {
        Event::ResourceStarted(change) => {
            Some(format!("{}\n", paint(STRONG, printable(&change.address.to_string()))))
        }
        Event::StepStarted(_, step) => Some(format!("  {} ...", printable(&step.title))),
        Event::StepFinished(_, step, took) => {
            let end = match step.operation {
                Operation::RemoveFile(_) => String::new(),
                Operation::Run(_) | Operation::Try(_) | Operation::Unpack(_) => {
                    paint(DIM, format!(" ({})", duration(*took)))
                }
            };
            Some(format!(" done{end}\n"))
        }
        Event::StepFailed(..) => Some(" failed\n".into()),
        Event::ResourceFinished(result) => match &result.outcome {
            Outcome::Unchanged | Outcome::Applied | Outcome::Cancelled => None,
            Outcome::Skipped { because } => Some(format!(
                "{} skipped: it needs {}\n",
                paint(STRONG, printable(&result.address.to_string())),
                printable(&because.to_string())
            )),
            Outcome::Failed(cause) => {
                Some(format!("{}\n", failure(&result.address.to_string(), cause)))
            }
        },
    }
}

/// The last words of a destroy.
pub fn destroyed(report: &Report) -> String {
    let Counts { applied, failed, skipped, cancelled, .. } = report.counts();
    if failed + cancelled == 0 {
        return format!("{} {applied} taken away.", paint(ADDED, "Destroyed:"));
    }
    if failed == 0 {
        return interrupted(applied, cancelled, "cai destroy");
    }
    format!(
        "{} {applied} taken away, {failed} failed, {skipped} skipped. After mending the cause, \
         `cai destroy` goes on from here.",
        paint(ERROR, "Destroy failed:")
    )
}

fn interrupted(applied: usize, cancelled: usize, command: &str) -> String {
    format!(
        "{} {applied} done, {cancelled} not finished. What was done stays; `{command}` goes on from \
         here.",
        paint(ERROR, "Interrupted:")
    )
}

/// The last words: what was done, or what to do next. `contexts` are those of the files.
pub fn finished(report: &Report, contexts: &[&str]) -> String {
    let Counts { applied, failed, skipped, cancelled, .. } = report.counts();
    if failed == 0 && cancelled > 0 {
        return interrupted(applied, cancelled, "cai apply");
    }
    if failed == 0 {
        let done = match applied {
            0 => "Nothing was left to do".to_owned(),
            _ => format!("Apply complete: {applied} changed in {}", duration(report.took)),
        };
        let done = paint(ADDED, done);
        return match contexts {
            [context] => format!("{done}. Use it: docker --context {context} ps"),
            several => format!("{done}. The Docker contexts: {}", several.join(", ")),
        };
    }
    format!(
        "{} {applied} changed, {failed} failed, {skipped} skipped. What was done stays; after \
         mending the cause, `cai apply` goes on from here.",
        paint(ERROR, "Apply failed:")
    )
}
