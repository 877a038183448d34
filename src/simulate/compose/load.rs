//! Loads a project: resolves variables, `extends` and `include`, and merges its files.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_yaml::{Mapping, Value};

use super::interpolate::{fill_in, interpolate};
use super::merge::{import, merge};
use crate::simulate::arguments::Arguments;
use crate::simulate::reply::{Call, Reply};
use crate::simulate::world::World;

/// The project that a set of files describes.
#[derive(Debug)]
pub(super) struct Project {
    pub(super) name: String,
    pub(super) directory: PathBuf,
    /// The files, separated by commas.
    pub(super) files: String,
    /// The complete document, with absolute paths.
    pub(super) document: Value,
    /// The parts that are not simulated.
    pub(super) skipped: Vec<String>,
}

/// The maximum depth of `extends` and `include`.
const DEPTH: u32 = 20;

/// Loads the project that the options of a command select.
///
/// # Errors
/// Compose's message if it refuses the project.
pub(super) fn load(world: &World, call: &Call<'_>, options: &Arguments) -> Result<Project, Reply> {
    let files: Vec<PathBuf> = options.all("-f").map(PathBuf::from).collect();
    let given = options.value("--project-directory").map(PathBuf::from);
    let directory = given.or_else(|| Some(files.first()?.parent()?.to_owned()));
    let directory = directory.unwrap_or_else(|| PathBuf::from("/"));
    let mut loader = Loader { world, call, variables: Vec::new(), skipped: Vec::new() };
    let named: Vec<PathBuf> = options.all("--env-file").map(PathBuf::from).collect();
    loader.variables = match named.as_slice() {
        [] => loader.text(&directory.join(".env")).map_or(Vec::new(), |text| variables(&text)),
        named => {
            let texts = named.iter().map(|file| loader.text(file).ok_or_else(|| missing(file)));
            let texts: Vec<String> = texts.collect::<Result<_, _>>()?;
            texts.iter().flat_map(|text| variables(text)).collect()
        }
    };
    let document = loader.files(&files, &directory, DEPTH)?;
    let variable = loader.variable("COMPOSE_PROJECT_NAME").filter(|name| !name.is_empty());
    let key = || document["name"].as_str().map(str::to_owned);
    let name = options.value("-p").map(str::to_owned).or(variable).or_else(key);
    let shown: Vec<_> = files.iter().map(|file| file.to_string_lossy()).collect();
    Ok(Project {
        name: name.unwrap_or_else(|| super::project_of(&directory)),
        files: shown.join(","),
        directory,
        document,
        skipped: loader.skipped,
    })
}

struct Loader<'a> {
    world: &'a World,
    call: &'a Call<'a>,
    variables: Vec<(String, String)>,
    skipped: Vec<String>,
}

