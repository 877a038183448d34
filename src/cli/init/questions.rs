//! The questions of `cai init`. Without a terminal, each has its default.

use std::path::Path;

use super::{InitAnswers, given, project};
use crate::cli::Global;
use crate::cli::error::Error;
use crate::cli::terminal::{Answer, Terminal};
use crate::host::Host;
use crate::model::{ByteSize, VmName};

/// The answer that mounts nothing.
const NONE: &str = "none";

/// Fills in the answers. An empty answer is the default in brackets.
pub(super) fn ask(
    host: &dyn Host,
    global: &Global,
    file: &Path,
    answers: &mut InitAnswers,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    let name = until_valid(terminal, "Name of the VM", "containai-secure", |text| {
        text.parse::<VmName>().map_err(|error| error.to_string())
    })?;
    answers.name = name;
    let cpus = until_valid(terminal, "CPUs", "Lima's default", |text| {
        let cpus = text.parse::<u32>().ok().filter(|cpus| *cpus > 0);
        cpus.ok_or_else(|| "not a number of CPUs".to_owned())
    })?;
    answers.cpus = cpus;
    let memory = until_valid(terminal, "Memory", "Lima's default", |text| {
        text.parse::<ByteSize>().map(|size| size.to_string()).map_err(|error| error.to_string())
    })?;
    answers.memory = memory;
    if answers.mounts.is_some() {
        return Ok(());
    }
    let default = project(host, file);
    let default = default.as_deref().unwrap_or(NONE);
    let question = "Directory that containers can access (DIR, or DIR:ro for read-only)";
    let directory = until_valid(terminal, question, default, |text| {
        if text == NONE {
            return Ok(None);
        }
        given(host, global, text)
            .map_err(|error| match &error {
                Error::Directory { source, .. } => format!("{error}: {source}"),
                other => other.to_string(),
            })
            .map(Some)
    })?;
    answers.mounts = directory.map(|directory| directory.into_iter().collect());
    Ok(())
}

/// Asks until the answer is valid. `None` for the default, and without a terminal.
fn until_valid<T>(
    terminal: &mut Terminal,
    question: &str,
    default: &str,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<Option<T>, Error> {
    loop {
        let answer = match terminal.prompt(&format!("{question} [{default}]:")) {
            Answer::Given(answer) => answer,
            Answer::Impossible => return Ok(None),
            Answer::End => {
                return Err(Error::Refused {
                    why: "nothing was written: the input ended before the last answer".into(),
                    hint: "run `cai init` again; `cai init --yes` uses the defaults".into(),
                });
            }
        };
        if answer.is_empty() {
            return Ok(None);
        }
        match parse(&answer) {
            Ok(value) => return Ok(Some(value)),
            Err(why) => terminal.complain(&format!("{answer}: {why}")),
        }
    }
}
