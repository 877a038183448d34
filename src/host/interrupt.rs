//! Handles Ctrl-C and requests to end this process.
//!
//! The commands that `cai` runs have their own process groups, so they do not get these signals.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use duct::{Expression, Handle};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

/// The exit code of an interrupted process: 128 plus SIGINT.
pub const INTERRUPTED: u8 = 130;

/// Called at the first interrupt.
pub type Heard = Box<dyn Fn() + Send>;

struct State {
    /// The process groups of the running commands.
    running: BTreeSet<i32>,
    /// The process groups that an interrupt killed.
    ended: BTreeSet<i32>,
    /// If set, the first interrupt only calls this, and the running commands finish.
    patient: Option<Heard>,
    interrupted: bool,
}

static STATE: Mutex<State> = Mutex::new(State {
    running: BTreeSet::new(),
    patient: None,
    interrupted: false,
    ended: BTreeSet::new(),
});

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// While this lives, the first interrupt does not kill the running commands.
#[derive(Debug)]
pub struct GracefulInterrupt(());

impl Drop for GracefulInterrupt {
    fn drop(&mut self) {
        state().patient = None;
    }
}

/// Installs the handler: an interrupt kills the running commands and ends this process with exit
/// code [`INTERRUPTED`]. With a [`GracefulInterrupt`], only the second one does. If commands are
/// running then, this process does not exit immediately, so that it can report how they ended. If
/// none is running (during a download), it exits. Call it once.
///
/// # Errors
/// When the system refuses, or the handler was installed before.
pub fn handle() -> Result<(), ctrlc::Error> {
    ctrlc::set_handler(|| {
        let mut state = state();
        if !state.interrupted
            && let Some(heard) = &state.patient
        {
            heard();
            state.interrupted = true;
            return;
        }
        let State { running, ended, .. } = &mut *state;
        ended.clone_from(running);
        for group in &*running {
            // The command may have ended already.
            let _ = killpg(Pid::from_raw(*group), Signal::SIGKILL);
        }
        if state.patient.is_none() || state.running.is_empty() {
            std::process::exit(INTERRUPTED.into());
        }
    })
}

pub(super) fn patiently(heard: Heard) -> GracefulInterrupt {
    state().patient = Some(heard);
    GracefulInterrupt(())
}

pub(super) fn interrupted() -> bool {
    state().interrupted
}

/// Registers a command while it runs.
pub(super) struct RunningCommand(Vec<i32>);

impl RunningCommand {
    /// Starts a command. The lock is held until the command is registered, so no interrupt misses
    /// it.
    pub(super) fn start(expression: &Expression) -> io::Result<(Handle, Self)> {
        let mut state = state();
        let handle = expression.start()?;
        let pids = handle.pids();
        let groups: Vec<i32> = pids.iter().filter_map(|pid| i32::try_from(*pid).ok()).collect();
        state.running.extend(&groups);
        Ok((handle, Self(groups)))
    }

    /// Whether an interrupt killed it.
    pub(super) fn was_interrupted(&self) -> bool {
        let state = state();
        self.0.iter().any(|group| state.ended.contains(group))
    }
}

impl Drop for RunningCommand {
    fn drop(&mut self) {
        let mut state = state();
        for group in &self.0 {
            state.running.remove(group);
            state.ended.remove(group);
        }
    }
}
