//! The output of an apply: one line per step, and a summary.

use std::time::Duration;

use anstream::adapter::strip_str;
use console::{measure_text_width, truncate_str};

use super::palette::{ADDED, DIM, ERROR, STRONG, paint};
use super::{failure, on_a_line};
use crate::lima;
use crate::model::address::Address;
use crate::model::{duration, printable};
use crate::plan::{Counts, StepAction};
use crate::reconcile::apply::event::Event;
use crate::reconcile::apply::{ApplyError, Outcome, Outcomes, Report};
use crate::resource::Power;

/// The output for an event, in complete lines. Each line names its resource, because several
/// resources change at the same time.
pub fn progress(event: &Event<'_>) -> Option<String> {
    match event {
        Event::ResourceStarted(_) | Event::StepStarted(..) | Event::StepSays(..) => None,
        Event::StepFinished(address, step, took) => {
            let end = match step.operation {
                StepAction::RemoveFile(_) | StepAction::WriteFile { .. } => String::new(),
                StepAction::Run(_)
                | StepAction::Try(_)
                | StepAction::Unpack(_)
                | StepAction::Await(_) => paint(DIM, format!(" ({})", duration(*took))),
            };
            Some(format!("{} ... done{end}", doing(address, &step.title)))
        }
        Event::StepFailed(address, step, error) => {
            let end = match error {
                ApplyError::Interrupted => "interrupted",
                _ => "failed",
            };
            Some(format!("{} ... {}", doing(address, &step.title), paint(ERROR, end)))
        }
        Event::ResourceFinished(result) => match &result.outcome {
            Outcome::Unchanged | Outcome::Applied | Outcome::Cancelled => None,
            Outcome::Skipped { because } => Some(format!(
                "{} skipped: {} was not applied",
                paint(STRONG, on_a_line(&result.address.to_string())),
                on_a_line(&because.to_string())
            )),
            Outcome::Failed(cause) => Some(failure(&result.address.to_string(), cause)),
        },
    }
}

/// A reminder of a long-running step, with the last output of its command.
pub fn still_running(address: &Address, title: &str, said: &str, took: Duration) -> String {
    let said = one_line(said);
    let separator = if said.is_empty() { "" } else { ": " };
    let end = format!("still running after {}{separator}{said}", duration(took));
    format!("{} ... {}", doing(address, title), paint(DIM, end))
}

/// The current step of a resource, its duration, and the last output of its command, in one line of
/// at most this many columns.
pub fn running(
    address: &Address,
    title: &str,
    said: &str,
    took: Duration,
    columns: usize,
) -> String {
    const GAP: &str = "  ";
    // Tenths of a second would flicker.
    let clock = match took.as_secs() {
        seconds @ 0..10 => format!(" ({seconds} s)"),
        seconds => format!(" ({})", duration(Duration::from_secs(seconds))),
    };
    let said = one_line(said);
    let room = columns.saturating_sub(measure_text_width(&clock));
    // Each side gets half of the line, plus the unused space of the other.
    let for_said = if said.is_empty() { 0 } else { GAP.len() + measure_text_width(&said) };
    let doing = doing(address, title);
    let doing = truncate_str(&doing, room.saturating_sub(for_said).max(room / 2), "…");
    let left = room.saturating_sub(measure_text_width(&doing) + GAP.len());
    let line = format!("{doing}{}", paint(DIM, clock));
    let line = match truncate_str(&said, left, "…") {
        said if said.is_empty() || left == 0 => line,
        said => format!("{line}{GAP}{}", paint(DIM, said)),
    };
    // The terminal may be too narrow even for the clock.
    truncate_str(&line, columns, "…").into_owned()
}

fn doing(address: &Address, title: &str) -> String {
    format!("{}: {}", paint(STRONG, on_a_line(&address.to_string())), on_a_line(title))
}

/// The output of a tool without colors and control characters.
fn one_line(said: &str) -> String {
    let message = lima::message(said);
    let plain = strip_str(&message).to_string();
    let words: Vec<&str> = plain.split_whitespace().collect();
    printable(&words.join(" ")).into_owned()
}

/// The summary of a destroy.
pub fn destroyed(report: &Report) -> String {
    let Outcomes { applied, failed, skipped, cancelled, .. } = report.outcomes();
    if failed + cancelled == 0 {
        return format!("{} {applied} destroyed.", paint(ADDED, "Destroy complete:"));
    }
    if failed == 0 {
        return interrupted(applied, cancelled, "cai destroy");
    }
    format!(
        "{} {applied} destroyed, {failed} failed, {skipped} skipped. Completed steps are kept. Fix \
         the cause and run cai destroy again.",
        paint(ERROR, "Destroy failed:")
    )
}

