//! Files and variables of this machine that a plan depends on.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::ObserveError;
use crate::config::Config;
use crate::docker::{self, ContextMetadata};
use crate::host::{self, Probe};
use crate::lima::{self, Meaning, Ssh, UserFile};
use crate::model::digest::sha256;
use crate::model::{ContextName, VmName};
use crate::resource::facts::HostFile;
use crate::resource::record::Record;

/// The name of the user's current Docker context; `None` for `default`.
///
/// # Errors
/// When Docker's configuration cannot be read.
pub fn current_context(probe: &dyn Probe) -> Result<Option<String>, ObserveError> {
    let path = home_of(probe, "DOCKER_CONFIG", ".docker")?.join("config.json");
    let Some(text) = read(probe, &path)? else {
        return Ok(None);
    };
    docker::current_context(&text)
        .map_err(|source| ObserveError::Content { path, source: source.into() })
}

/// The directory of Lima's instances.
///
/// # Errors
/// When it is not known.
pub fn lima_home(probe: &dyn Probe) -> Result<PathBuf, ObserveError> {
    home_of(probe, "LIMA_HOME", ".lima")
}

/// The engine's socket on this machine.
///
/// # Errors
/// When the directory of Lima's instances is not known, or the VM's YAML cannot be read.
pub fn engine_socket(probe: &dyn Probe, config: &Config) -> Result<PathBuf, ObserveError> {
    let directory = lima_home(probe)?.join(config.vm.name.as_str());
    if !config.vm.adopted {
        return Ok(Ssh::docker_socket(&directory));
    }
    let text = read(probe, &directory.join("lima.yaml"))?;
    let yaml: Option<Map<String, Value>> = text.and_then(|text| serde_yaml::from_str(&text).ok());
    let home = path_variable(probe, "HOME")?;
    let own = yaml.and_then(|yaml| forwarded(config, &yaml, &directory, home.as_deref()));
    Ok(own.unwrap_or_else(|| Ssh::docker_socket(&directory)))
}

/// The socket to which a VM forwards dockerd's itself, if the file adopts it. Other tools, such as Colima, would
/// remove another forward.
pub(super) fn forwarded(
    config: &Config,
    yaml: &Map<String, Value>,
    directory: &Path,
    home: Option<&Path>,
) -> Option<PathBuf> {
    let meaning = Meaning { directory, home, defaults: true };
    config.vm.adopted.then(|| lima::engine_socket(yaml, &meaning))?
}

/// The user's files that Lima merges into every instance, if they exist.
pub(super) fn lima_files(
    probe: &dyn Probe,
    lima_home: &Path,
) -> Result<Vec<UserFile>, ObserveError> {
    let mut files = Vec::new();
    for (name, wins) in UserFile::ALL {
        let path = lima_home.join(name);
        let Some(text) = read(probe, &path)? else { continue };
        // A file with only comments is empty.
        let keys: Option<_> = serde_yaml::from_str(&text).map_err(|source| {
            ObserveError::Content { path: path.clone(), source: source.into() }
        })?;
        files.push(UserFile { path, wins, keys: keys.unwrap_or_default() });
    }
    Ok(files)
}

/// The directory from a variable, or else a directory in the user's home.
pub(super) fn home_of(
    probe: &dyn Probe,
    variable: &'static str,
    otherwise: &str,
) -> Result<PathBuf, ObserveError> {
    if let Some(path) = path_variable(probe, variable)? {
        return Ok(path);
    }
    Ok(home(probe)?.join(otherwise))
}

fn home(probe: &dyn Probe) -> Result<PathBuf, ObserveError> {
    path_variable(probe, "HOME")?.ok_or(ObserveError::NoHome)
}

/// The directory of `cai`'s Lima releases.
pub(super) fn lima_releases(probe: &dyn Probe) -> Result<PathBuf, ObserveError> {
    Ok(own_directory(probe, "XDG_DATA_HOME", ".local/share")?.join("lima"))
}

/// The directory of `cai`'s state: its locks and the simulated host.
///
/// # Errors
/// When it is not known.
pub fn state_directory(probe: &dyn Probe) -> Result<PathBuf, ObserveError> {
    own_directory(probe, "XDG_STATE_HOME", ".local/state")
}

