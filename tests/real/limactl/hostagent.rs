//! `limactl hostagent`: the process that accompanies each running instance.
//!
//! It owns the machine's process, opens the shared SSH connection, forwards the sockets once, and
//! reports to `start` with events on its stdout.
use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{ExitCode, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

use nix::sys::signal::{SigSet, Signal};
use serde_json::{Value, json};

use containai::simulate::Arguments;

use super::instance::{self, Instance};
use super::{Result, guest, log, machine, quote, ssh};

/// How often and at which interval the agent checks whether the guest is ready.
const TRIES: u32 = 1800;
const PAUSE: Duration = Duration::from_secs(1);

/// The reasons for the agent to end.
enum End {
    Signal,
    Machine(std::io::Result<ExitStatus>),
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let name = arguments.only()?;
    let instance = Instance::inspect(name)?.ok_or_else(|| format!("no instance {name}"))?;
    let pid_file = instance.dir.join("ha.pid");
    // A separate session, so that closing the terminal of `start` does not end the instance.
    let _ = nix::unistd::setsid();
    // Blocked before the first thread starts, so that a single thread can wait for these signals.
    let signals = SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM]);
    signals.thread_block().map_err(|error| error.to_string())?;
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&pid_file)
        .and_then(|mut file| writeln!(file, "{}", std::process::id()))
        .map_err(|error| format!("{}: {error}", pid_file.display()))?;
    let ended = serve(&instance, signals);
    clean_up(&instance);
    emit(&match &ended {
        Ok(()) => json!({"exiting": true}),
        Err(error) => json!({"exiting": true, "errors": [error]}),
    });
    ended.map(|()| ExitCode::SUCCESS)
}

fn serve(instance: &Instance, signals: SigSet) -> Result<()> {
    let port = ssh::write_config(instance)?;
    listen(instance)?;
    let cidata = guest::make_cidata(instance)?;
    let mut child = machine::spawn(instance, &cidata, port)?;
    emit(&json!({"sshLocalPort": port}));
    let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap_or_default());

    let (ends, ended) = mpsc::channel();
    let signalled = ends.clone();
    spawn(move || {
        let _ = signals.wait();
        signalled.send(End::Signal)
    });
    spawn(move || ends.send(End::Machine(child.wait())));
    let name = instance.name.clone();
    spawn(move || bring_up(&name, port));

    match ended.recv() {
        Ok(End::Signal) => {
            log::info("Received SIGINT, shutting down the host agent");
            shut_down(instance, &ended, pid);
            Ok(())
        }
        Ok(End::Machine(Ok(status))) if status.success() => {
            log::info("The guest has switched itself off");
            Ok(())
        }
        Ok(End::Machine(Ok(status))) => Err(format!("Driver stopped due to error: {status}")),
        Ok(End::Machine(Err(error))) => Err(format!("Driver stopped due to error: {error}")),
        Err(error) => Err(error.to_string()),
    }
}

/// Listens until this process ends. Other processes use this to check that the agent is alive.
fn listen(instance: &Instance) -> Result<()> {
    let socket = instance.dir.join("ha.sock");
    // A killed agent leaves its socket.
    let _ = fs::remove_file(&socket);
    let listener =
        UnixListener::bind(&socket).map_err(|error| format!("{}: {error}", socket.display()))?;
    spawn(move || listener.incoming().for_each(drop));
    Ok(())
}

/// Waits for the guest and sets up its SSH connection and the forwards.
fn bring_up(name: &str, port: u16) {
    let result = Instance::inspect(name).and_then(|instance| {
        let instance = instance.ok_or_else(|| format!("no instance {name}"))?;
        wait_for_sshd(port)?;
        // The shared connection opens before any provisioning script runs, so it has the user's
        // groups from before. The guest waits for this file.
        retry("the ssh connection", || {
            ssh::run(&instance, "sudo touch /run/cai-test-session-open")
        })?;
        forward_sockets(&instance);
        for probe in instance.config()?.list("probes") {
            retry(probe["description"].as_str().unwrap_or("a probe"), || {
                probe_succeeds(&instance, probe)
            })?;
        }
        retry("the end of the provisioning", || {
            ssh::run(&instance, "while ! test -e /run/lima-boot-done; do sleep 0.5; done")
        })
    });
    match result {
        Ok(()) => emit(&json!({"running": true, "sshLocalPort": port})),
        Err(error) => {
            log::error(&error);
            emit(&json!({
                "running": true, "degraded": true, "errors": [error], "sshLocalPort": port,
            }));
        }
    }
}

