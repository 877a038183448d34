//! Observes the machine with few processes: three for a VM. Independent commands run at the same
//! time.

mod clients;
mod compose;
mod data_disk;
mod environment;
mod files;
mod former;
mod judge;
mod observer;
mod vm;
mod watch_service;

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::thread;

use crate::config::{self, Config};
use crate::guest::probe::Part;
use crate::host::parallel::{each, join};
use crate::host::{CommandError, CommandSpec, Exposed, Probe};
use crate::lima::{self, Instances, Limactl, Other, Status};
use crate::model::VmName;
use crate::resource::facts::Facts;
use files::record;
use observer::{LimaFacts, LimaYaml, Observer};

pub use environment::docker_environment;
pub use files::{
    contexts_named, current_context, engine_socket, lima_home, recorded, state_directory,
};
pub use judge::{ask_lima, judge, judge_all};
pub use watch_service::{installed_watch_service, watch_service};

/// Why the machine could not be observed.
#[derive(Debug, thiserror::Error)]
pub enum ObserveError {
    /// A tool did not answer, or its answer was not valid.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// A file could not be read.
    #[error("{} could not be read", path.display())]
    File {
        /// The path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file has an unexpected format.
    #[error("{} could not be parsed", path.display())]
    Content {
        /// The path.
        path: PathBuf,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// `limactl` does not list an instance whose file exists. If it counted as missing, `cai` would
    /// create it again or would not destroy it.
    #[error("`{command}` does not list the instance of {}", path.display())]
    Unlisted {
        /// The command, which succeeded.
        command: Box<CommandSpec>,
        /// The instance's file.
        path: PathBuf,
    },
    /// `limactl` does not list a disk whose directory exists. Lima refuses to create such a disk, and its `disk
    /// delete` ignores it (measured with Lima 2.2.0).
    #[error("`{command}` does not list the disk of {}", path.display())]
    UnlistedDisk {
        /// The command, which succeeded.
        command: Box<CommandSpec>,
        /// The disk's directory.
        path: PathBuf,
    },
    /// Other users could have replaced a release of Lima that `cai` installed.
    #[error("{} is not safe to run", program.display())]
    Exposed {
        /// The program.
        program: PathBuf,
        /// The path that other users can write to.
        source: Exposed,
    },
    /// A variable with a relative path, which each tool would interpret differently.
    #[error("{0} is not an absolute path")]
    Relative(&'static str),
    /// `HOME` is not set, and neither is the variable that replaces it.
    #[error("HOME is not set")]
    NoHome,
}

impl ObserveError {
    /// How to fix it, if it is not obvious.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Exposed { source, .. } => Some(source.advice()),
            Self::UnlistedDisk { .. } => Some(
                "an interrupted `limactl disk create` can leave an incomplete disk: if you do not need its data, \
                 delete its directory",
            ),
            _ => None,
        }
    }
}

/// Observes everything that a file declares. Changes nothing.
///
/// # Errors
/// When a tool or a file gives no usable answer. A missing tool or VM is an observation, not an
/// error.
pub fn observe(probe: &dyn Probe, config: &Config) -> Result<Facts, ObserveError> {
    let observer = Observer::new(probe, &config.lima)?;
    let (lima, early) = thread::scope(|scope| {
        let lima = scope.spawn(|| observer.lima(&[config]));
        let early = observer.early(config);
        (join(lima), early)
    });
    observer.complete(config, early?, lima?.as_ref())
}

/// Observes the guest again after steps that change only this part of it. Steps that change all of it
/// may change this machine as well, but not `limactl` or its files.
///
/// # Errors
/// As [`observe`].
pub fn observe_again(
    probe: &dyn Probe,
    config: &Config,
    before: &Facts,
    part: Part,
) -> Result<Facts, ObserveError> {
    let observer = Observer::new(probe, &config.lima)?;
    let facts = match part {
        Part::System => observer.system_again(config, before)?,
        Part::Whole => observer.again(config, before)?,
    };
    match facts {
        Some(facts) => Ok(facts),
        None => observe(probe, config),
    }
}

/// Observes everything that several files declare, which were combined with
/// [`together`](config::together). Returns the facts of each file, in their order.
///
/// # Errors
/// As [`observe`].
pub fn observe_all(probe: &dyn Probe, configs: &[&Config]) -> Result<Vec<Facts>, ObserveError> {
    let Some(first) = configs.first() else {
        return Ok(Vec::new());
    };
    let observer = Observer::new(probe, &first.lima)?;
    let (lima, early) = thread::scope(|scope| {
        let lima = scope.spawn(|| observer.lima(configs));
        let early = each(configs, |config| observer.early(config));
        (join(lima), early)
    });
    let lima = lima?;
    let early: Vec<_> = configs.iter().zip(early).collect();
    let facts = each(early, |(config, early)| observer.complete(config, early?, lima.as_ref()));
    facts.into_iter().collect()
}

/// The `limactl` of this machine, if the file accepts its version.
///
/// # Errors
/// As [`observe`].
pub fn accepted_limactl(
    probe: &dyn Probe,
    lima: &config::Lima,
) -> Result<Option<Limactl>, ObserveError> {
    let found = Observer::new(probe, lima)?.limactl()?;
    let accepted = found.filter(|(_, version)| lima.version.matches(version));
    Ok(accepted.map(|(program, _)| Limactl::new(program)))
}

/// The status of a VM; `None` if it does not exist.
///
/// # Errors
/// As [`observe`].
pub fn status(
    probe: &dyn Probe,
    limactl: &Limactl,
    vm: &VmName,
) -> Result<Option<Status>, ObserveError> {
    let names = BTreeSet::from([vm.as_str()]);
    let mut instances = instances(probe, limactl, &names)?;
    Ok(instances.found.remove(vm.as_str()).map(|instance| instance.status))
}

fn instances(
    probe: &dyn Probe,
    limactl: &Limactl,
    names: &BTreeSet<&str>,
) -> Result<Instances, CommandError> {
    let command = limactl.list();
    let output = probe.query(&command)?.successful(&command)?;
    lima::find_instances(&output.stdout, names)
        .map_err(|error| CommandError::unreadable(&command, output, error.to_string()))
}

/// The names of the VMs of this machine. Empty without `limactl`.
///
/// # Errors
/// As [`observe`].
pub fn vm_names(probe: &dyn Probe) -> Result<Vec<String>, ObserveError> {
    let instances = all_instances(probe)?;
    Ok(instances.into_iter().flat_map(|it| it.others).map(|(name, _)| name).collect())
}

/// Every instance, as one that no file names. `None` without `limactl`.
fn all_instances(probe: &dyn Probe) -> Result<Option<Instances>, ObserveError> {
    let lima = config::Lima::default();
    let Some((program, _)) = Observer::new(probe, &lima)?.limactl()? else { return Ok(None) };
    Ok(Some(instances(probe, &Limactl::new(program), &BTreeSet::new())?))
}

/// A VM that `cai` manages.
#[derive(Debug)]
pub struct ManagedVm {
    /// Its name.
    pub name: String,
    /// Its status.
    pub status: Status,
    /// The file that it was applied from last; `None` if it has no record.
    pub file: Option<PathBuf>,
}

/// The VMs of this machine that `cai` created or changed, by their record or the mark in their YAML. `None`
/// without `limactl`.
///
/// # Errors
/// As [`observe`].
pub fn managed_vms(probe: &dyn Probe) -> Result<Option<Vec<ManagedVm>>, ObserveError> {
    let Some(instances) = all_instances(probe)? else { return Ok(None) };
    let mut managed = Vec::new();
    for (name, Other { dir, status }) in instances.others {
        // A damaged record of one VM does not hide the others.
        let record = record(probe, &dir).ok().flatten();
        let path = dir.join("lima.yaml");
        let is_managed = || -> Result<bool, ObserveError> {
            let text = files::read(probe, &path)?;
            Ok(text.is_some_and(|text| lima::is_marked(&text)))
        };
        if record.is_some() || is_managed()? {
            managed.push(ManagedVm { name, status, file: record.and_then(|record| record.file) });
        }
    }
    Ok(Some(managed))
}
