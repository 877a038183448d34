//! A host whose programs and files are simulated.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::reply::{Call, Outside, Reply};
use super::world::{Computer, World};
use super::{brew, docker, limactl, log, socket, ssh, store};
use crate::docker::client::MARK;
use crate::host::{
    Archive, ArchiveError, CommandError, CommandSpec, Failure, GracefulInterrupt, Heard, Host,
    Input, Lock, LockError, Network, Output, Ping, Platform, Probe,
};

/// The simulation of a program.
type Program = fn(&mut World, &Call<'_>) -> Reply;

const LIMACTL: &str = "limactl";
const PROGRAMS: &[(&str, Program)] =
    &[("brew", brew::run), ("docker", docker::run), (LIMACTL, limactl::run), ("ssh", ssh::run)];

/// Runs a program in a world. `None` if the world does not have the program.
pub fn run(world: &mut World, name: &str, call: &Call<'_>) -> Option<Reply> {
    if name == "tail" {
        return Some(tail(world, call));
    }
    let (_, program) = PROGRAMS.iter().find(|(own, _)| *own == name)?;
    world.computer.programs.contains_key(name).then(|| program(world, call))
}

/// `tail`, which every machine has, of the log of a host agent.
fn tail(world: &World, call: &Call<'_>) -> Reply {
    let path = call.args.last().map(PathBuf::from).unwrap_or_default();
    let name = path.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    let is_log = path.ends_with("ha.stderr.log");
    let Some(instance) = world.instances.get(name.as_ref()).filter(|_| is_log) else {
        let path = path.display();
        let why = format!("tail: cannot open '{path}' for reading: No such file or directory");
        return Reply::failed(1, why);
    };
    let message = format!("{} (simulated)", instance.status().in_a_sentence());
    let stdout = log::line(world.clock, "info", &message, &[]);
    Reply { stdout, ..Reply::done() }
}

/// Runs a `limactl` other than the one on `PATH`.
fn run_installed(world: &mut World, version: String, call: &Call<'_>) -> Reply {
    let own = world.computer.programs.insert(LIMACTL.to_owned(), version);
    let reply = limactl::run(world, call);
    match own {
        Some(version) => world.computer.programs.insert(LIMACTL.to_owned(), version),
        None => world.computer.programs.remove(LIMACTL),
    };
    reply
}

/// A host with the tools, instances and contexts of a [`World`]. Files outside the simulated home,
/// such as `containai.toml`, are those of the real host.
pub struct SimulatedHost<'a> {
    real: &'a dyn Host,
    world: Mutex<World>,
    /// The directory in which the world is saved after each change, if it is saved.
    directory: Option<PathBuf>,
    /// Whether this host holds the saved world's lock.
    locked: AtomicBool,
    /// What was not simulated.
    skipped: Mutex<BTreeSet<String>>,
}

/// The real host behind a simulated one.
struct RealHost<'a> {
    real: &'a dyn Host,
    /// The simulated home.
    home: PathBuf,
    /// The directories in it that belong to the simulated tools.
    of_tools: [PathBuf; 2],
}

impl RealHost<'_> {
    fn path(&self, path: &Path) -> Option<PathBuf> {
        let Ok(rest) = path.strip_prefix(&self.home) else {
            return Some(path.to_owned());
        };
        if self.of_tools.iter().any(|directory| path.starts_with(directory)) {
            return None;
        }
        Some(Path::new(&self.real.env("HOME")?).join(rest))
    }
}

impl std::fmt::Debug for RealHost<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RealHost").finish_non_exhaustive()
    }
}

impl Outside for RealHost<'_> {
    fn file(&self, path: &Path) -> Option<String> {
        self.real.read_file(&self.path(path)?).ok().flatten()
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.real.env(name).map(|value| value.to_string_lossy().into_owned())
    }
}

impl std::fmt::Debug for SimulatedHost<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SimulatedHost").field("directory", &self.directory).finish_non_exhaustive()
    }
}

