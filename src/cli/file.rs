//! Finds and reads `containai.toml`.

mod find;

use std::path::{Path, PathBuf};

pub(super) use self::find::{find, find_all, missing, place, within};
use super::{Global, Terminal, allow, layers, values};
use crate::cli::error::{Error, FileErrors};
use crate::config::diagnostic::{self, Diagnostic};
use crate::config::layers::Sources;
use crate::config::{self, Config, ValueSource};
use crate::host::{self, NoText, Probe};
use crate::model::digest::sha256;
use crate::model::{clean_path, in_home, redact};
use crate::plan::{Declared, SavedFile};
use crate::report::{self, on_a_line};

/// The name of the file that is found without `--file`.
pub(super) const NAME: &str = "containai.toml";

/// A file, which may have errors.
#[derive(Debug, Clone)]
pub(super) struct Source {
    /// Its path: as the user named it, or relative to the current directory.
    pub(super) path: PathBuf,
    /// Its text and those of its layers.
    sources: Sources,
    /// The errors in the names of layers.
    unfound: Vec<Diagnostic>,
}

/// A valid file.
#[derive(Debug, Clone)]
pub(super) struct ConfigFile {
    /// Its path, for messages.
    pub(super) shown: String,
    /// Its configuration.
    pub(super) config: Config,
    /// The other files whose values it takes.
    pub(super) layers: Vec<String>,
    /// Its path, and the checksums of its text and of its layers.
    pub(super) saved: SavedFile,
    source: Source,
    /// The values from outside the file that cannot be read.
    unread: Vec<Diagnostic>,
}

impl ConfigFile {
    /// Reads the values that come from programs.
    ///
    /// # Errors
    /// If a value from outside the file cannot be read. They are on the file's own lines.
    pub(super) fn complete(
        &mut self,
        probe: &dyn Probe,
        terminal: &Terminal,
    ) -> Result<(), FileErrors> {
        let mut unread = self.unread.clone();
        // Without the others, the result of the programs is not needed.
        if unread.is_empty() && !terminal.simulates() {
            let (directory, refused) = (self.directory(), allow::refused(probe, self));
            self.config.forget(&refused);
            let read = |from: &ValueSource| {
                if refused.contains(from) {
                    Err(allow::refusal(from))
                } else {
                    values::with_programs(probe, &directory, from)
                }
            };
            let resolved = config::resolve(&mut self.config, read);
            unread = resolved.err().unwrap_or_default();
        }
        terminal.hide(self.config.secrets());
        if unread.is_empty() { Ok(()) } else { Err(self.source.mistakes(&unread, terminal)) }
    }

    /// Its directory.
    pub(super) fn directory(&self) -> PathBuf {
        let file = self.config.file.as_deref().and_then(Path::parent);
        file.unwrap_or(Path::new("/")).to_owned()
    }

    /// The file and its VM, for a report.
    pub(super) fn declared(&self) -> Declared<'_> {
        Declared { file: &self.shown, layers: &self.layers, vm: self.config.vm.name.as_str() }
    }
}

/// Reads the file that the command line names, or the nearest one here or in a parent directory.
pub(super) fn load(
    probe: &dyn Probe,
    global: &Global,
    terminal: &Terminal,
) -> Result<ConfigFile, Error> {
    find(probe, global)?.ok_or_else(|| missing(global))?.parse(probe, terminal)
}

/// Reads all files that the command line names, or the nearest one here or in a parent directory.
pub(super) fn load_all(
    probe: &dyn Probe,
    global: &Global,
    terminal: &Terminal,
) -> Result<Vec<ConfigFile>, Error> {
    load_these(probe, find_all(probe, global)?, terminal)
}

/// Parses files that are planned together.
pub(super) fn load_these(
    probe: &dyn Probe,
    sources: Vec<Source>,
    terminal: &Terminal,
) -> Result<Vec<ConfigFile>, Error> {
    let mut files: Vec<ConfigFile> = Vec::new();
    let mut wrong = Vec::new();
    for source in sources {
        match source.parse(probe, terminal) {
            Ok(file) => files.push(file),
            Err(Error::Config(mistakes)) => wrong.extend(mistakes),
            Err(error) => return Err(error),
        }
    }
    if !wrong.is_empty() {
        return Err(Error::Config(wrong));
    }
    together(&mut files)?;
    Ok(files)
}

/// Merges the `[lima]` settings of files, or fails if they cannot be planned together.
pub(super) fn together(files: &mut [ConfigFile]) -> Result<(), Error> {
    let mut configs: Vec<&mut Config> = files.iter_mut().map(|file| &mut file.config).collect();
    config::together(&mut configs).map_err(|conflict| {
        let name = |file: usize| files.get(file).map(|file| file.shown.clone()).unwrap_or_default();
        let (first, second) = (name(conflict.first), name(conflict.second));
        Error::Conflict { first, second, what: conflict.what }
    })
}

