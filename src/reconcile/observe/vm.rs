//! Observes the VM of one file: from outside and, if it is running, from inside.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::clients::clients;
use super::files::{context, forwarded, host_files, missing, read_existing, record};
use super::former::{former, former_vms};
use super::{LimaFacts, LimaYaml, ObserveError, Observer};
use crate::config::Config;
use crate::docker::ContextMetadata;
use crate::guest::probe::{self, Look, Part};
use crate::guest::{Document, GuestFacts};
use crate::host::{CommandError, random};
use crate::lima::{self, Agent, Instance, Limactl, Ssh, Status};
use crate::plan::Observation;
use crate::plan::Reason;
use crate::resource::facts::{Facts, Former, HostFile, Tools, VmFacts};
use crate::resource::record::Record;
use crate::resource::{self, LimaInstall, Resource};

/// The facts that do not need `limactl`.
pub(super) struct Early {
    /// The directory of the VM, which may not exist.
    directory: PathBuf,
    master: bool,
    /// The sections that the resources request from the guest.
    looks: Vec<Look>,
    missing: BTreeSet<PathBuf>,
    files: BTreeMap<PathBuf, HostFile>,
    context: Option<ContextMetadata>,
    record: Option<Record>,
    former: Former,
    /// The guest, if Lima's ssh master is alive. Ignored unless the VM is running.
    guest: Option<Observation<GuestFacts>>,
}

