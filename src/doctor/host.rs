//! Findings about things that could not be read.

use crate::model::redact;
use crate::model::shortened;
use crate::plan::{Code, Finding};
use crate::reconcile::observe::ObserveError;
use crate::resource::LimaInstall;

/// The remedy if there is none of its own.
const UNKNOWN: &str = "fix the problem above, then run `cai doctor` again";

/// The finding about a machine that could not be observed.
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
                .so("the state of the VM is unknown")
                .by_hand(format!("run `{}` yourself and fix what it reports", error.command))
        }
        other => {
            let causes = std::iter::successors(std::error::Error::source(other), |it| it.source());
            let causes: Vec<String> = causes.map(ToString::to_string).collect();
            Finding::new(Code::Unobservable, None)
                .saw("causes", causes.clone())
                .because([&[other.to_string()], causes.as_slice()].concat().join(": "))
                .so("nothing else could be checked")
                .by_hand(other.hint().unwrap_or(UNKNOWN))
        }
    }
}

/// The finding about a file with errors.
pub fn invalid_file(file: &str, mistakes: Vec<String>) -> Finding {
    let count = match mistakes.len() {
        1 => "an error".to_owned(),
        count => format!("{count} errors"),
    };
    Finding::new(Code::ConfigInvalid, None)
        .saw("file", file)
        .saw("mistakes", mistakes)
        .because(format!("{file} has {count}"))
        .so("nothing was checked")
        .by_hand("fix the file; `cai validate` shows each error with its line")
}

/// The finding about a file that does not exist or cannot be read.
pub fn unreadable_file(file: &str, why: String) -> Finding {
    Finding::new(Code::ConfigInvalid, None)
        .saw("file", file)
        .saw("mistakes", vec![why])
        .because(format!("{file} could not be read"))
        .so("nothing was checked")
        .by_hand("make it a readable text file, or name another file with --file")
}