impl<'a> SimulatedHost<'a> {
    /// A host with this world, which is not saved.
    pub fn new(real: &'a dyn Host, world: World) -> Self {
        let (locked, skipped) = (AtomicBool::default(), Mutex::default());
        Self { real, world: Mutex::new(world), directory: None, locked, skipped }
    }

    /// A host with the world that is saved in a directory, or with a new world of the real host's
    /// platform.
    ///
    /// # Errors
    /// If the world cannot be read, or other users could have written it.
    pub fn open(real: &'a dyn Host, directory: &Path) -> io::Result<Self> {
        real.check_private(directory)?;
        let world = store::load(real, directory)?.unwrap_or_else(|| World::new(real.platform()));
        Ok(Self { directory: Some(directory.to_owned()), ..Self::new(real, world) })
    }

    /// The current world.
    pub fn world(&self) -> World {
        self.lock_world().clone()
    }

    /// Changes the world from outside.
    ///
    /// # Errors
    /// If the world cannot be saved.
    pub fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> io::Result<T> {
        let mut world = self.lock_world();
        let result = change(&mut world);
        world.pass(1);
        self.save(&world)?;
        Ok(result)
    }

    /// Ignores a poisoned lock: after a panic, the world is in a state as after a crash.
    fn lock_world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn save(&self, world: &World) -> io::Result<()> {
        match &self.directory {
            Some(directory) => store::save(self.real, directory, world),
            None => Ok(()),
        }
    }

    /// Runs an action, and saves the world if the action changed it.
    fn act<T>(&self, action: impl FnOnce(&mut World) -> T) -> io::Result<T> {
        let mut world = self.lock_world();
        let before = world.clock;
        let result = action(&mut world);
        if world.clock != before {
            self.save(&world)?;
        }
        Ok(result)
    }

    /// The standard input of a command.
    fn input(&self, command: &CommandSpec) -> io::Result<Option<Vec<u8>>> {
        match &command.stdin {
            None => Ok(None),
            Some(Input::Text(text)) => Ok(Some(text.clone().into_bytes())),
            Some(Input::File(path)) => {
                let missing = || io::Error::from(io::ErrorKind::NotFound);
                self.read_bytes(path)?.ok_or_else(missing).map(Some)
            }
        }
    }

    /// The real host, as seen by a simulated program.
    fn outside(&self) -> RealHost<'_> {
        let Computer { home, lima_home, docker_config, .. } = self.lock_world().computer.clone();
        RealHost { real: self.real, home, of_tools: [lima_home, docker_config] }
    }

    /// The real file for a path in the simulated home that does not belong to a simulated tool.
    fn real_path(&self, path: &Path) -> Option<PathBuf> {
        self.outside().path(path)
    }

    /// What was not simulated so far.
    pub fn skipped(&self) -> Vec<String> {
        let skipped = self.skipped.lock().unwrap_or_else(PoisonError::into_inner);
        skipped.iter().cloned().collect()
    }

    fn is_simulated(&self, path: &Path) -> bool {
        path.starts_with(&self.lock_world().computer.home)
    }
}