/// The directory of `cai` in one of the user's XDG base directories. According to their
/// specification, a relative path in the variable is ignored.
fn own_directory(
    probe: &dyn Probe,
    variable: &'static str,
    otherwise: &str,
) -> Result<PathBuf, ObserveError> {
    let base = probe.env(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = match base {
        Some(base) => base,
        None => home(probe)?.join(otherwise),
    };
    Ok(base.join("cai"))
}

fn path_variable(probe: &dyn Probe, name: &'static str) -> Result<Option<PathBuf>, ObserveError> {
    match probe.env(name).map(PathBuf::from) {
        Some(path) if !path.is_absolute() => Err(ObserveError::Relative(name)),
        path => Ok(path),
    }
}

/// The contents of the files that are copied into the guest, if they exist.
pub(super) fn host_files(
    probe: &dyn Probe,
    paths: impl IntoIterator<Item = PathBuf>,
) -> Result<BTreeMap<PathBuf, HostFile>, ObserveError> {
    let mut files = BTreeMap::new();
    for path in paths {
        let error = |source| ObserveError::File { path: path.clone(), source };
        let Some(bytes) = probe.read_bytes(&path).map_err(error)? else { continue };
        let sha256 = sha256(&bytes);
        files.insert(path, HostFile { sha256, text: String::from_utf8(bytes).ok() });
    }
    Ok(files)
}

/// The declared files for the guest that do not exist.
pub(super) fn missing(probe: &dyn Probe, config: &Config) -> BTreeSet<PathBuf> {
    let packages = config.sysbox.packages.iter().filter(|_| config.sysbox.enabled);
    let local = packages.filter(|package| !package.url.starts_with("https://"));
    let paths = local.map(|package| PathBuf::from(&package.url));
    let is_missing = |path: &PathBuf| {
        probe.canonical(path).is_err_and(|why| why.kind() == io::ErrorKind::NotFound)
    };
    // A file that exists but cannot be read is reported when it is used.
    paths.filter(is_missing).collect()
}

/// The record of a VM, in Lima's default directory.
///
/// # Errors
/// When it cannot be read.
pub fn recorded(probe: &dyn Probe, vm: &VmName) -> Result<Option<Record>, ObserveError> {
    record(probe, &lima_home(probe)?.join(vm.as_str()))
}

/// The record of the VM in this directory.
pub(super) fn record(probe: &dyn Probe, directory: &Path) -> Result<Option<Record>, ObserveError> {
    let path = Record::path(directory);
    let Some(text) = read(probe, &path)? else {
        return Ok(None);
    };
    Record::read(&text).map_err(|source| ObserveError::Content { path, source: source.into() })
}

pub(super) fn context(
    probe: &dyn Probe,
    name: &ContextName,
    docker_config: &Path,
) -> Result<Option<ContextMetadata>, ObserveError> {
    let path = docker::metadata_path(docker_config, name);
    let Some(text) = read(probe, &path)? else {
        return Ok(None);
    };
    ContextMetadata::parse(&text)
        .map(Some)
        .map_err(|source| ObserveError::Content { path, source: source.into() })
}

/// The contexts of this machine with one of these names.
///
/// # Errors
/// When one of them cannot be read.
pub fn contexts_named(
    probe: &dyn Probe,
    names: &[ContextName],
) -> Result<Vec<(ContextName, ContextMetadata)>, ObserveError> {
    let directory = home_of(probe, "DOCKER_CONFIG", ".docker")?;
    let mut found = Vec::new();
    for name in names {
        found.extend(context(probe, name, &directory)?.map(|metadata| (name.clone(), metadata)));
    }
    Ok(found)
}

pub(super) fn read_existing(probe: &dyn Probe, path: &Path) -> Result<String, ObserveError> {
    read(probe, path)?
        .ok_or_else(|| ObserveError::File { path: path.to_owned(), source: host::no_such_file() })
}

pub(super) fn read(probe: &dyn Probe, path: &Path) -> Result<Option<String>, ObserveError> {
    probe.read_file(path).map_err(|source| ObserveError::File { path: path.to_owned(), source })
}