fn retry(what: &str, mut attempt: impl FnMut() -> bool) -> Result<()> {
    log::info(&format!("Waiting for {what}"));
    for _ in 0..TRIES {
        if attempt() {
            return Ok(());
        }
        sleep(PAUSE);
    }
    Err(format!("failed to satisfy {what}"))
}

/// Waits for sshd's greeting. QEMU accepts connections long before the guest does, so only data
/// from the guest counts.
fn wait_for_sshd(port: u16) -> Result<()> {
    let start = Instant::now();
    let deadline = start + TRIES * PAUSE;
    let greeted = || -> std::io::Result<bool> {
        let mut connection = TcpStream::connect(("127.0.0.1", port))?;
        // A slow guest gets more time, because each abandoned connection has cost it a process.
        let patience = (start.elapsed() / 5).max(Duration::from_secs(2));
        connection.set_read_timeout(Some(patience))?;
        let mut greeting = [0; 4];
        connection.read_exact(&mut greeting)?;
        Ok(&greeting == b"SSH-")
    };
    while !greeted().unwrap_or(false) {
        if Instant::now() >= deadline {
            return Err("failed to satisfy ssh".to_owned());
        }
        sleep(Duration::from_millis(200));
    }
    Ok(())
}

/// Forwards every socket once. Nothing monitors the forwards afterward.
fn forward_sockets(instance: &Instance) {
    for (host, guest) in instance.socket_forwards() {
        if let Some(directory) = Path::new(host).parent() {
            let _ = fs::DirBuilder::new().recursive(true).mode(0o750).create(directory);
        }
        let _ = fs::remove_file(host);
        log::info(&format!(
            "Forwarding {} (guest) to {} (host)",
            quote::go(guest),
            quote::go(host)
        ));
        if !ssh::control(instance, &["forward", "-L", &format!("{host}:{guest}")]) {
            log::warning(&format!("failed to forward {}", quote::go(guest)));
        }
    }
}

/// Runs the script with the interpreter in its first line.
fn probe_succeeds(instance: &Instance, probe: &Value) -> bool {
    let script = probe["script"].as_str().unwrap_or_default();
    let interpreter = script.lines().next().and_then(|line| line.strip_prefix("#!"));
    let mut command = String::new();
    for (name, value) in instance.config().map(guest::parameters).unwrap_or_default() {
        let _ = write!(command, "{name}={} ", quote::shell(&value));
    }
    command.push_str(interpreter.unwrap_or("/bin/sh"));
    let child = ssh::ssh(instance)
        .args([&instance.hostname(), "--", &command])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn();
    let Ok(mut child) = child else {
        return false;
    };
    if let Some(mut stdin) = child.stdin.take() {
        let _ = stdin.write_all(script.as_bytes());
    }
    child.wait().is_ok_and(|status| status.success())
}

/// Closes the SSH connection, then presses the power button until the machine is off.
fn shut_down(instance: &Instance, ended: &Receiver<End>, pid: nix::unistd::Pid) {
    for (host, guest) in instance.socket_forwards() {
        ssh::control(instance, &["cancel", "-L", &format!("{host}:{guest}")]);
    }
    if instance.dir.join("ssh.sock").exists() {
        ssh::control(instance, &["exit"]);
    }
    let deadline = Instant::now() + Duration::from_secs(180);
    while Instant::now() < deadline {
        // A guest that is still booting ignores the first press.
        if let Err(error) = machine::power_down(instance, pid) {
            log::warning(&format!("failed to press the power button: {error}"));
        }
        match ended.recv_timeout(Duration::from_secs(10)) {
            Ok(End::Machine(_)) | Err(RecvTimeoutError::Disconnected) => return,
            Ok(End::Signal) | Err(RecvTimeoutError::Timeout) => {}
        }
    }
    log::warning("The guest did not switch off, killing it");
    instance::kill_now(pid);
}

fn clean_up(instance: &Instance) {
    for (host, _) in instance.socket_forwards() {
        let _ = fs::remove_file(host);
    }
    for file in ["ha.sock", "ssh.sock", "qmp.sock", "qemu.pid", "ha.pid"] {
        let _ = fs::remove_file(instance.dir.join(file));
    }
}

/// Writes an event for `start`.
fn emit(status: &Value) {
    let mut stdout = std::io::stdout().lock();
    let _ = writeln!(stdout, "{}", json!({"time": log::now(), "status": status}));
    let _ = stdout.flush();
}
