//! The engine that `cai doctor` checks, or why the file does not name one.

use super::file::{self, ConfigFile, Source};
use super::{Global, Terminal};
use crate::cli::error::Error;
use crate::config::{self, Config};
use crate::doctor::{self, Finding, Unpinned};
use crate::host::Host;
use crate::model::printable;

/// The engine to check: that of the file, or the default one if the file does not exist.
pub(super) struct Patient {
    pub(super) file: ConfigFile,
    is_declared: bool,
    /// What the file does not pin.
    pub(super) unpinned: Vec<Unpinned>,
}

impl Patient {
    pub(super) fn shown(&self) -> Option<&str> {
        self.is_declared.then_some(self.file.shown.as_str())
    }

    pub(super) fn is_declared(&self) -> bool {
        self.is_declared
    }
}

/// A file that is invalid or unreadable.
pub(super) struct Invalid {
    /// Its path, for messages.
    pub(super) shown: String,
    /// The problem as a finding; `error` has the same problem as text.
    pub(super) finding: Finding,
    /// Its most likely meaning, for a report; `None` if the VM's name is unknown.
    pub(super) config: Option<Config>,
    pub(super) error: Error,
}

/// Reads the file.
///
/// # Errors
/// If it cannot be searched for.
pub(super) fn open(
    host: &dyn Host,
    global: &Global,
    terminal: &Terminal,
) -> Result<Result<Patient, Box<Invalid>>, Error> {
    let found = match file::find(host, global) {
        Ok(None) if !global.files.is_empty() => Err(file::missing(global)),
        found => found,
    };
    let found = match found {
        Ok(found) => found,
        Err(error) => return unreadable(error).map(Err),
    };
    let is_declared = found.is_some();
    let source = match found {
        Some(source) => source,
        None => Source::new(host, file::place(global), "version = 1\n".into())?,
    };
    let (mistakes, config, error) = match source.parse(host, terminal) {
        Ok(mut file) => match file.complete(host, terminal) {
            Ok(()) => {
                file.config.ignores_record = !is_declared;
                let unpinned =
                    if is_declared { doctor::unpinned(&file.config) } else { Vec::new() };
                return Ok(Ok(Patient { file, is_declared, unpinned }));
            }
            Err(unread) => {
                let mistakes = unread.diagnostics.iter().map(|it| it.summary.clone());
                (mistakes.collect(), Some(file.config), Error::Config(vec![unread]))
            }
        },
        Err(error) => {
            let mistakes = source.config().err().unwrap_or_default();
            let mistakes = mistakes.into_iter().map(|mistake| mistake.message);
            (mistakes.collect(), guessed(source.text()), error)
        }
    };
    let shown = source.shown();
    let finding = doctor::invalid_file(&shown, mistakes);
    Ok(Err(Invalid { shown, finding, config, error }.into()))
}

/// The result for a file that cannot be read as text.
fn unreadable(error: Error) -> Result<Box<Invalid>, Error> {
    let (path, why) = match &error {
        Error::ReadFile { path, source } => (path, source.to_string()),
        Error::NoText { path, line } => (path, format!("line {line} is not UTF-8")),
        _ => return Err(error),
    };
    let shown = printable(&path.display().to_string()).into_owned();
    let finding = doctor::unreadable_file(&shown, why);
    Ok(Invalid { shown, finding, config: None, error }.into())
}

/// The default configuration with the VM name of this invalid text. `None` if the name may be in a
/// part that cannot be parsed.
fn guessed(text: &str) -> Option<Config> {
    let (table, errors) = toml::de::DeTable::parse_recoverable(text);
    let name =
        table.get_ref().get("vm").and_then(|vm| vm.get_ref().get("name")?.get_ref().as_str());
    let line = match name {
        Some(name) => format!("name = {}\n", toml::Value::from(name)),
        None if errors.is_empty() => String::new(),
        None => return None,
    };
    config::parse(&format!("version = 1\n[vm]\n{line}")).ok()
}
