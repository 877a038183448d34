//! Observes the machine with few processes: three for a VM. Independent commands run at the same
//! time.

mod clients;
mod compose;
mod environment;
mod files;
mod former;
mod judge;
mod vm;
mod watch_service;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;

use semver::{Version, VersionReq};
use serde_json::{Map, Value};

use crate::config::{self, Config};
use crate::guest::probe::Part;
use crate::host::parallel::{each, join};
use crate::host::{CommandError, CommandSpec, Exposed, Output, Probe};
use crate::lima::{self, Instances, Limactl, Other, Release, Status, UserFile};
use crate::model::VmName;
use crate::model::value::Shared;
use crate::resource::facts::Facts;
use crate::resource::record::Record;
use files::{home_of, lima_files, lima_releases, record};

pub use environment::docker_environment;
pub use files::{contexts_named, current_context, lima_home, recorded, state_directory};
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
    let machine = Machine::new(probe, &config.lima)?;
    let (lima, early) = thread::scope(|scope| {
        let lima = scope.spawn(|| machine.lima(&[config]));
        let early = machine.early(config);
        (join(lima), early)
    });
    machine.complete(config, early?, lima?.as_ref())
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
    let machine = Machine::new(probe, &config.lima)?;
    let facts = match part {
        Part::System => machine.system_again(config, before)?,
        Part::Whole => machine.again(config, before)?,
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
    let machine = Machine::new(probe, &first.lima)?;
    let (lima, early) = thread::scope(|scope| {
        let lima = scope.spawn(|| machine.lima(configs));
        let early = each(configs, |config| machine.early(config));
        (join(lima), early)
    });
    let lima = lima?;
    let early: Vec<_> = configs.iter().zip(early).collect();
    let facts = each(early, |(config, early)| machine.complete(config, early?, lima.as_ref()));
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
    let found = Machine::new(probe, lima)?.limactl()?;
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
    let lima = config::Lima::default();
    let Some((program, _)) = Machine::new(probe, &lima)?.limactl()? else { return Ok(None) };
    let mut managed = Vec::new();
    let instances = instances(probe, &Limactl::new(program), &BTreeSet::new())?;
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

/// The common facts of all files: the paths of the tools and of their files.
struct Machine<'a> {
    probe: &'a dyn Probe,
    lima_home: PathBuf,
    lima_files: Vec<UserFile>,
    lima_releases: PathBuf,
    docker_config: PathBuf,
    ssh: Option<PathBuf>,
    docker: Option<PathBuf>,
    brew: Option<PathBuf>,
    /// The `limactl` on `PATH`, and the one that `cai` installs.
    limactls: Vec<PathBuf>,
    /// The accepted versions.
    accepted: VersionReq,
    /// The files of instances, by their texts: those of many VMs are the same.
    yamls: Mutex<BTreeMap<String, LimaYaml>>,
}

/// The `lima.yaml` of an instance: its keys, and its text.
#[derive(Clone)]
struct LimaYaml(Shared<Map<String, Value>>, Shared<String>);

/// The facts from `limactl`.
struct Lima {
    program: PathBuf,
    version: Version,
    instances: Instances,
    /// The records of the other instances, by name.
    former: BTreeMap<String, Record>,
}

impl<'a> Machine<'a> {
    /// Finds the tools, for files with the same `[lima]` table.
    fn new(probe: &'a dyn Probe, lima: &config::Lima) -> Result<Self, ObserveError> {
        let lima_releases = lima_releases(probe)?;
        let installed = Release::wanted(lima, probe.platform()).limactl(&lima_releases);
        let installed = Some(installed).filter(|program| probe.is_program(program));
        let lima_home = lima_home(probe)?;
        Ok(Self {
            probe,
            lima_files: lima_files(probe, &lima_home)?,
            lima_home,
            docker_config: home_of(probe, "DOCKER_CONFIG", ".docker")?,
            lima_releases,
            ssh: probe.find_program("ssh"),
            docker: probe.find_program("docker"),
            brew: probe.find_program("brew"),
            limactls: probe.find_program("limactl").into_iter().chain(installed).collect(),
            accepted: lima.version.clone(),
            yamls: Mutex::default(),
        })
    }