impl Observer<'_> {
    /// Observes the facts that do not need `limactl`.
    pub(super) fn early(&self, config: &Config) -> Result<Early, ObserveError> {
        let directory = self.lima_home.join(config.vm.name.as_str());
        let master = self.has_master(&directory);
        let record = if config.ignores_record { None } else { record(self.probe, &directory)? };
        let has_lima = !self.limactls.is_empty();
        let resources = resource::all(config, record.as_ref());
        let looks = looks(&resources);
        let files = resources.iter().flat_map(|resource| resource.host_files());
        let guest =
            (master && has_lima).then(|| self.guest(config, &directory, &looks, Part::Whole));
        Ok(Early {
            missing: missing(self.probe, config),
            files: host_files(self.probe, files)?,
            context: context(self.probe, &config.context.name, &self.docker_config)?,
            former: former(self.probe, &resources, &self.docker_config)?,
            record,
            directory,
            master,
            looks,
            guest,
        })
    }

    /// Observes the remaining facts.
    pub(super) fn complete(
        &self,
        config: &Config,
        early: Early,
        lima: Option<&LimaFacts>,
    ) -> Result<Facts, ObserveError> {
        let Early { directory, record, former, master, looks, missing, files, context, guest } =
            early;
        let after_lima = || Reason::After(LimaInstall::own_address());
        let mut facts = Facts {
            platform: self.probe.platform(),
            cpus: self.probe.cpus(),
            tools: Tools {
                limactl: lima.map(|lima| (lima.program.clone(), lima.version.clone())),
                ssh: self.ssh.clone(),
                docker: self.docker.clone(),
                brew: self.brew.clone(),
            },
            lima_releases: self.lima_releases.clone(),
            lima_files: self.lima_files.clone(),
            home: self.probe.env("HOME").map(PathBuf::from),
            directory,
            record,
            former,
            vm: Observation::Unobservable(after_lima()),
            guest: Observation::Unobservable(after_lima()),
            agent: None,
            master,
            engine_socket: None,
            socket: None,
            exposed: false,
            missing,
            files,
            data_disk: self.data_disk(config, lima)?,
            context,
            clients: BTreeMap::new(),
        };
        if let Some(lima) = lima {
            facts.former.vms = former_vms(config, &lima.former);
        }
        match lima.map(|lima| lima.instances.found.get(config.vm.name.as_str())) {
            None => {}
            Some(None) => {
                self.refuse_unlisted(&facts.directory, lima)?;
                facts.record = None;
                facts.vm = Observation::Absent;
                facts.guest = Observation::Absent;
                facts.master = false;
            }
            Some(Some(instance)) => {
                let look = || self.guest(config, &instance.dir, &looks, Part::Whole);
                let guest = || guest.unwrap_or_else(look);
                self.vm(config, instance, guest, &mut facts)?;
            }
        }
        facts.clients = clients(self.probe, config, &facts)?;
        Ok(facts)
    }

    /// Lima lists every instance that has a file, even one that it cannot read.
    fn refuse_unlisted(
        &self,
        directory: &Path,
        lima: Option<&LimaFacts>,
    ) -> Result<(), ObserveError> {
        let path = directory.join("lima.yaml");
        match lima {
            Some(lima) if self.probe.canonical(&path).is_ok() => {
                let command = Box::new(Limactl::new(lima.program.clone()).list());
                Err(ObserveError::Unlisted { command, path })
            }
            _ => Ok(()),
        }
    }

    fn vm(
        &self,
        config: &Config,
        instance: &Instance,
        guest: impl FnOnce() -> Observation<GuestFacts>,
        facts: &mut Facts,
    ) -> Result<(), ObserveError> {
        facts.directory.clone_from(&instance.dir);
        let path = instance.dir.join("lima.yaml");
        let text = read_existing(self.probe, &path)?;
        let LimaYaml(yaml, text) = self
            .yaml(text)
            .map_err(|source| ObserveError::Content { path, source: source.into() })?;
        facts.engine_socket = forwarded(config, &yaml, &facts.directory, facts.home.as_deref());
        self.inside(&instance.status, guest, facts);
        facts.vm = Observation::Present(VmFacts {
            status: instance.status.clone(),
            user: instance.user().map(str::to_owned),
            protected: instance.protected,
            managed: lima::is_marked(&text),
            cpus: instance.cpus,
            memory: instance.memory,
            disk: instance.disk,
            arch: instance.arch.clone(),
            vm_type: instance.vm_type.clone(),
            yaml,
            text,
        });
        Ok(())
    }

    /// Observes the guest and its socket.
    fn inside(
        &self,
        status: &Status,
        guest: impl FnOnce() -> Observation<GuestFacts>,
        facts: &mut Facts,
    ) {
        facts.guest = match status {
            // If the host agent died, the guest and its containers keep running.
            Status::Running | Status::Broken => guest(),
            status => Observation::Unobservable(Reason::VmIs(status.clone())),
        };
        facts.agent = None;
        if *status == Status::Running {
            // This is optional evidence, so errors are ignored.
            let events = self.probe.read_file(&Agent::events(&facts.directory));
            facts.agent = events.ok().flatten().and_then(|events| Agent::read(&events));
        }
        let asking_changes_nothing = match &facts.guest {
            Observation::Present(guest) => guest.docker_runs(),
            // No request can reach the guest; this only detects a stale file.
            _ => *status == Status::Stopped,
        };
        (facts.socket, facts.exposed) = (None, false);
        if asking_changes_nothing {
            facts.socket = Some(self.probe.ping(&facts.docker_socket()));
            facts.exposed = self.probe.is_exposed(&facts.docker_socket());
        }
    }

    /// Observes everything again that a command in the guest can change, without `limactl`. `None`
    /// if the guest no longer answers.
    pub(super) fn again(
        &self,
        config: &Config,
        before: &Facts,
    ) -> Result<Option<Facts>, ObserveError> {
        let Some(VmFacts { status: Status::Running, .. }) = before.vm.present() else {
            return Ok(None);
        };
        let Early { record, former, master, looks, missing, files, context, guest, .. } =
            self.early(config)?;
        let former = Former { vms: before.former.vms.clone(), ..former };
        let mut facts = Facts { record, former, master, missing, files, context, ..before.clone() };
        let look = || self.guest(config, &before.directory, &looks, Part::Whole);
        self.inside(&Status::Running, || guest.unwrap_or_else(look), &mut facts);
        if facts.guest.present().is_none() {
            return Ok(None);
        }
        facts.clients = clients(self.probe, config, &facts)?;
        Ok(Some(facts))
    }

    /// Observes the accounts and files of the guest again. `None` if more has changed.
    pub(super) fn system_again(
        &self,
        config: &Config,
        before: &Facts,
    ) -> Result<Option<Facts>, ObserveError> {
        let Some((VmFacts { status: Status::Running, .. }, known)) =
            before.vm.present().zip(before.guest.present())
        else {
            return Ok(None);
        };
        let looks = looks(&resource::all(config, before.record.as_ref()));
        // A step may have opened the connection.
        let mut facts = Facts { master: self.has_master(&before.directory), ..before.clone() };
        let look = || match self.guest(config, &before.directory, &looks, Part::System) {
            Observation::Present(guest) => Observation::Present(guest.with_dockerd_of(known)),
            silent => silent,
        };
        self.inside(&Status::Running, look, &mut facts);
        // If someone stopped or started dockerd, its earlier answers no longer count.
        let Some(guest) = facts.guest.present().filter(|guest| guest.units == known.units) else {
            return Ok(None);
        };
        // The clients use the socket, whose group may be another one now.
        if (&guest.socket, &facts.socket) != (&known.socket, &before.socket) {
            facts.clients = clients(self.probe, config, &facts)?;
        }
        Ok(Some(facts))
    }

    fn has_master(&self, directory: &Path) -> bool {
        self.probe.listens(&Ssh::control_socket(directory))
    }

    fn guest(
        &self,
        config: &Config,
        directory: &Path,
        looks: &[Look],
        part: Part,
    ) -> Observation<GuestFacts> {
        let Some(program) = self.ssh.clone() else {
            return Observation::Unobservable(Reason::GuestSilent("ssh is not on PATH".into()));
        };
        let ssh = Ssh::new(program, directory, &config.vm.name);
        let mark = probe::mark(random());
        let command = probe::look(&ssh, &mark, looks, part);
        let result = self.probe.query(&command).and_then(|output| {
            let output = output.successful(&command)?;
            Document::parse(&output.stdout, &mark)
                .map_err(|error| CommandError::unreadable(&command, output, error.to_string()))
        });
        match result {
            Ok(document) => {
                let is_own = |name: &str| looks.iter().any(|look| look.section == name);
                Observation::Present(GuestFacts::keeping(document, is_own))
            }
            Err(error) => Observation::Unobservable(Reason::GuestSilent(error.without_arguments())),
        }
    }
}

/// The sections that the resources request from the guest.
fn looks(resources: &[Box<dyn Resource>]) -> Vec<Look> {
    resources.iter().flat_map(|resource| resource.looks()).collect()
}
