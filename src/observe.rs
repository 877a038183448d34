//! Looks at the machine, as cheaply as it can: three processes, and files.

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::{Path, PathBuf};

use crate::config::Config;
use crate::digest::sha256;
use crate::docker::{self, ContextMetadata};
use crate::facts::{Facts, HostFile, Observation, Tools, VmFacts};
use crate::guest::{Document, GuestFacts, probe};
use crate::host::{CommandError, CommandSpec, Os, Output, Probe};
use crate::lima::{self, Instance, Limactl, Ssh, Status};
use crate::plan::Reason;

/// Why the machine could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum ObserveError {
    /// A tool did not answer, or not as it should.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// A file could not be read.
    #[error("{} could not be read", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is not what it should be.
    #[error("{} could not be understood", path.display())]
    Content {
        /// Which.
        path: PathBuf,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A variable that tools read holds a path that would mean something else to each of them.
    #[error("{0} is not an absolute path")]
    Relative(&'static str),
    /// Neither `HOME` nor what would replace it is set.
    #[error("HOME is not set")]
    NoHome,
}

/// Looks at everything that the file speaks of. Changes nothing.
///
/// # Errors
/// When a tool or a file gives no answer that could be used. A tool or VM that is missing is an
/// observation, not an error.
pub fn observe(probe: &dyn Probe, config: &Config) -> Result<Facts, ObserveError> {
    let lima_home = home_of(probe, "LIMA_HOME", ".lima")?;
    let docker_config = home_of(probe, "DOCKER_CONFIG", ".docker")?;
    let ssh = probe.find_program("ssh");
    let mut facts = Facts {
        macos: probe.platform().os == Os::MacOs,
        tools: Tools { limactl: None, ssh, docker: probe.find_program("docker") },
        directory: lima_home.join(config.vm.name.as_str()),
        vm: Observation::Unobservable(Reason::After(crate::resource::LimaInstall::own_address())),
        guest: Observation::Unobservable(
            Reason::After(crate::resource::LimaInstall::own_address()),
        ),
        master: false,
        socket: None,
        seccomp_profile: seccomp_profile(probe, config)?,
        context: context(probe, config, &docker_config)?,
    };
    let Some(program) = probe.find_program("limactl") else {
        return Ok(facts);
    };
    let limactl = Limactl::new(program.clone());
    facts.tools.limactl = Some((program, version(probe, &limactl)?));
    observe_vm(probe, config, &limactl, &mut facts)?;
    Ok(facts)
}

/// The name of the user's current Docker context; `None` where that is `default`.
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

/// The directory that a variable names, or else this one in the user's home.
fn home_of(
    probe: &dyn Probe,
    variable: &'static str,
    otherwise: &str,
) -> Result<PathBuf, ObserveError> {
    if let Some(path) = path_variable(probe, variable)? {
        return Ok(path);
    }
    let home = path_variable(probe, "HOME")?.ok_or(ObserveError::NoHome)?;
    Ok(home.join(otherwise))
}

fn path_variable(probe: &dyn Probe, name: &'static str) -> Result<Option<PathBuf>, ObserveError> {
    match probe.env(name).map(PathBuf::from) {
        Some(path) if !path.is_absolute() => Err(ObserveError::Relative(name)),
        path => Ok(path),
    }
}

fn seccomp_profile(probe: &dyn Probe, config: &Config) -> Result<Option<HostFile>, ObserveError> {
    let Some(path) = config.docker.seccomp_profile.as_ref().map(PathBuf::from) else {
        return Ok(None);
    };
    let text = read_existing(probe, &path)?;
    Ok(Some(HostFile { path, sha256: sha256(text.as_bytes()) }))
}

fn version(probe: &dyn Probe, limactl: &Limactl) -> Result<semver::Version, CommandError> {
    let command = limactl.version();
    let output = succeed(probe, &command)?;
    lima::parse_version(&output.stdout).ok_or_else(|| {
        CommandError::unreadable(&command, output, "expected a line `limactl version X.Y.Z`")
    })
}

/// Runs a reading command whose failure leaves nothing to go on with.
fn succeed(probe: &dyn Probe, command: &CommandSpec) -> Result<Output, CommandError> {
    probe.query(command)?.successful(command)
}

fn observe_vm(
    probe: &dyn Probe,
    config: &Config,
    limactl: &Limactl,
    facts: &mut Facts,
) -> Result<(), ObserveError> {
    let Some(instance) = instance(probe, config, limactl)? else {
        facts.vm = Observation::Absent;
        facts.guest = Observation::Absent;
        return Ok(());
    };
    facts.directory.clone_from(&instance.dir);
    facts.master = probe.listens(&Ssh::control_socket(&instance.dir));
    facts.guest = match &instance.status {
        // A guest whose host agent died goes on, and its containers with it.
        Status::Running | Status::Broken => guest(probe, config, facts),
        status => Observation::Unobservable(Reason::VmIs(status.clone())),
    };
    let asking_changes_nothing = match &facts.guest {
        Observation::Present(guest) => guest.docker_runs(),
        // Nothing behind the socket: this only tells a stale file.
        _ => instance.status == Status::Stopped,
    };
    if asking_changes_nothing {
        facts.socket = Some(probe.ping(&facts.docker_socket()));
    }
    let path = instance.dir.join("lima.yaml");
    let text = read_existing(probe, &path)?;
    let user = instance.user().map(str::to_owned);
    facts.vm = Observation::Present(VmFacts {
        status: instance.status,
        user,
        protected: instance.protected,
        managed: lima::is_marked(&text),
        cpus: instance.cpus,
        memory: instance.memory,
        disk: instance.disk,
        arch: instance.arch,
        yaml: serde_yaml::from_str(&text)
            .map_err(|source| ObserveError::Content { path, source: source.into() })?,
    });
    Ok(())
}

fn instance(
    probe: &dyn Probe,
    config: &Config,
    limactl: &Limactl,
) -> Result<Option<Instance>, CommandError> {
    let command = limactl.list();
    let output = succeed(probe, &command)?;
    lima::find_instance(&output.stdout, config.vm.name.as_str())
        .map_err(|error| CommandError::unreadable(&command, output, error.to_string()))
}

fn guest(probe: &dyn Probe, config: &Config, facts: &Facts) -> Observation<GuestFacts> {
    let Some(program) = facts.tools.ssh.clone() else {
        return Observation::Unobservable(Reason::GuestSilent("there is no ssh on PATH".into()));
    };
    let ssh = Ssh::new(program, &facts.directory, &config.vm.name);
    let mark = probe::mark(random());
    let command = probe::look(&ssh, &mark);
    let result = probe.query(&command).and_then(|output| {
        let output = output.successful(&command)?;
        Document::parse(&output.stdout, &mark)
            .map_err(|error| CommandError::unreadable(&command, output, error.to_string()))
    });
    match result {
        Ok(document) => Observation::Present(GuestFacts::read(&document)),
        Err(error) => Observation::Unobservable(Reason::GuestSilent(error.in_a_line())),
    }
}

fn context(
    probe: &dyn Probe,
    config: &Config,
    docker_config: &Path,
) -> Result<Option<ContextMetadata>, ObserveError> {
    let path = docker::metadata_path(docker_config, &config.context.name);
    let Some(text) = read(probe, &path)? else {
        return Ok(None);
    };
    ContextMetadata::parse(&text)
        .map(Some)
        .map_err(|source| ObserveError::Content { path, source: source.into() })
}

fn read_existing(probe: &dyn Probe, path: &Path) -> Result<String, ObserveError> {
    read(probe, path)?.ok_or_else(|| ObserveError::File {
        path: path.to_owned(),
        source: io::ErrorKind::NotFound.into(),
    })
}

fn read(probe: &dyn Probe, path: &Path) -> Result<Option<String>, ObserveError> {
    probe.read_file(path).map_err(|source| ObserveError::File { path: path.to_owned(), source })
}

/// A number that the guest cannot have known before: the standard library keys every hasher
/// randomly.
fn random() -> u128 {
    let half = || u128::from(RandomState::new().hash_one(()));
    half() << 64 | half()
}