impl Probe for SimulatedHost<'_> {
    fn platform(&self) -> Platform {
        self.lock_world().computer.platform
    }

    fn cpus(&self) -> Option<u32> {
        Some(self.lock_world().computer.cpus)
    }

    /// That of the real machine, so that an inventory can tell simulated hosts apart.
    fn host_name(&self) -> Option<String> {
        self.real.host_name()
    }

    fn query(&self, command: &CommandSpec) -> Result<Output, CommandError> {
        let failed = |failure| CommandError { command: command.clone().into(), failure };
        let args: Vec<String> =
            command.args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
        let stdin = self.input(command).map_err(|error| failed(Failure::NotStarted(error)))?;
        let outside = self.outside();
        let outside: Option<&dyn Outside> = Some(&outside);
        let call = Call { args: &args, stdin: stdin.as_deref(), outside, ..Call::default() };
        let name = command.program.file_name().unwrap_or_default().to_string_lossy();
        let reply = self
            .act(|world| match world.computer.installed.get(&command.program).cloned() {
                Some(version) => Some(run_installed(world, version, &call)),
                None => run(world, &name, &call),
            })
            .map_err(|error| failed(Failure::NotObserved(error)))?;
        tracing::debug!(%command, "ran on the simulated host");
        match reply {
            Some(reply) => {
                let mut skipped = self.skipped.lock().unwrap_or_else(PoisonError::into_inner);
                let what = reply.skipped.iter().map(|what| {
                    format!("the simulated {name} does not support {what} and ignores it")
                });
                skipped.extend(what);
                Ok(reply.into())
            }
            None => Err(failed(Failure::NotStarted(io::Error::new(
                io::ErrorKind::NotFound,
                format!("the simulated host has no program {name}"),
            )))),
        }
    }

    fn find_program(&self, name: &str) -> Option<PathBuf> {
        self.lock_world().program(name)
    }

    fn is_program(&self, path: &Path) -> bool {
        let world = self.lock_world();
        let name = path.file_name().and_then(std::ffi::OsStr::to_str);
        world.computer.installed.contains_key(path)
            || name.is_some_and(|name| world.program(name).as_deref() == Some(path))
    }

    fn current_dir(&self) -> io::Result<PathBuf> {
        self.real.current_dir()
    }

    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        if self.lock_world().file(path).is_some() {
            return Ok(path.to_owned());
        }
        let missing = || io::Error::from(io::ErrorKind::NotFound);
        self.real.canonical(&self.real_path(path).ok_or_else(missing)?)
    }

    /// A real variable must not lead out of the simulated home.
    fn env(&self, name: &str) -> Option<OsString> {
        let world = self.lock_world();
        match name {
            "HOME" => Some(world.computer.home.clone().into()),
            "USER" => Some(world.computer.user.clone().into()),
            _ => None,
        }
    }

    /// A file in the simulated home that no tool wrote is read from the real home, so that files
    /// named in `containai.toml` are found.
    fn read_file(&self, path: &Path) -> io::Result<Option<String>> {
        if let Some(text) = self.lock_world().file(path) {
            return Ok(Some(text));
        }
        self.real_path(path).map_or(Ok(None), |path| self.real.read_file(&path))
    }

    fn read_bytes(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        if let Some(text) = self.lock_world().file(path) {
            return Ok(Some(text.into_bytes()));
        }
        self.real_path(path).map_or(Ok(None), |path| self.real.read_bytes(&path))
    }

    /// The files of a world are short.
    fn read_end(&self, path: &Path, most: u64) -> io::Result<Option<Vec<u8>>> {
        if let Some(text) = self.lock_world().file(path) {
            return Ok(Some(text.into_bytes()));
        }
        self.real_path(path).map_or(Ok(None), |path| self.real.read_end(&path, most))
    }

    fn ping(&self, path: &Path) -> Ping {
        self.act(|world| socket::ping(world, path))
            .unwrap_or_else(|error| Ping::Failed(error.to_string()))
    }

    /// The simulated host serves the pages of its containers. A page reports whether its container
    /// is healthy.
    fn get(&self, url: &str) -> Result<(), String> {
        let world = self.lock_world();
        let guests = world.instances.values().filter_map(|instance| instance.guest.as_ref());
        let containers = guests.flat_map(|guest| &guest.containers).filter(|it| it.running);
        let clients = || containers.clone().filter_map(|it| it.client.as_ref());
        match clients().any(|it| it.health.as_deref() == Some("unhealthy")) {
            true => Err("503 Service Unavailable".into()),
            false if clients().next().is_some() => Ok(()),
            false => Err(format!("the simulated host serves nothing at {url}")),
        }
    }

    fn listens(&self, path: &Path) -> bool {
        socket::listens(&self.lock_world(), path)
    }

    /// The simulated home has no other users who could write to it.
    fn check_private(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn check_private_file(&self, path: &Path) -> io::Result<()> {
        if self.is_program(path) {
            return Ok(());
        }
        self.real_path(path).map_or(Ok(()), |path| self.real.check_private_file(&path))
    }

    /// ssh creates its sockets for their owner only.
    fn is_exposed(&self, _: &Path) -> bool {
        false
    }
}