    /// Parses a text, once for all instances with the same text.
    fn yaml(&self, text: String) -> Result<LimaYaml, serde_yaml::Error> {
        let yamls = || self.yamls.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = yamls().get(&text) {
            return Ok(known.clone());
        }
        let keys: Map<String, Value> = serde_yaml::from_str(&text)?;
        let yaml = LimaYaml(keys.into(), text.clone().into());
        Ok(yamls().entry(text).or_insert(yaml).clone())
    }

    /// Asks `limactl` for its version and its instances, if it exists.
    fn lima(&self, configs: &[&Config]) -> Result<Option<Lima>, ObserveError> {
        if let [program] = self.limactls.as_slice() {
            self.refuse_exposed(program)?;
            let limactl = Limactl::new(program.clone());
            let (version, instances) = thread::scope(|scope| {
                let version = scope.spawn(|| self.version(&limactl));
                let instances = self.instances(&limactl, configs);
                (join(version), instances)
            });
            return Ok(Some(self.known(program.clone(), version?, instances?)));
        }
        let Some((program, version)) = self.limactl()? else {
            return Ok(None);
        };
        let instances = self.instances(&Limactl::new(program.clone()), configs)?;
        Ok(Some(self.known(program, version, instances)))
    }

    fn known(&self, program: PathBuf, version: Version, instances: Instances) -> Lima {
        let mut former = BTreeMap::new();
        for (name, Other { dir, .. }) in &instances.others {
            // The records of other instances do not concern this file, so errors are ignored.
            let record = record(self.probe, dir).ok().flatten();
            former.extend(record.map(|record| (name.clone(), record)));
        }
        Lima { program, version, instances, former }
    }

    /// The first accepted `limactl`, or else the first one.
    fn limactl(&self) -> Result<Option<(PathBuf, Version)>, ObserveError> {
        let mut first = None;
        for program in &self.limactls {
            self.refuse_exposed(program)?;
            let version = self.version(&Limactl::new(program.clone()))?;
            let found = (program.clone(), version);
            if self.accepted.matches(&found.1) {
                return Ok(Some(found));
            }
            first = first.or(Some(found));
        }
        Ok(first)
    }

    /// Refuses a program in the directory of `cai`'s releases that other users could have replaced,
    /// even if a link on `PATH` has it as its target. Other programs on `PATH` are the user's
    /// responsibility.
    fn refuse_exposed(&self, program: &Path) -> Result<(), ObserveError> {
        self.check_release(program, &self.lima_releases)
            .and_then(|()| {
                let real = |path| self.probe.canonical(path);
                match (real(program), real(&self.lima_releases)) {
                    (Ok(program), Ok(releases)) => self.check_release(&program, &releases),
                    // A link cannot have a target in a directory that does not exist.
                    _ => Ok(()),
                }
            })
            .map_err(|error| {
                let path = program.to_owned();
                match error.downcast() {
                    Ok(source) => ObserveError::Exposed { program: path, source },
                    Err(source) => ObserveError::File { path, source },
                }
            })
    }

    /// Checks that no other user can have written a program of this directory.
    fn check_release(&self, program: &Path, releases: &Path) -> io::Result<()> {
        let mut own = program.ancestors().take_while(|path| path.starts_with(releases));
        let Some(file) = own.next() else { return Ok(()) };
        own.try_for_each(|directory| self.probe.check_private(directory))?;
        self.probe.check_private_file(file)
    }

    fn version(&self, limactl: &Limactl) -> Result<Version, CommandError> {
        let command = limactl.version();
        let output = self.succeed(&command)?;
        lima::parse_version(&output.stdout).ok_or_else(|| {
            CommandError::unreadable(&command, output, "expected a line `limactl version X.Y.Z`")
        })
    }

    fn instances(&self, limactl: &Limactl, configs: &[&Config]) -> Result<Instances, CommandError> {
        let names = configs.iter().map(|config| config.vm.name.as_str()).collect();
        instances(self.probe, limactl, &names)
    }

    /// Runs a read-only command that must succeed.
    fn succeed(&self, command: &CommandSpec) -> Result<Output, CommandError> {
        self.probe.query(command)?.successful(command)
    }
}
