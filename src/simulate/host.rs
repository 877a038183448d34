//! A host whose programs and files are simulated.

mod effects;
mod outside;
mod programs;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, MutexGuard, PoisonError};

use self::outside::RealHost;
pub use self::programs::run;
use self::programs::run_installed;
use super::reply::{Call, Outside};
use super::world::{Computer, World};
use super::{socket, store};
use crate::host::{CommandError, CommandSpec, Failure, Host, Input, Output, Ping, Platform, Probe};

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
