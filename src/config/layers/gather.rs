use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{EXTENDS, Rank, Sources};
use crate::config::diagnostic::Diagnostic;
use crate::config::text;
use crate::model::{clean_path, in_home};

/// The most layers of a configuration.
const MOST: usize = 64;

/// A file that is a layer without being named by another one.
#[derive(Debug, Clone)]
pub struct Root {
    /// Its path, for messages.
    pub shown: String,
    /// Its absolute path.
    pub path: PathBuf,
    /// Its content.
    pub text: String,
    /// Its rank.
    pub rank: Rank,
}

/// How files are found.
pub struct Read<'a> {
    /// The home directory.
    pub home: Option<PathBuf>,
    /// Resolves symbolic links. A path that cannot be resolved is returned unchanged.
    pub canonical: &'a dyn Fn(&Path) -> PathBuf,
    /// Reads a file; `None` if it does not exist. An error is its message.
    pub read: &'a dyn Fn(&Path) -> Result<Option<String>, String>,
}

/// Finds the layers of a file, and the errors in `extends`.
pub fn gather(file: Root, others: Vec<Root>, read: &Read<'_>) -> (Sources, Vec<Diagnostic>) {
    let mut gather = Gather {
        sources: Sources::default(),
        paths: Vec::new(),
        open: Vec::new(),
        read,
        diagnostics: Vec::new(),
    };
    let mut roots: Vec<_> =
        std::iter::once(file).chain(others).map(|root| (root.rank, gather.add(root))).collect();
    roots.sort_by_key(|(rank, _)| *rank);
    for (_, root) in roots {
        gather.visit(root);
    }
    (gather.sources, gather.diagnostics)
}

struct Gather<'a> {
    sources: Sources,
    /// The path of each layer, without symbolic links.
    paths: Vec<PathBuf>,
    /// The layers whose bases are being read, and the entries that named those.
    open: Vec<(usize, Range<usize>)>,
    read: &'a Read<'a>,
    diagnostics: Vec<Diagnostic>,
}

impl Gather<'_> {
    fn add(&mut self, Root { shown, path, text, rank }: Root) -> usize {
        self.paths.push((self.read.canonical)(&path));
        self.sources.add(shown, path, text, rank)
    }

    /// Adds the layers that a layer extends, then the layer itself.
    fn visit(&mut self, layer: usize) {
        if self.sources.order.contains(&layer) {
            return;
        }
        for (name, span) in self.extends(layer) {
            let span = self.sources.offsets(layer, span);
            self.open.push((layer, span.clone()));
            match self.base(layer, &name, &span) {
                Ok(Some(base)) => {
                    self.sources.layer_mut(layer).extends.push(base);
                    self.visit(base);
                }
                Ok(None) => {}
                Err(diagnostic) => self.diagnostics.push(diagnostic.at(span)),
            }
            self.open.pop();
        }
        self.sources.order.push(layer);
    }

    /// The layer of an entry of `extends`; `None` if it is part of a cycle, which is reported.
    fn base(
        &mut self,
        layer: usize,
        name: &str,
        span: &Range<usize>,
    ) -> Result<Option<usize>, Diagnostic> {
        text::extended_file(name).map_err(|error| Diagnostic::new(error.to_string()))?;
        let own = &self.sources.layers()[layer];
        let beside = |path: &Path| path.parent().unwrap_or(Path::new("")).join(name);
        let home = self.read.home.as_deref().and_then(|home| in_home(name, home));
        let path = home.clone().unwrap_or_else(|| beside(&own.path));
        let path = PathBuf::from(clean_path(&path.to_string_lossy()));
        let shown = home.unwrap_or_else(|| beside(Path::new(&own.shown)));
        let shown = clean_path(&shown.to_string_lossy());
        let (rank, real) = (own.rank, (self.read.canonical)(&path));
        if let Some(start) = self.open.iter().position(|(open, _)| self.paths[*open] == real) {
            self.diagnostics.push(self.cycle(start, name, span));
            return Ok(None);
        }
        if let Some(known) = self.paths.iter().position(|path| *path == real) {
            return Ok(Some(known));
        }
        if self.paths.len() >= MOST {
            return Err(Diagnostic::new(format!("more than {MOST} files are extended")));
        }
        match (self.read.read)(&path) {
            // TOML errors show lines of a file. Other files may contain passwords.
            Ok(Some(_)) if real.extension().is_none_or(|extension| extension != "toml") => {
                Err(Diagnostic::new(format!("{shown} is not a .toml file"))
                    .hint("extend only files of this format, with a name that ends in .toml"))
            }
            Ok(Some(text)) => Ok(Some(self.add(Root { shown, path, text, rank }))),
            Ok(None) if name.starts_with(['/', '~']) => {
                Err(Diagnostic::new(format!("{shown} does not exist")).hint("correct the path"))
            }
            Ok(None) => Err(Diagnostic::new(format!("{shown} does not exist"))
                .hint("correct the path: it is relative to the directory of this file")),
            Err(why) => Err(Diagnostic::new(format!("{shown} cannot be read: {why}"))),
        }
    }

    /// The error for an entry that names an open layer; `start` is its position.
    fn cycle(&self, start: usize, name: &str, span: &Range<usize>) -> Diagnostic {
        let hint = "remove one of these entries";
        let cycle = &self.open[start..];
        let shown = |layer: usize| &self.sources.layers()[layer].shown;
        let error = Diagnostic::new(match cycle {
            [_] => format!("{} extends itself", shown(cycle[0].0)),
            _ => format!("`{name}` completes a cycle of `extends`"),
        });
        let error = error.at(span.clone()).hint(hint);
        let others = cycle.iter().filter(|(_, other)| other != span);
        others.fold(error, |error, (_, place)| error.also(place.clone(), "part of the cycle"))
    }

    /// The entries of `extends`, with their places in the text of the layer.
    fn extends(&mut self, layer: usize) -> Vec<(String, Range<usize>)> {
        let text = &self.sources.layers()[layer].text;
        // Most files have no layers, and parsing is the slowest part of reading them.
        if !text.contains(EXTENDS) && !text.contains(['\\']) {
            return Vec::new();
        }
        let (table, _) = DeTable::parse_recoverable(text);
        let Some(value) = table.get_ref().get(EXTENDS) else { return Vec::new() };
        let entries: Vec<&Spanned<DeValue<'_>>> = match value.get_ref() {
            DeValue::Array(entries) => entries.iter().collect(),
            _ => vec![value],
        };
        let (mut names, mut wrong) = (Vec::new(), Vec::new());
        for entry in entries {
            match entry.get_ref().as_str() {
                Some(name) => names.push((name.to_owned(), entry.span())),
                None => wrong.push(entry.span()),
            }
        }
        for span in wrong {
            let error = Diagnostic::new("expected the path of a file, or a list of paths");
            self.diagnostics.push(error.at(self.sources.offsets(layer, span)));
        }
        names
    }
}