/// The summary of a start, stop or restart.
pub fn powered(report: &Report, vm: &str, power: Power) -> String {
    let (word, done) = match power {
        Power::Start => ("start", "running"),
        Power::Stop => ("stop", "stopped"),
        Power::Restart => ("restart", "running again"),
    };
    let Outcomes { applied, failed, cancelled, .. } = report.outcomes();
    if failed > 0 {
        let head = paint(ERROR, "Failed.");
        return format!("{head} Fix the cause and run cai {word} again.");
    }
    if cancelled > 0 {
        return interrupted(applied, cancelled, &format!("cai {word}"));
    }
    let vm = paint(STRONG, on_a_line(vm));
    if applied == 0 {
        return format!("{vm} is already {done}.");
    }
    format!("{vm} is {done} ({}).", duration(report.took))
}

fn interrupted(applied: usize, cancelled: usize, command: &str) -> String {
    format!(
        "{} {applied} done, {cancelled} not finished. Completed steps are kept. Run {command} to \
         finish.",
        paint(ERROR, "Interrupted:")
    )
}

/// The summary: the result, or the next action. `contexts` are usable now.
pub fn finished(report: &Report, contexts: &[&str]) -> String {
    let Outcomes { applied, failed, skipped, cancelled, .. } = report.outcomes();
    if failed == 0 && cancelled > 0 {
        return interrupted(applied, cancelled, "cai apply");
    }
    if failed == 0 {
        let done = if applied == 0 {
            "No changes".to_owned()
        } else {
            let Counts { add, change, destroy, .. } = report.counts();
            let took = duration(report.took);
            format!("Apply complete: {add} added, {change} changed, {destroy} destroyed ({took})")
        };
        let done = paint(ADDED, done);
        return match contexts {
            [] => format!("{done}."),
            [context] => format!("{done}. To use it, run: docker --context {context} ps"),
            several => format!("{done}. Docker contexts: {}", several.join(", ")),
        };
    }
    format!(
        "{} {applied} changed, {failed} failed, {skipped} skipped{}. Completed steps are kept. Fix \
         the cause and run cai apply again.",
        paint(ERROR, "Apply failed:"),
        if cancelled == 0 { String::new() } else { format!(", {cancelled} not finished") }
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::address::Kind;

    const TITLE: &str = "start the VM, and wait for Docker in it";

    fn shown(said: &str, seconds: u64, columns: usize) -> String {
        let address = Address::new(Kind::VM, "containai-secure");
        let line = running(&address, TITLE, said, Duration::from_secs(seconds), columns);
        let plain = strip_str(&line).to_string();
        assert!(measure_text_width(&plain) <= columns, "{columns} columns: {plain:?}");
        assert!(!plain.contains(char::is_control), "{plain:?}");
        plain
    }

    #[test]
    fn what_runs_is_one_line_that_fits() {
        assert_eq!(
            shown("", 3, 78),
            "vm.containai-secure: start the VM, and wait for Docker in it (3 s)"
        );
        assert_eq!(
            shown("READY", 65, 80),
            "vm.containai-secure: start the VM, and wait for Docker in it (1 min 5 s)  READY"
        );
        let log = r#"time="2026-11-21T02:21:42Z" level=info msg="[hostagent] Waiting for the essential \
                     requirement 1 of 3: \"ssh\"""#;
        assert_eq!(
            shown(log, 12, 78),
            "vm.containai-secure: start the VM,… (12 s)  [hostagent] Waiting for the essen…"
        );
        for columns in 1..100 {
            for said in [
                "",
                "ok",
                log,
                "仮想マシンを起動しています、しばらくお待ちください",
                "\u{1b}[31mred\u{1b}[0m\tand\u{7}more",
            ] {
                shown(said, 12, columns);
            }
        }
    }

    #[test]
    fn what_a_tool_says_cannot_move_the_cursor() {
        assert_eq!(one_line("\u{1b}[2J\u{1b}[31mred\u{1b}[0m\t and\r\nmore\n"), "red and more");
        assert_eq!(one_line("a\u{7}\u{202e}b"), "a\\u{202e}b");
        assert_eq!(one_line(r#"time="t" level=info msg="\x1b[2Jx\ny""#), "x y");
    }
}
