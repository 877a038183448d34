//! What happens when a user presses Ctrl-C, or somebody asks this process to end.
//!
//! The commands that `cai` runs are in process groups of their own, so none of it reaches them by
//! itself.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use duct::{Expression, Handle};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

/// The exit code of a process that was interrupted: 128 and SIGINT.
pub const INTERRUPTED: u8 = 130;

/// Called when the first interrupt is heard.
pub type Heard = Box<dyn Fn() + Send>;

struct State {
    /// The process groups of the commands that run.
    running: BTreeSet<i32>,
    /// Those of them that an interrupt has ended.
    ended: BTreeSet<i32>,
    /// Whether what runs is let end by itself once, and who is told.
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

/// While this lives, the first interrupt lets the running commands end by themselves.
#[derive(Debug)]
pub struct GracefulInterrupt(());

impl Drop for GracefulInterrupt {
    fn drop(&mut self) {
        state().patient = None;
    }
}

/// From now on an interrupt ends the running commands, and this process with exit code
/// [`INTERRUPTED`]; see [`GracefulInterrupt`] for the exception. The second one ends this process also then,
/// where no command is left whose end could be told: in the middle of a download. To be called once.
///
/// # Errors
/// When the system refuses, or it was called before.
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
            // It may have ended in the meantime.
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

/// Takes note of a command for as long as it runs.
pub(super) struct Running(Vec<i32>);

impl Running {
    /// Starts a command. No interrupt comes between its start and the note of it.
    pub(super) fn start(expression: &Expression) -> io::Result<(Handle, Self)> {
        let mut state = state();
        let handle = expression.start()?;
        let pids = handle.pids();
        let groups: Vec<i32> = pids.iter().filter_map(|pid| i32::try_from(*pid).ok()).collect();
        state.running.extend(&groups);
        Ok((handle, Self(groups)))
    }

    /// Whether an interrupt ended it.
    pub(super) fn was_interrupted(&self) -> bool {
        let state = state();
        self.0.iter().any(|group| state.ended.contains(group))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut state = state();
        for group in &self.0 {
            state.running.remove(group);
            state.ended.remove(group);
        }
    }
}
