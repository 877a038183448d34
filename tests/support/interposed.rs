//! A host in front of another host. A function decides about each command that changes something.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use containai::host::{
    Archive, ArchiveError, CommandError, CommandSpec, Failure, GracefulInterrupt, Heard, Host,
    Lock, LockError, Network, Output, Ping, Platform, Probe,
};

/// The result to use instead of running a command. `None` runs it.
pub type Before<'a> = &'a (dyn Fn(&CommandSpec) -> Option<Failure> + Sync);

/// See the module documentation.
pub struct Interposed<'a> {
    pub host: &'a dyn Host,
    pub before: Before<'a>,
    /// Sees each command that only reads.
    pub queried: &'a (dyn Fn(&CommandSpec) + Sync),
    /// Whether there was an interrupt.
    pub interrupted: &'a AtomicBool,
}

impl Probe for Interposed<'_> {
    fn platform(&self) -> Platform {
        self.host.platform()
    }
    fn cpus(&self) -> Option<u32> {
        self.host.cpus()
    }
    fn host_name(&self) -> Option<String> {
        self.host.host_name()
    }
    fn query(&self, command: &CommandSpec) -> Result<Output, CommandError> {
        (self.queried)(command);
        self.host.query(command)
    }
    fn find_program(&self, name: &str) -> Option<PathBuf> {
        self.host.find_program(name)
    }
    fn is_program(&self, path: &Path) -> bool {
        self.host.is_program(path)
    }
    fn current_dir(&self) -> io::Result<PathBuf> {
        self.host.current_dir()
    }
    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        self.host.canonical(path)
    }
    fn env(&self, name: &str) -> Option<OsString> {
        self.host.env(name)
    }
    fn read_file(&self, path: &Path) -> io::Result<Option<String>> {
        self.host.read_file(path)
    }
    fn read_bytes(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        self.host.read_bytes(path)
    }
    fn read_end(&self, path: &Path, most: u64) -> io::Result<Option<Vec<u8>>> {
        self.host.read_end(path, most)
    }
    fn ping(&self, socket: &Path) -> Ping {
        self.host.ping(socket)
    }
    fn get(&self, url: &str) -> Result<(), String> {
        self.host.get(url)
    }
    fn listens(&self, socket: &Path) -> bool {
        self.host.listens(socket)
    }
    fn check_private(&self, directory: &Path) -> io::Result<()> {
        self.host.check_private(directory)
    }
    fn check_private_file(&self, file: &Path) -> io::Result<()> {
        self.host.check_private_file(file)
    }
    fn is_exposed(&self, socket: &Path) -> bool {
        self.host.is_exposed(socket)
    }
}

impl Host for Interposed<'_> {
    fn replace_process(&self, command: &CommandSpec) -> io::Result<Output> {
        self.host.replace_process(command)
    }

    fn execute(&self, command: &CommandSpec, heard: &dyn Fn(&str)) -> Result<Output, CommandError> {
        match (self.before)(command) {
            Some(failure) => Err(CommandError { command: command.clone().into(), failure }),
            None => self.host.execute(command, heard),
        }
    }
    fn fetch(&self, url: &str, network: &Network) -> Result<Vec<u8>, ArchiveError> {
        self.host.fetch(url, network)
    }
    fn install_archive(&self, archive: &Archive) -> Result<(), ArchiveError> {
        self.host.install_archive(archive)
    }
    fn lock(&self, file: &Path, holder: &str, wait: Duration) -> Result<Lock, LockError> {
        self.host.lock(file, holder, wait)
    }
    fn patiently(&self, heard: Heard) -> GracefulInterrupt {
        self.host.patiently(heard)
    }
    fn interrupted(&self) -> bool {
        self.interrupted.load(Ordering::SeqCst)
    }
    fn pause(&self, time: Duration) {
        self.host.pause(time);
    }
    fn make_directory(&self, path: &Path) -> io::Result<()> {
        self.host.make_directory(path)
    }
    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.host.remove_file(path)
    }
    fn write_new(&self, path: &Path, contents: &[u8], mode: u32) -> io::Result<()> {
        self.host.write_new(path, contents, mode)
    }
    fn write_file(&self, path: &Path, contents: &str, mode: u32) -> io::Result<()> {
        self.host.write_file(path, contents, mode)
    }
}
