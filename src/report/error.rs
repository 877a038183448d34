//! Errors: the message, its causes, the output of the tool, and a hint.

use std::error::Error;
use std::fmt::Write as _;

use super::change::is_shown;
use super::on_a_line;
use super::palette::{CHANGED, DIM, ERROR, STRONG, paint};
use super::text::inner;
use crate::config::Warning;
use crate::config::layers::Provenance;
use crate::host::{CommandError, Failure};
use crate::lima;
use crate::model::listed;
use crate::model::redact;
use crate::model::{printable, shortened};
use crate::plan::{Action, Change, Problem, Reason, Unshown};
use crate::reconcile::apply::ApplyError;
use crate::reconcile::observe::ObserveError;

/// The number of lines that are shown from the end of a stream.
const SHOWN_LINES: usize = 20;
/// The longest part of a line that is shown, in characters.
const SHOWN_LINE: usize = 2000;

/// An error with its causes, the streams of a failed command, and a hint.
pub fn error(error: &(dyn Error + 'static), hint: Option<&str>) -> String {
    let mut text = format!("{} {}", paint(ERROR, "error:"), printable(&error.to_string()));
    write_causes(&mut text, error);
    if let Some(hint) = hint {
        write_hint(&mut text, hint);
    }
    text
}

/// A failed resource, with the cause.
pub fn failure(address: &str, cause: &ApplyError) -> String {
    let mut text = format!(
        "{} {}: {}",
        paint(ERROR, "error:"),
        on_a_line(address),
        inner(&cause.to_string(), "")
    );
    write_causes(&mut text, cause);
    if let Some(hint) = hint(cause) {
        write_hint(&mut text, &hint);
    }
    text
}

pub(super) fn write_causes(text: &mut String, error: &(dyn Error + 'static)) {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(command) = command_error(error) {
            return write_streams(text, command);
        }
        next = error.source();
        if let Some(cause) = next {
            let _ = write!(text, "\n  {}", inner(&cause.to_string(), "  "));
        }
    }
}

/// A problem of a plan.
pub fn problem(address: &str, problem: &Problem) -> String {
    let mut text = format!(
        "{} {}: {}",
        paint(ERROR, "error:"),
        on_a_line(address),
        inner(&problem.to_string(), "")
    );
    write_hint(&mut text, &problem.hint());
    text
}

/// A warning about a valid file, with its place in `origin`.
pub fn warning(warning: &Warning, origin: &Provenance) -> String {
    let mut text = format!("{} {}", paint(CHANGED, "warning:"), inner(&warning.message, ""));
    if let Some(place) = origin.place(&warning.key) {
        let _ = write!(text, "\n  {}", paint(DIM, format!("in {}", on_a_line(&place.to_string()))));
    }
    write_hint(&mut text, &warning.hint);
    text
}

fn write_hint(text: &mut String, hint: &str) {
    let _ = write!(text, "\n{} {}", paint(STRONG, "help:"), inner(hint, ""));
}

/// The command error inside this error, if any.
pub(super) fn command_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a CommandError> {
    if let Some(ApplyError::Command(command)) = error.downcast_ref() {
        return Some(command);
    }
    let observe = match error.downcast_ref() {
        Some(ApplyError::Observe(observe)) => Some(observe),
        _ => error.downcast_ref(),
    };
    match observe {
        Some(ObserveError::Command(command)) => Some(command),
        _ => None,
    }
}

fn write_streams(text: &mut String, error: &CommandError) {
    let Some((stdout, stderr)) = error.streams() else {
        return;
    };
    for (name, stream) in [("stdout", stdout), ("stderr", stderr)] {
        // Secrets are removed first: a part of a secret would not be recognized.
        let stream = redact::foreign(stream);
        let lines: Vec<&str> = stream.lines().collect();
        if lines.is_empty() {
            let _ = write!(text, "\n  {}", paint(DIM, format!("{name}: (empty)")));
            continue;
        }
        let hidden = lines.len().saturating_sub(SHOWN_LINES);
        let heading = match hidden {
            0 => format!("{name}:"),
            count => format!("{name}: ({count} earlier lines omitted)"),
        };
        let _ = write!(text, "\n  {}", paint(DIM, heading));
        for line in &lines[hidden..] {
            let _ = write!(text, "\n    {}", printable(&shortened(line, SHOWN_LINE)));
        }
    }
}

