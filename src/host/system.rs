//! The real machine.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::socket::{self, AddressFamily, SockFlag, SockType, UnixAddr};

use super::archive::{self, Archive, ArchiveError};
use super::atomic_write::write;
use super::interrupt::{self, GracefulInterrupt, Heard};
use super::lock::{self, Lock, LockError};
use super::permissions;
use super::process::{OUTPUT_LIMIT, traced};
use super::read;
use super::web;
use super::{CommandError, CommandSpec, Host, Network, NoText, Output, Ping, Platform, Probe};

/// The time limit for an answer of a Docker socket. Through a forward it takes about 0.2 s
/// (measured).
const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// The real machine: the only implementation that runs processes and opens files.
#[derive(Debug, Clone, Copy, Default)]
pub struct System;

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place where the rest of the crate may reach the outside"
)]
impl Probe for System {
    fn platform(&self) -> Platform {
        Platform::native()
    }

    fn cpus(&self) -> Option<u32> {
        let cpus = std::thread::available_parallelism().ok()?;
        u32::try_from(cpus.get()).ok()
    }

    fn host_name(&self) -> Option<String> {
        nix::unistd::gethostname().ok()?.into_string().ok()
    }

    fn query(&self, command: &CommandSpec) -> Result<Output, CommandError> {
        traced(command, &|_| {})
    }

    fn find_program(&self, name: &str) -> Option<PathBuf> {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path)
            .filter(|directory| directory.is_absolute())
            .map(|directory| directory.join(name))
            .find(|file| self.is_program(file))
    }

    fn is_program(&self, path: &Path) -> bool {
        std::fs::metadata(path)
            .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
    }

    fn current_dir(&self) -> io::Result<PathBuf> {
        std::env::current_dir()
    }

    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        std::fs::canonicalize(path)
    }

    fn env(&self, name: &str) -> Option<OsString> {
        std::env::var_os(name).filter(|value| !value.is_empty())
    }

    fn read_file(&self, path: &Path) -> io::Result<Option<String>> {
        let file = match read::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let mut bytes = Vec::new();
        file.take(OUTPUT_LIMIT + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > OUTPUT_LIMIT {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                format!("it has more than {OUTPUT_LIMIT} bytes"),
            ));
        }
        let text = String::from_utf8(bytes).map_err(|error| NoText::before(&error))?;
        Ok(Some(text))
    }

    fn read_bytes(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        let mut file = match read::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    fn read_end(&self, path: &Path, most: u64) -> io::Result<Option<Vec<u8>>> {
        match read::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            opened => read::end(opened?, most).map(Some),
        }
    }

    fn ping(&self, socket: &Path) -> Ping {
        match connect(socket) {
            Ok(stream) => ask(stream),
            Err(error) => match error.kind() {
                io::ErrorKind::NotFound => Ping::Missing,
                io::ErrorKind::ConnectionRefused => Ping::Refused,
                io::ErrorKind::PermissionDenied => Ping::Denied,
                io::ErrorKind::WouldBlock => {
                    Ping::Failed("its listener does not accept connections".into())
                }
                _ => Ping::Failed(error.to_string()),
            },
        }
    }

    fn get(&self, url: &str) -> Result<(), String> {
        web::get(url)
    }

    fn listens(&self, socket: &Path) -> bool {
        connect(socket).is_ok()
    }

    fn check_private(&self, directory: &Path) -> io::Result<()> {
        permissions::check(directory)
    }

    fn check_private_file(&self, file: &Path) -> io::Result<()> {
        permissions::check_file(file)
    }

    fn is_exposed(&self, socket: &Path) -> bool {
        let has = |path: &Path, bit: u32| {
            std::fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & bit != 0)
        };
        // Other users may use another path, so links are resolved.
        let Some(Ok(directory)) = socket.parent().map(std::fs::canonicalize) else {
            return false;
        };
        // For the group, then for others: write to the socket and search the directories.
        [(0o020, 0o010), (0o002, 0o001)].into_iter().any(|(write, search)| {
            has(socket, write) && directory.ancestors().all(|above| has(above, search))
        })
    }
}

#[expect(clippy::disallowed_methods, reason = "as above")]
impl Host for System {
    fn execute(&self, command: &CommandSpec, heard: &dyn Fn(&str)) -> Result<Output, CommandError> {
        traced(command, heard)?.successful(command)
    }

    fn replace_process(&self, command: &CommandSpec) -> io::Result<Output> {
        let variables = command.variables.iter().map(|(name, value)| (name, value));
        Err(Command::new(&command.program).args(&command.args).envs(variables).exec())
    }

    fn lock(&self, file: &Path, holder: &str, wait: Duration) -> Result<Lock, LockError> {
        lock::take(file, holder, wait)
    }

    fn patiently(&self, heard: Heard) -> GracefulInterrupt {
        interrupt::patiently(heard)
    }

    fn interrupted(&self) -> bool {
        interrupt::interrupted()
    }

    fn pause(&self, time: Duration) {
        std::thread::sleep(time);
    }

    fn make_directory(&self, path: &Path) -> io::Result<()> {
        permissions::make(path)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn write_file(&self, path: &Path, contents: &str, mode: u32) -> io::Result<()> {
        write(path, contents.as_bytes(), mode, |file| Ok(file.persist(path).map(drop)?))
    }

    fn write_new(&self, path: &Path, contents: &[u8], mode: u32) -> io::Result<()> {
        write(path, contents, mode, |file| Ok(file.persist_noclobber(path).map(drop)?))
    }

    fn fetch(&self, url: &str, network: &Network) -> Result<Vec<u8>, ArchiveError> {
        archive::fetch(url, network)
    }

    fn install_archive(&self, archive: &Archive) -> Result<(), ArchiveError> {
        archive::install(archive)
    }
}

/// Connects without waiting: a listener that does not accept connections, such as a stopped ssh,
/// would block this process.
fn connect(path: &Path) -> io::Result<UnixStream> {
    // macOS has no flags for the creation of a socket.
    let socket = socket::socket(AddressFamily::Unix, SockType::Stream, SockFlag::empty(), None)?;
    fcntl(&socket, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    let stream = UnixStream::from(socket);
    stream.set_nonblocking(true)?;
    socket::connect(stream.as_raw_fd(), &UnixAddr::new(path)?)?;
    stream.set_nonblocking(false)?;
    Ok(stream)
}

/// Sends `GET /_ping` as a Docker client does; every daemon answers it without permission checks.
fn ask(mut stream: UnixStream) -> Ping {
    let mut answer = Vec::new();
    let result = stream
        .set_read_timeout(Some(PING_TIMEOUT))
        .and_then(|()| stream.set_write_timeout(Some(PING_TIMEOUT)))
        .and_then(|()| stream.write_all(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n"))
        .and_then(|()| stream.take(4096).read_to_end(&mut answer));
    let answer = String::from_utf8_lossy(&answer);
    if answer.starts_with("HTTP/1.") && answer.split(' ').nth(1) == Some("200") {
        let api_version = answer.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("api-version").then(|| value.trim().to_owned())
        });
        return Ping::Answered { api_version: api_version.unwrap_or_default() };
    }
    match result {
        Ok(_) if answer.is_empty() => Ping::Closed,
        Ok(_) => Ping::Failed(format!("answered {:?}", answer.lines().next().unwrap_or_default())),
        Err(error) => match error.kind() {
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => Ping::Closed,
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                Ping::Failed(format!("no answer within {}", crate::model::duration(PING_TIMEOUT)))
            }
            _ => Ping::Failed(error.to_string()),
        },
    }
}
