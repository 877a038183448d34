//! A dockerd for the tests, which all trials share: no bridge, no firewall, no overlay.

use std::fs::{File, Permissions, set_permissions};
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use crate::support::sandbox::{Ran, Sandbox};

/// The gid of the clients' socket.
pub const GROUP: u32 = 2375;
/// The gid of the other socket.
pub const STRANGE: u32 = 999;

/// A daemon with a separate directory.
pub struct Daemon {
    root: tempfile::TempDir,
    process: Mutex<Option<Child>>,
}

static SHARED: OnceLock<Daemon> = OnceLock::new();

/// The daemon that most trials share.
pub fn shared() -> &'static Daemon {
    SHARED.get_or_init(|| {
        let daemon = Daemon::start(&["shared/docker.sock", "strange/docker.sock"], &[]);
        chown(daemon.path("shared/docker.sock"), Some(0), Some(GROUP)).unwrap();
        chown(daemon.path("strange/docker.sock"), Some(0), Some(STRANGE)).unwrap();
        daemon
    })
}

/// Stops the shared daemon and its containers.
pub fn clean_up() {
    if let Some(daemon) = SHARED.get() {
        daemon.end();
    }
}

impl Daemon {
    /// Starts a daemon that listens on its default socket and on these sockets. A relative path is
    /// relative to its directory.
    pub fn start(sockets: &[&str], options: &[&str]) -> Self {
        let root = tempfile::Builder::new().prefix("caid").tempdir_in("/tmp").unwrap();
        let path = |relative: &str| root.path().join(relative);
        let mut command = Command::new("dockerd");
        // The containers need no network, and overlays may not work on a nested file system.
        command.args(["--iptables=false", "--ip6tables=false", "--bridge=none"]);
        command.arg("--storage-driver=vfs").args(options);
        for (option, name) in
            [("--data-root", "data"), ("--exec-root", "exec"), ("--pidfile", "pid")]
        {
            command.arg(option).arg(path(name));
        }
        for socket in sockets.iter().chain(&["own.sock"]) {
            std::fs::create_dir_all(path(socket).parent().unwrap()).unwrap();
            command.arg("-H").arg(format!("unix://{}", path(socket).display()));
        }
        let log = File::create(path("log")).unwrap();
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let process = command.spawn().expect("dockerd (Debian: docker.io)");
        let daemon = Self { root, process: Mutex::new(Some(process)) };
        daemon.wait();
        // Like the socket that ssh creates for Lima's forward. cai reports a socket that others can
        // open.
        set_permissions(daemon.socket(), Permissions::from_mode(0o600)).unwrap();
        daemon
    }

    /// A path in its directory.
    pub fn path(&self, relative: &str) -> PathBuf {
        self.root.path().join(relative)
    }

    /// The socket that the tests use.
    pub fn socket(&self) -> PathBuf {
        self.path("own.sock")
    }

    /// Waits until it answers. It creates its sockets late and has no other sign that it is ready.
    fn wait(&self) {
        loop {
            if UnixStream::connect(self.socket()).is_ok() && self.run(&["version"]).status.success()
            {
                return;
            }
            let mut process = self.process.lock().unwrap();
            if let Some(status) = process.as_mut().unwrap().try_wait().unwrap() {
                let mut log = String::new();
                File::open(self.path("log")).unwrap().read_to_string(&mut log).unwrap();
                panic!("dockerd ended ({status}):\n{log}");
            }
            drop(process);
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Runs `docker` with this daemon.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.command(&[&["docker"], arguments].concat())
    }

    /// The output of a `docker` command that must succeed.
    #[track_caller]
    pub fn docker(&self, arguments: &[&str]) -> String {
        self.run(arguments).success().trim().to_owned()
    }

    /// Runs a program that uses this daemon.
    pub fn command(&self, words: &[&str]) -> Ran {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).env("DOCKER_HOST", format!("unix://{}", self.socket().display()));
        command.env_remove("DOCKER_CONTEXT").stdin(Stdio::null());
        let output = command.output().unwrap_or_else(|error| panic!("{}: {error}", words[0]));
        Ran {
            line: words.join(" "),
            status: output.status,
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Makes it the engine of a sandbox instead of the engine in a VM.
    pub fn serve(&self, sandbox: &Sandbox) {
        let place = sandbox.path("lima/containai-secure/sock/docker.sock");
        std::os::unix::fs::symlink(self.socket(), place).unwrap();
    }

    /// Deletes its containers and stops it.
    pub fn end(&self) {
        let process = self.process.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut process) = process else { return };
        let all = self.run(&["ps", "--all", "--quiet"]).stdout;
        let all: Vec<&str> = all.lines().collect();
        if !all.is_empty() {
            self.run(&[&["rm", "--force", "--volumes"], all.as_slice()].concat());
        }
        let pid = nix::unistd::Pid::from_raw(i32::try_from(process.id()).unwrap());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
        process.wait().unwrap();
        // The files belong to root, and mounts end with the daemon.
        let _ = std::fs::remove_dir_all(self.root.path());
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.end();
    }
}