/// A file that must exist.
pub(super) fn source(probe: &dyn Probe, path: PathBuf) -> Result<Source, Error> {
    let text = text(probe, &path)?;
    Source::new(probe, path, text)
}

/// The text of a file that must exist.
pub(super) fn text(probe: &dyn Probe, path: &Path) -> Result<String, Error> {
    read(probe, path)?.ok_or_else(|| absent(path.to_owned()))
}

fn absent(path: PathBuf) -> Error {
    Error::ReadFile { path, source: host::no_such_file() }
}

pub(super) fn read(probe: &dyn Probe, path: &Path) -> Result<Option<String>, Error> {
    let path = || path.to_owned();
    probe.read_file(&path()).map_err(|source| match source.downcast::<NoText>() {
        Ok(NoText { line }) => Error::NoText { path: path(), line },
        Err(source) => Error::ReadFile { path: path(), source },
    })
}

impl Source {
    /// The file with this text, and its layers.
    pub(super) fn new(probe: &dyn Probe, path: PathBuf, text: String) -> Result<Self, Error> {
        let (sources, unfound) = layers::layers(probe, &path, text)?;
        Ok(Self { path, sources, unfound })
    }

    /// The file with this text and no layers.
    pub(super) fn alone(path: PathBuf, text: &str) -> Self {
        let sources = Sources::single(&path.display().to_string(), text);
        Self { path, sources, unfound: Vec::new() }
    }

    /// Its own text.
    pub(super) fn text(&self) -> &str {
        self.sources.layers().first().map_or("", |layer| layer.text.as_str())
    }

    /// The paths of its layers, for messages.
    pub(super) fn layers(&self) -> Vec<String> {
        self.sources.others().map(|layer| on_a_line(&layer.shown).into_owned()).collect()
    }

    /// Its configuration, or all errors.
    pub(super) fn config(&self) -> Result<Config, Vec<Diagnostic>> {
        if self.unfound.is_empty() {
            config::parse_layers(&self.sources)
        } else {
            Err(self.unfound.clone())
        }
    }

    /// Its path, for messages.
    pub(super) fn shown(&self) -> String {
        on_a_line(&self.path.display().to_string()).into_owned()
    }

    /// Parses the text.
    pub(super) fn parse(
        &self,
        probe: &dyn Probe,
        terminal: &Terminal,
    ) -> Result<ConfigFile, Error> {
        match self.config() {
            Ok(config) => Ok(self.file(config, probe, terminal)),
            Err(mistakes) => Err(Error::Config(vec![self.mistakes(&mistakes, terminal)])),
        }
    }

    /// The file with this configuration, and the values from outside it, except those from programs.
    pub(super) fn file(
        &self,
        config: Config,
        probe: &dyn Probe,
        terminal: &Terminal,
    ) -> ConfigFile {
        let here = probe.current_dir().unwrap_or_default();
        let directory = here.join(self.path.parent().unwrap_or(Path::new("")));
        let home = probe.env("HOME").map(PathBuf::from);
        let mut layers = self.sources.layers().iter().map(|layer| SavedFile {
            path: layer.path.to_string_lossy().into_owned(),
            sha256: sha256(layer.text.as_bytes()),
            layers: Vec::new(),
        });
        let mut saved = layers.next().unwrap_or_default();
        saved.layers = layers.collect();
        let mut config = config.located(&directory, home.as_deref());
        config.file = Some(clean_path(&saved.path).into());
        let locations = config.vm.mounts.iter().map(|mount| mount.location.clone());
        let links = locations.filter_map(|location| {
            let path = home.as_deref().and_then(|home| in_home(&location, home));
            let path = path.unwrap_or_else(|| PathBuf::from(&location));
            let real = probe.canonical(&path).ok().filter(|real| *real != path)?;
            Some((location, real))
        });
        config.links = links.collect();
        // A simulated host does not need the real values, and CI may not have them.
        let read = |from: &ValueSource| {
            if terminal.simulates() {
                Ok(Some(values::simulated(from)))
            } else {
                values::without_programs(probe, from)
            }
        };
        let unread = config::resolve(&mut config, read).err().unwrap_or_default();
        terminal.hide(config.secrets());
        let marked = config.vm.env.iter().filter(|(_, variable)| variable.sensitive);
        terminal.hide_names(marked.map(|(name, _)| name.to_string()));
        let layers = self.layers();
        ConfigFile { shown: self.shown(), config, layers, saved, source: self.clone(), unread }
    }

    /// These errors, on the file's own lines.
    pub(super) fn mistakes(&self, mistakes: &[Diagnostic], terminal: &Terminal) -> FileErrors {
        let diagnostics = mistakes.iter();
        let diagnostics =
            diagnostics.map(|error| report::Diagnostic::of_file(error, &self.sources));
        // Secrets on a line with an error are not shown.
        let shown = self.sources.masked(redact::source);
        FileErrors {
            text: diagnostic::render(mistakes, &shown, terminal.colors_errors()),
            diagnostics: diagnostics.collect(),
        }
    }
}
