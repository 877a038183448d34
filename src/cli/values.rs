//! Reads the values of a file that come from outside it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::{Unread, ValueSource, of_environment};
use crate::host::{CommandSpec, Probe};

/// The time limit of a program: a password manager may wait for a fingerprint.
const TIMEOUT: Duration = Duration::from_secs(2 * 60);

/// A value from the environment or a file. The programs of a file run only if a plan needs their output.
pub(super) fn without_programs(
    probe: &dyn Probe,
    from: &ValueSource,
) -> Result<Option<String>, Unread> {
    match from {
        ValueSource::Env(name) => of_environment(name.as_str(), probe.env(name.as_str())).map(Some),
        ValueSource::File(path) => match probe.read_file(Path::new(path)) {
            Ok(Some(text)) => value(&text, from).map(Some),
            Ok(None) => Err((
                format!("the file {path} does not exist"),
                "create it, or correct its path, which is relative to this file",
            )),
            Err(why) => Err((
                format!("the file {path} cannot be read: {why}"),
                "check its permissions; it must be UTF-8 text",
            )),
        },
        ValueSource::Command(_) => Ok(None),
    }
}

/// The same, and the output of programs, which run in the directory of the file.
pub(super) fn with_programs(
    probe: &dyn Probe,
    directory: &Path,
    from: &ValueSource,
) -> Result<Option<String>, Unread> {
    let ValueSource::Command(words) = from else { return without_programs(probe, from) };
    let (name, arguments) = words.split_first().map_or(("", &[][..]), |(name, rest)| (name, rest));
    let program =
        if name.contains('/') { Some(PathBuf::from(name)) } else { probe.find_program(name) };
    let Some(program) = program else {
        let hint = "install it, or write its path; cai uses no shell";
        return Err((format!("the program {name} is not on PATH"), hint));
    };
    let command = CommandSpec::new(program).args(arguments).timeout(TIMEOUT).directory(directory);
    let hint = "run it in a terminal, for example to sign in, and then run cai again";
    // The arguments may be secret, and so may standard output.
    let output = probe
        .query(&command)
        .map_err(|why| (format!("the command {name} failed: {}", why.failure), hint))?;
    if output.status.success() {
        return value(&output.stdout, from).map(Some);
    }
    let said = output.stderr.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
    let said = if said.is_empty() { String::new() } else { format!(": {}", said.trim()) };
    Err((format!("the command {name} {}{said}", output.status.failed()), hint))
}

/// The value on a simulated host.
pub(super) fn simulated(from: &ValueSource) -> String {
    match from {
        ValueSource::Env(name) => format!("simulated {name}"),
        ValueSource::File(_) | ValueSource::Command(_) => "simulated-secret".to_owned(),
    }
}

/// The value in a text, which may end with a line break.
fn value(text: &str, from: &ValueSource) -> Result<String, Unread> {
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    let rule = "a value is a single line of plain text";
    if text.is_empty() {
        return Err((format!("the value of {from} is empty"), rule));
    }
    if text.contains('\u{fffd}') {
        return Err((format!("the value of {from} is not UTF-8"), rule));
    }
    Ok(text.to_owned())
}
