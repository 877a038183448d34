//! What changes a simulated host. Simulated commands take no time, and nothing is downloaded.

use std::io;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::SimulatedHost;
use crate::docker::client::MARK;
use crate::host::{
    Archive, ArchiveError, CommandError, CommandSpec, GracefulInterrupt, Heard, Host, Lock,
    LockError, Network, Output, Probe,
};
use crate::simulate::{socket, store};

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
