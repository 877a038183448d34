//! Guests that are systemd containers. Most scenarios use them.
//!
//! QEMU without hardware acceleration takes a minute to boot, and everything in its guest takes ten times
//! as long as on the host. A container of systemd-nspawn boots the same disk with the same systemd, sshd,
//! dockerd and apt in a few seconds. Its network has the same addresses as QEMU's and Lima's. It shares the
//! host's kernel, so scenarios about the machine itself use QEMU (`vm.rs`).
//!
//! Known differences: `/proc/meminfo` is a file with the configured memory, CPU affinity limits the
//! processors, the cgroup controllers for memory and CPU are missing, and `/proc/sys` outside of `net` is
//! read-only.
//!
//! Booting a container needs root, but `limactl` refuses to run as root. The test process therefore boots
//! the container, at the request of the process that `limactl` starts as the machine.

use std::fs::{self, File, Permissions};
use std::io::{self, BufRead, BufReader, Write};
use std::net::Shutdown;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The name of the socket on which the tests listen, next to `LIMA_HOME`.
pub const SOCKET: &str = "containers.sock";
/// The message that presses the power button. Closing the connection pulls the plug.
pub const POWER_BUTTON: &str = "power button";

const BOOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/real/container/boot");
const PAUSE: Duration = Duration::from_millis(20);

/// A request to boot a container, sent as one line of JSON.
#[derive(Serialize, Deserialize)]
pub struct Request {
    pub hostname: String,
    pub cpus: u64,
    /// The root disk, in raw format.
    pub disk: PathBuf,
    /// The cidata disk, in raw format.
    pub cidata: PathBuf,
    /// The file for the console's output.
    pub console: PathBuf,
    /// The port of the guest's sshd on this host.
    pub ssh_port: u16,
}

/// Boots a container for each connection, one after another: a disk must be unmounted before its next boot.
pub fn serve(socket: &Path) {
    let listener = UnixListener::bind(socket).unwrap();
    fs::set_permissions(socket, Permissions::from_mode(0o666)).unwrap();
    thread::spawn(move || {
        for connection in listener.incoming() {
            if let Err(error) = connection.and_then(answer) {
                eprintln!("failed to run a test's container: {error}");
            }
        }
    });
}

/// Serves one connection and replies with the error, if any. The connection ends when the machine
/// stops.
fn answer(connection: UnixStream) -> io::Result<()> {
    let result = boot(&connection);
    if let Err(error) = &result {
        // If the plug was pulled, the other side has closed the connection.
        let _ = writeln!(&connection, "{error}");
    }
    connection.shutdown(Shutdown::Both)?;
    result
}

/// Boots a container and waits for its end.
fn boot(connection: &UnixStream) -> io::Result<()> {
    let mut lines = BufReader::new(connection.try_clone()?).lines();
    let Some(line) = lines.next() else { return Ok(()) };
    let request: Request = serde_json::from_str(&line?)?;
    let directory = tempfile::tempdir()?;
    let mut machine = start(&request, directory.path())?;
    let network = connect(&request, &machine, directory.path());

    let (sender, signals) = mpsc::channel();
    if network.is_err() {
        kill(process(&machine), Signal::SIGUSR1)?;
    }
    thread::spawn(move || {
        for _ in lines.map_while(Result::ok) {
            let _ = sender.send(Signal::SIGTERM);
        }
        let _ = sender.send(Signal::SIGUSR1);
    });
    let status = wait(&mut machine, &signals)?;
    network?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("boot: {status}"))) }
}

fn process(child: &Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).unwrap_or_default())
}

/// Starts the machine in new namespaces. It ends with this process.
fn start(request: &Request, directory: &Path) -> io::Result<Child> {
    let root = directory.join("root");
    fs::create_dir(&root)?;
    let console = File::create(&request.console)?;
    Command::new("setpriv")
        .args(["--pdeathsig=USR1", "unshare", "--mount", "--net", BOOT])
        .args([&root, &request.disk, &request.cidata])
        .args([&request.cpus.to_string(), &request.hostname])
        .stdin(Stdio::null())
        .stdout(console.try_clone()?)
        .stderr(console)
        .spawn()
}

/// The process that connects a machine to its network.
struct Network(Child);

impl Drop for Network {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Connects the machine to a user-mode network like QEMU's.
fn connect(request: &Request, machine: &Child, directory: &Path) -> io::Result<Network> {
    let namespace = |process: &str| fs::read_link(format!("/proc/{process}/ns/net"));
    let (ours, id) = (namespace("self")?, machine.id().to_string());
    // If the machine has ended already, reading its namespace fails.
    while namespace(&id)? == ours {
        thread::sleep(PAUSE);
    }
    let socket = directory.join("network.sock");
    let child = Command::new("setpriv")
        .args(["--pdeathsig=KILL", "slirp4netns", "--cidr=192.168.5.0/24", "--api-socket"])
        .arg(&socket)
        .args([&id, "eth0"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let mut network = Network(child);
    let mut connection = loop {
        if let Ok(connection) = UnixStream::connect(&socket) {
            break connection;
        }
        if let Some(status) = network.0.try_wait()? {
            return Err(io::Error::other(format!("slirp4netns: {status}")));
        }
        thread::sleep(PAUSE);
    };
    let forward = json!({"execute": "add_hostfwd", "arguments": {
        "proto": "tcp", "host_addr": "127.0.0.1", "host_port": request.ssh_port,
        "guest_addr": "192.168.5.15", "guest_port": 22,
    }});
    connection.write_all(forward.to_string().as_bytes())?;
    let reply = io::read_to_string(connection)?;
    if reply.contains("error") { Err(io::Error::other(reply)) } else { Ok(network) }
}

/// Passes signals on to the machine until it exits.
fn wait(machine: &mut Child, signals: &Receiver<Signal>) -> io::Result<ExitStatus> {
    loop {
        if let Some(status) = machine.try_wait()? {
            return Ok(status);
        }
        match signals.recv_timeout(PAUSE) {
            Ok(signal) => kill(process(machine), signal)?,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => thread::sleep(PAUSE),
        }
    }
}
