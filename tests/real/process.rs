//! The processes of a VM on this machine: the machine, Lima's host agent, and the ssh process of
//! Lima's connection.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::engine::Engine;

/// The QEMU process.
pub fn machine(engine: &Engine) -> Pid {
    named_in(engine, "qemu.pid")
}

/// Lima's host agent.
pub fn agent(engine: &Engine) -> Pid {
    named_in(engine, "ha.pid")
}

fn named_in(engine: &Engine, file: &str) -> Pid {
    let text = std::fs::read_to_string(engine.instance(file)).unwrap();
    Pid::from_raw(text.trim().parse().unwrap())
}

/// The ssh process of Lima's connection, which also has the forward.
pub fn master(engine: &Engine) -> Pid {
    let check = engine.ssh(&["-O", "check"], &[]);
    let pid = check.stderr.split_once("(pid=").and_then(|(_, rest)| rest.split_once(')'));
    let (pid, _) = pid.unwrap_or_else(|| panic!("no process: {check}"));
    Pid::from_raw(pid.parse().unwrap())
}

/// Kills a process, and waits until it is gone: its sockets accept connections until then.
pub fn end(pid: Pid) {
    kill(pid, Signal::SIGKILL).unwrap();
    let stat = format!("/proc/{pid}/stat");
    // A zombie has no sockets any more.
    let is_gone = |stat: String| stat.rsplit_once(") ").is_none_or(|(_, it)| it.starts_with('Z'));
    while !std::fs::read_to_string(&stat).map_or(true, is_gone) {
        std::thread::yield_now();
    }
}

/// A process that is stopped until this value is dropped.
pub struct Frozen(Pid);

impl Frozen {
    pub fn new(pid: Pid) -> Self {
        kill(pid, Signal::SIGSTOP).unwrap();
        Self(pid)
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        // The process may have ended.
        let _ = kill(self.0, Signal::SIGCONT);
    }
}
