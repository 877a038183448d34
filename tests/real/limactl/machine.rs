//! The machine of an instance: a QEMU virtual machine, or a systemd container if the tests boot
//! containers.
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};

use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::Pid;

use containai::simulate::Arguments;

use super::instance::{self, Instance};
use super::{Result, qemu};
use crate::real::container::{POWER_BUTTON, Request, SOCKET};

/// The socket of the tests, if they boot containers.
fn containers() -> Option<PathBuf> {
    let socket = instance::lima_home().with_file_name(SOCKET);
    socket.exists().then_some(socket)
}

pub(super) fn is_container() -> bool {
    containers().is_some()
}

/// Starts the machine in a separate process group, so that it outlives a killed host agent.
pub(super) fn spawn(instance: &Instance, cidata: &Path, ssh_port: u16) -> Result<Child> {
    if !is_container() {
        return qemu::spawn(instance, cidata, ssh_port);
    }
    let config = instance.config()?;
    let request = Request {
        hostname: instance.hostname(),
        cpus: config.number("/cpus"),
        disk: instance.dir.join("disk"),
        cidata: cidata.to_owned(),
        console: instance.dir.join("serial.log"),
        ssh_port,
    };
    let request = serde_json::to_string(&request).map_err(|error| error.to_string())?;
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    Command::new(program)
        .arg0("limactl")
        .args(["machine", "--pidfile"])
        .arg(instance.dir.join("qemu.pid"))
        .arg(request)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(|error| format!("failed to start the machine: {error}"))
}

/// Presses the machine's power button.
pub(super) fn power_down(instance: &Instance, machine: Pid) -> std::io::Result<()> {
    if is_container() { Ok(kill(machine, Signal::SIGTERM)?) } else { qemu::power_down(instance) }
}

/// `limactl machine`: the process that represents a container. Killing it also kills the container.
pub(super) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let failed = |error: std::io::Error| format!("the container failed: {error}");
    let power = SigSet::from_iter([Signal::SIGTERM]);
    power.thread_block().map_err(|error| error.to_string())?;
    let socket = containers().ok_or("no test process boots containers")?;
    let mut tests = UnixStream::connect(socket).map_err(failed)?;
    writeln!(tests, "{}", arguments.only()?).map_err(failed)?;
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .open(arguments.value("--pidfile").unwrap_or_default())
        .and_then(|mut file| writeln!(file, "{}", std::process::id()))
        .map_err(failed)?;
    let mut button = tests.try_clone().map_err(failed)?;
    std::thread::spawn(move || {
        while power.wait().is_ok() {
            let _ = writeln!(button, "{POWER_BUTTON}");
        }
    });
    let error = std::io::read_to_string(&tests).map_err(failed)?;
    if !error.is_empty() {
        return Err(error);
    }
    Ok(ExitCode::SUCCESS)
}