pub(super) fn hint(error: &ApplyError) -> Option<String> {
    match error {
        ApplyError::Impossible(problem) => Some(problem.hint()),
        ApplyError::StillUnobservable(reasons) => Some(format!(
            "{}. If it is still starting, run cai apply again later; otherwise stop it with \
             `limactl stop -f` and run cai apply again",
            join(reasons)
        )),
        ApplyError::NotConverged(change) => Some(still_differs(change)),
        ApplyError::Archive(error) => Some(error.hint()),
        ApplyError::NotShown(Unshown::Hides(hides)) => Some(format!(
            "back up the data that you need, then run the same command with --allow-replace {}; or revert \
                 the change in the file that forces it",
            hides.vm
        )),
        ApplyError::NotShown(_) => Some("run `cai plan` to see the current plan".into()),
        ApplyError::Command(error) if took_too_long(error) => {
            let more = humantime::format_duration(error.command.timeout * 2).to_string();
            Some(format!(
                "if it needs more time, run the command again with --timeout {}",
                more.replace(' ', "")
            ))
        }
        ApplyError::Observe(error) => error.hint().map(str::to_owned),
        ApplyError::Command(_)
        | ApplyError::Remove { .. }
        | ApplyError::Write { .. }
        | ApplyError::NotReady { .. }
        | ApplyError::Interrupted => None,
    }
}

/// The remaining differences, and their reasons unless the attributes already show them.
fn still_differs(change: &Change) -> String {
    let changed = change.changed();
    let differs = match change.action {
        Action::Delete => Some("it still exists".to_owned()),
        _ if changed.is_empty() => None,
        _ => Some(format!("it still differs in {}", listed(changed))),
    };
    let reasons = change.reasons.iter().filter(|reason| !is_shown(reason));
    let parts = differs.into_iter().chain(reasons.map(ToString::to_string));
    parts.chain(["see `cai plan`".to_owned()]).collect::<Vec<_>>().join("; ")
}

/// Whether a command exceeded its time limit or gave up before it.
fn took_too_long(error: &CommandError) -> bool {
    match &error.failure {
        Failure::TimedOut { .. } => true,
        Failure::Status(output) => lima::gave_up(&output.stderr),
        _ => false,
    }
}

fn join(reasons: &[Reason]) -> String {
    reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::address::{Address, Kind};

    #[test]
    fn what_did_not_converge_is_told_without_empty_parts() {
        let address = Address::new(Kind::SOCKET_CLIENT, "manager");
        let user = |name: &str| serde_json::json!({"user": name});
        let update = || Change::between(&address, user("root"), user("mcp"));
        let refresh =
            Change { action: Action::Refresh, ..Change::between(&address, user("a"), user("a")) };
        let exposed = || Reason::SocketExposed;
        for (change, expected) in [
            (update(), "it still differs in user; see `cai plan`".to_owned()),
            (
                update().because(Reason::Differs(vec!["user".into()])),
                "it still differs in user; see `cai plan`".to_owned(),
            ),
            (
                update().because(exposed()),
                format!("it still differs in user; {}; see `cai plan`", exposed()),
            ),
            (refresh.because(exposed()), format!("{}; see `cai plan`", exposed())),
            (
                Change::delete(&address, user("a")).because(Reason::Unwanted),
                "it still exists; see `cai plan`".to_owned(),
            ),
        ] {
            assert_eq!(hint(&ApplyError::NotConverged(Box::new(change))), Some(expected));
        }
    }
}
