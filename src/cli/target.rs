//! What `cai doctor` looks at, or why its file gives it nothing to go by.

use super::file::{self, File, Source};
use super::{Global, Terminal};
use crate::cli::error::Error;
use crate::config::{self, Config};
use crate::doctor::{self, Finding};
use crate::host::Host;
use crate::model::printable;

/// What is looked at: the engine of a file, or the one of a file without a line.
pub(super) struct Patient {
    pub(super) file: File,
    is_declared: bool,
}

impl Patient {
    pub(super) fn shown(&self) -> Option<&str> {
        self.is_declared.then_some(self.file.shown.as_str())
    }

    pub(super) fn is_declared(&self) -> bool {
        self.is_declared
    }
}

/// A file that is wrong, or cannot be read.
pub(super) struct Invalid {
    /// How to call it.
    pub(super) shown: String,
    /// The same for a program, and for a person.
    pub(super) finding: Finding,
    /// What it most probably says of its VM, for a report; `None` where even its name is not known.
    pub(super) config: Option<Config>,
    pub(super) error: Error,
}

/// Reads the file.
///
/// # Errors
/// When it cannot even be looked for.
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
    let source =
        found.unwrap_or_else(|| Source { path: file::place(global), text: "version = 1\n".into() });
    let (mistakes, config, error) = match source.parse(host, terminal) {
        Ok(file) => match file.needs_variables() {
            Ok(()) => {
                let mut file = file;
                file.config.ignores_record = !is_declared;
                return Ok(Ok(Patient { file, is_declared }));
            }
            Err(error) => {
                let mistakes = file.config.without_value();
                let mistakes = mistakes.map(|name| format!("{name} gives the file no value"));
                (mistakes.collect(), Some(file.config.clone()), error)
            }
        },
        Err(error) => {
            let mistakes = config::parse(&source.text).err().unwrap_or_default();
            let mistakes = mistakes.into_iter().map(|mistake| mistake.message);
            (mistakes.collect(), guessed(&source.text), error)
        }
    };
    let shown = source.shown();
    let finding = doctor::invalid_file(&shown, mistakes);
    Ok(Err(Invalid { shown, finding, config, error }.into()))
}

/// Why there is no text to look into.
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

/// What a file says that names the same VM as this text does, as far as it can be read. A name that
/// may stand where nothing can be read is not known.
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
