//! The common facts of all files: the tools of this machine, and what `limactl` reports.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;

use semver::{Version, VersionReq};
use serde_json::{Map, Value};

use super::files::{home_of, lima_files, lima_home, lima_releases, record};
use super::{ObserveError, instances};
use crate::config::{self, Config};
use crate::host::parallel::join;
use crate::host::{CommandError, CommandSpec, Output, Probe};
use crate::lima::{self, Instances, Limactl, Other, Release, UserFile};
use crate::model::value::Shared;
use crate::resource::record::Record;

/// Observes a machine for one or several files. It has the facts that they share: the paths of the tools
/// and of their files.
pub(super) struct Observer<'a> {
    pub(super) probe: &'a dyn Probe,
    pub(super) lima_home: PathBuf,
    pub(super) lima_files: Vec<UserFile>,
    pub(super) lima_releases: PathBuf,
    pub(super) docker_config: PathBuf,
    pub(super) ssh: Option<PathBuf>,
    pub(super) docker: Option<PathBuf>,
    pub(super) brew: Option<PathBuf>,
    /// The `limactl` on `PATH`, and the one that `cai` installs.
    pub(super) limactls: Vec<PathBuf>,
    /// The accepted versions.
    accepted: VersionReq,
    /// The files of instances, by their texts: those of many VMs are the same.
    yamls: Mutex<BTreeMap<String, LimaYaml>>,
}

/// The `lima.yaml` of an instance: its keys, and its text.
#[derive(Clone)]
pub(super) struct LimaYaml(pub(super) Shared<Map<String, Value>>, pub(super) Shared<String>);

/// The facts that `limactl` reports.
pub(super) struct LimaFacts {
    pub(super) program: PathBuf,
    pub(super) version: Version,
    pub(super) instances: Instances,
    /// The records of the other instances, by name.
    pub(super) former: BTreeMap<String, Record>,
}

impl<'a> Observer<'a> {
    /// Finds the tools, for files with the same `[lima]` table.
    pub(super) fn new(probe: &'a dyn Probe, lima: &config::Lima) -> Result<Self, ObserveError> {
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
    pub(super) fn yaml(&self, text: String) -> Result<LimaYaml, serde_yaml::Error> {
        let yamls = || self.yamls.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = yamls().get(&text) {
            return Ok(known.clone());
        }
        let keys: Map<String, Value> = serde_yaml::from_str(&text)?;
        let yaml = LimaYaml(keys.into(), text.clone().into());
        Ok(yamls().entry(text).or_insert(yaml).clone())
    }

    /// Asks `limactl` for its version and its instances, if it exists.
    pub(super) fn lima(&self, configs: &[&Config]) -> Result<Option<LimaFacts>, ObserveError> {
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

    fn known(&self, program: PathBuf, version: Version, instances: Instances) -> LimaFacts {
        let mut former = BTreeMap::new();
        for (name, Other { dir, .. }) in &instances.others {
            // The records of other instances do not concern this file, so errors are ignored.
            let record = record(self.probe, dir).ok().flatten();
            former.extend(record.map(|record| (name.clone(), record)));
        }
        LimaFacts { program, version, instances, former }
    }

    /// The first accepted `limactl`, or else the first one.
    pub(super) fn limactl(&self) -> Result<Option<(PathBuf, Version)>, ObserveError> {
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
    pub(super) fn succeed(&self, command: &CommandSpec) -> Result<Output, CommandError> {
        self.probe.query(command)?.successful(command)
    }
}
