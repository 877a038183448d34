//! A probe with a short time limit.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{CommandError, CommandSpec, Output, Ping, Platform, Probe};

/// A probe that limits the time of every command. A diagnosis must not wait for a command that
/// hangs as long as `apply` would.
pub struct Deadline<'a> {
    probe: &'a dyn Probe,
    at_most: Duration,
}

impl std::fmt::Debug for Deadline<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Deadline").field("at_most", &self.at_most).finish_non_exhaustive()
    }
}

impl<'a> Deadline<'a> {
    /// Limits this probe.
    pub fn new(probe: &'a dyn Probe, at_most: Duration) -> Self {
        Self { probe, at_most }
    }
}

impl Probe for Deadline<'_> {
    fn platform(&self) -> Platform {
        self.probe.platform()
    }
    fn cpus(&self) -> Option<u32> {
        self.probe.cpus()
    }
    fn host_name(&self) -> Option<String> {
        self.probe.host_name()
    }
    fn query(&self, command: &CommandSpec) -> Result<Output, CommandError> {
        let timeout = command.timeout.min(self.at_most);
        self.probe.query(&command.clone().timeout(timeout))
    }
    fn find_program(&self, name: &str) -> Option<PathBuf> {
        self.probe.find_program(name)
    }
    fn is_program(&self, path: &Path) -> bool {
        self.probe.is_program(path)
    }
    fn current_dir(&self) -> io::Result<PathBuf> {
        self.probe.current_dir()
    }
    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        self.probe.canonical(path)
    }
    fn env(&self, name: &str) -> Option<OsString> {
        self.probe.env(name)
    }
    fn read_file(&self, path: &Path) -> io::Result<Option<String>> {
        self.probe.read_file(path)
    }
    fn read_bytes(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        self.probe.read_bytes(path)
    }
    fn read_end(&self, path: &Path, most: u64) -> io::Result<Option<Vec<u8>>> {
        self.probe.read_end(path, most)
    }
    fn get(&self, url: &str) -> Result<(), String> {
        self.probe.get(url)
    }
    fn ping(&self, socket: &Path) -> Ping {
        self.probe.ping(socket)
    }
    fn listens(&self, socket: &Path) -> bool {
        self.probe.listens(socket)
    }
    fn check_private(&self, directory: &Path) -> io::Result<()> {
        self.probe.check_private(directory)
    }
    fn check_private_file(&self, file: &Path) -> io::Result<()> {
        self.probe.check_private_file(file)
    }
    fn is_exposed(&self, socket: &Path) -> bool {
        self.probe.is_exposed(socket)
    }
}