impl Loader<'_> {
    fn text(&self, path: &Path) -> Option<String> {
        self.world.file(path).or_else(|| self.call.outside?.file(path))
    }

    /// The value of a variable. The environment takes precedence over an environment file.
    fn variable(&self, name: &str) -> Option<String> {
        let own = match name {
            "HOME" => Some(self.world.computer.home.display().to_string()),
            "USER" => Some(self.world.computer.user.clone()),
            name => self.call.outside.and_then(|outside| outside.variable(name)),
        };
        let in_file = || self.variables.iter().rev().find(|(own, _)| own == name);
        own.or_else(|| Some(in_file()?.1.clone()))
    }

    /// Merges the documents of all files in order, each with its includes.
    fn files(&mut self, files: &[PathBuf], directory: &Path, depth: u32) -> Result<Value, Reply> {
        let mut whole = Value::Mapping(Mapping::new());
        for file in files {
            for document in self.parsed(file)? {
                merge(&mut whole, self.resolved(document, directory, depth)?);
            }
        }
        Ok(whole)
    }

    /// A document with its `extends`, relative paths and `include` resolved.
    fn resolved(
        &mut self,
        mut document: Value,
        directory: &Path,
        depth: u32,
    ) -> Result<Value, Reply> {
        let names: Vec<Value> = match &document["services"] {
            Value::Mapping(services) => services.keys().cloned().collect(),
            _ => Vec::new(),
        };
        for name in names {
            let service = self.extended(&document, &name, directory, depth)?;
            document["services"][&name] = service;
        }
        let include = document.as_mapping_mut().and_then(|document| document.remove("include"));
        for entry in include.iter().filter_map(Value::as_sequence).flatten() {
            let included = self.include(entry, directory, depth)?;
            import(&mut document, included)?;
        }
        Ok(document)
    }

    /// The documents of a file, with their variables resolved.
    fn parsed(&self, file: &Path) -> Result<Vec<Value>, Reply> {
        let text = self.text(file).ok_or_else(|| missing(file))?;
        let invalid =
            |error: serde_yaml::Error| Reply::failed(15, format!("{}: {error}", file.display()));
        let parsed = |document| {
            let mut document = Value::deserialize(document).map_err(invalid)?;
            document.apply_merge().map_err(invalid)?;
            fill_in(&mut document, &|name| self.variable(name))
                .map_err(|why| Reply::failed(15, why))?;
            Ok(document)
        };
        serde_yaml::Deserializer::from_str(&text).map(parsed).collect()
    }

    /// A service merged with the service that it extends, with absolute paths.
    fn extended(
        &mut self,
        document: &Value,
        name: &Value,
        directory: &Path,
        depth: u32,
    ) -> Result<Value, Reply> {
        let mut own = document["services"].get(name).cloned().unwrap_or_default();
        absolute(&mut own, directory, &self.world.computer.home);
        let Some(extends) = own.as_mapping_mut().and_then(|own| own.remove("extends")) else {
            return Ok(own);
        };
        let refused = |why: &str| {
            let name = name.as_str().unwrap_or_default();
            Reply::failed(15, format!("cannot extend service \"{name}\": {why}"))
        };
        let depth = depth.checked_sub(1).ok_or_else(|| refused("circular reference"))?;
        let base = if extends.is_string() { &extends } else { &extends["service"] };
        let mut whole = match extends["file"].as_str() {
            None => {
                document["services"].get(base).ok_or_else(|| refused("service not found"))?;
                self.extended(document, base, directory, depth)?
            }
            Some(file) => {
                let file = directory.join(file);
                let mut other = Value::Mapping(Mapping::new());
                self.parsed(&file)?.into_iter().for_each(|document| merge(&mut other, document));
                other["services"].get(base).ok_or_else(|| refused("service not found"))?;
                let directory = file.parent().unwrap_or(directory).to_owned();
                self.extended(&other, base, &directory, depth)?
            }
        };
        merge(&mut whole, own);
        Ok(whole)
    }

    /// Includes an entry: a path, or an object with one or more paths and optionally a base
    /// directory.
    fn include(&mut self, entry: &Value, directory: &Path, depth: u32) -> Result<Value, Reply> {
        let own = if entry.is_string() { entry } else { &entry["path"] };
        let paths: Vec<&str> = match own {
            Value::Sequence(paths) => paths.iter().filter_map(Value::as_str).collect(),
            path => path.as_str().into_iter().collect(),
        };
        if let Some(remote) = paths.iter().find(|path| path.contains("://") || path.contains('@')) {
            self.skipped.push(format!("`include` of {remote}"));
            return Ok(Value::Mapping(Mapping::new()));
        }
        let circular = || Reply::failed(15, "include cycle detected");
        let depth = depth.checked_sub(1).ok_or_else(circular)?;
        let files: Vec<PathBuf> = paths.iter().map(|path| directory.join(path)).collect();
        let of_file = files.first().and_then(|file| file.parent()).unwrap_or(directory);
        let given = entry["project_directory"].as_str();
        let below = given.map_or_else(|| of_file.to_owned(), |given| directory.join(given));
        let env_file = entry["env_file"].as_str().map(|file| directory.join(file));
        let text = self.text(&env_file.unwrap_or_else(|| below.join(".env")));
        let before = self.variables.clone();
        // The project's variables take precedence.
        self.variables.splice(0..0, text.iter().flat_map(|text| variables(text)));
        let included = self.files(&files, &below, depth);
        self.variables = before;
        included
    }
}

fn missing(file: &Path) -> Reply {
    Reply::failed(14, format!("open {}: no such file or directory", file.display()))
}

/// The `NAME=VALUE` lines of an environment file.
fn variables(text: &str) -> Vec<(String, String)> {
    let line = |line: &str| {
        let line = line.trim();
        let (name, value) = line.strip_prefix("export ").unwrap_or(line).split_once('=')?;
        let value = value.trim();
        let quoted = |quote: char| value.strip_prefix(quote)?.strip_suffix(quote);
        let value = match (quoted('\''), quoted('"')) {
            (Some(value), _) => Some(value.to_owned()),
            (None, Some(value)) => interpolate(value, &|_| None),
            (None, None) => interpolate(value, &|_| None),
        };
        (!name.starts_with('#')).then_some((name.trim().to_owned(), value?))
    };
    text.lines().filter_map(line).collect()
}

/// Makes the sources of a service's mounts absolute.
fn absolute(service: &mut Value, directory: &Path, home: &Path) {
    let Some(mounts) = service.get_mut("volumes").and_then(Value::as_sequence_mut) else { return };
    let resolved = |source: &str| {
        if let Some(below) = source.strip_prefix('~') {
            let path = home.join(below.trim_start_matches('/'));
            return Some(path.display().to_string());
        }
        let is_path = source == "." || source.starts_with("./") || source.starts_with("../");
        let path: PathBuf = directory.join(source).components().collect();
        is_path.then(|| path.display().to_string())
    };
    for mount in mounts {
        if let Some((source, rest)) = mount.as_str().and_then(|it| it.split_once(':')) {
            if let Some(path) = resolved(source) {
                *mount = format!("{path}:{rest}").into();
            }
        } else if let Some(path) = mount.get("source").and_then(Value::as_str).and_then(resolved) {
            mount["source"] = path.into();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_variables_is_read_line_by_line() {
        let read = variables("# A=0\nA=1\nexport B = 'x y' \nC=\"z\"\n\nD\nE=\n");
        let shown: Vec<String> =
            read.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(shown, ["A=1", "B=x y", "C=z", "E="]);
    }
}