impl Host for SimulatedHost<'_> {
    /// Simulated commands take no time, so an interrupt cannot arrive while one runs.
    fn execute(
        &self,
        command: &CommandSpec,
        _heard: &dyn Fn(&str),
    ) -> Result<Output, CommandError> {
        self.query(command)?.successful(command)
    }

    fn replace_process(&self, command: &CommandSpec) -> io::Result<Output> {
        self.query(command).map_err(io::Error::other)
    }

    /// Commands that change the same saved world run one at a time. Each one starts with the world
    /// that the previous one saved.
    fn lock(&self, _: &Path, holder: &str, wait: Duration) -> Result<Lock, LockError> {
        let Some(directory) = &self.directory else {
            return Ok(Lock::of_nothing());
        };
        if self.locked.swap(true, Ordering::SeqCst) {
            return Ok(Lock::of_nothing());
        }
        let file = directory.join("locks/world");
        let lock = self.real.lock(&file, holder, wait)?;
        let failed = |source| LockError::File { path: store::path(directory), source };
        if let Some(world) = store::load(self.real, directory).map_err(failed)? {
            *self.lock_world() = world;
        }
        Ok(lock)
    }

    fn patiently(&self, heard: Heard) -> GracefulInterrupt {
        self.real.patiently(heard)
    }

    fn interrupted(&self) -> bool {
        self.real.interrupted()
    }

    /// Only the simulated time passes.
    fn pause(&self, time: Duration) {
        let _ = self.change(|world| world.pass(time.as_secs()));
    }

    fn make_directory(&self, path: &Path) -> io::Result<()> {
        if self.is_simulated(path) { Ok(()) } else { self.real.make_directory(path) }
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        if !self.is_simulated(path) && !self.lock_world().files.contains_key(path) {
            let why = "a simulated host does not delete files of this machine";
            return Err(io::Error::new(io::ErrorKind::Unsupported, why));
        }
        self.act(|world| socket::remove(world, path))
    }

    fn write_file(&self, path: &Path, contents: &str, mode: u32) -> io::Result<()> {
        // A file that cai generates next to a real Compose file belongs to a simulated container.
        let is_of_world = self.is_simulated(path) || contents.starts_with(MARK);
        if !is_of_world {
            return self.real.write_file(path, contents, mode);
        }
        self.act(|world| {
            world.files.insert(path.to_owned(), contents.to_owned());
            world.pass(1);
        })
    }

    /// The simulated home contains only text files.
    fn write_new(&self, path: &Path, contents: &[u8], mode: u32) -> io::Result<()> {
        if self.is_simulated(path) {
            return Err(io::ErrorKind::Unsupported.into());
        }
        self.real.write_new(path, contents, mode)
    }

    /// Nothing is downloaded.
    fn fetch(&self, url: &str, _: &Network) -> Result<Vec<u8>, ArchiveError> {
        let source = "a simulated host downloads nothing".into();
        Err(ArchiveError::Download { url: url.to_owned(), source })
    }

    /// Nothing is downloaded. A directory named after a release of Lima gets the `limactl` of that
    /// release.
    fn install_archive(&self, archive: &Archive) -> Result<(), ArchiveError> {
        let Archive { directory, .. } = archive;
        let version = directory.file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.act(|world| {
            world.computer.installed.insert(directory.join("bin/limactl"), version);
            world.pass(30);
        })
        .map_err(|source| ArchiveError::Write { path: directory.clone(), source })
    }
}
