//! What could not be looked at.

use crate::model::redact;
use crate::model::shortened;
use crate::plan::{Code, Finding};
use crate::reconcile::observe::ObserveError;
use crate::resource::LimaInstall;

/// What to do about what has no remedy of its own.
const UNKNOWN: &str = "mend what the finding names, then run `cai doctor` again";

/// The finding of a machine that could not be looked at.
pub fn unobservable(error: &ObserveError) -> Finding {
    match error {
        ObserveError::Command(error) => {
            let streams = error.streams().unwrap_or_default();
            let words = |stream: &str| {
                let lines = stream.lines().rev().take(20).map(|line| shortened(line, 500));
                let lines: Vec<_> = lines.collect();
                lines.into_iter().rev().collect::<Vec<_>>().join("\n")
            };
            Finding::new(Code::LimaFailed, LimaInstall::own_address())
                .saw("command", error.command.to_string())
                .saw("ended", error.failure.to_string())
                .saw("stdout", words(&redact::foreign(streams.0)))
                .saw("stderr", words(&redact::foreign(streams.1)))
                .because(error.in_a_line())
                .so("whether there is a VM, and how it is, cannot be told")
                .by_hand(format!("run `{}` by hand, and mend what it says", error.command))
        }
        other => {
            let causes = std::iter::successors(std::error::Error::source(other), |it| it.source());
            let causes: Vec<String> = causes.map(ToString::to_string).collect();
            Finding::new(Code::Unobservable, None)
                .saw("causes", causes.clone())
                .because([&[other.to_string()], causes.as_slice()].concat().join(": "))
                .so("nothing else could be looked at")
                .by_hand(other.hint().unwrap_or(UNKNOWN))
        }
    }
}

/// The finding of a wrong file.
pub fn invalid_file(file: &str, mistakes: Vec<String>) -> Finding {
    let count = match mistakes.len() {
        1 => "a mistake".to_owned(),
        count => format!("{count} mistakes"),
    };
    Finding::new(Code::ConfigInvalid, None)
        .saw("file", file)
        .saw("mistakes", mistakes)
        .because(format!("{file} has {count}"))
        .so("nothing was looked at")
        .by_hand("mend the file; `cai validate` shows each mistake on its line")
}

/// A file that is not there, or whose text cannot be had.
pub fn unreadable_file(file: &str, why: String) -> Finding {
    Finding::new(Code::ConfigInvalid, None)
        .saw("file", file)
        .saw("mistakes", vec![why])
        .because(format!("{file} could not be read"))
        .so("nothing was looked at")
        .by_hand("make it a text that you can read, or name another file with --file")
}
