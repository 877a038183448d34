//! The processes of a VM on this machine: its machine, Lima's host agent, the ssh that everything
//! rides on.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::engine::Engine;

/// QEMU.
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

/// The ssh that holds Lima's connection, and the forward on it.
pub fn master(engine: &Engine) -> Pid {
    let check = engine.ssh(&["-O", "check"], &[]);
    let pid = check.stderr.split_once("(pid=").and_then(|(_, rest)| rest.split_once(')'));
    let (pid, _) = pid.unwrap_or_else(|| panic!("no process: {check}"));
    Pid::from_raw(pid.parse().unwrap())
}

/// Ends a process at once.
pub fn end(pid: Pid) {
    kill(pid, Signal::SIGKILL).unwrap();
}

/// A process that does nothing, until this goes.
pub struct Frozen(Pid);

impl Frozen {
    pub fn new(pid: Pid) -> Self {
        kill(pid, Signal::SIGSTOP).unwrap();
        Self(pid)
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        // It may be gone.
        let _ = kill(self.0, Signal::SIGCONT);
    }
}
