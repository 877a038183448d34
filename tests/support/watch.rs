//! A running `cai watch`.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::sandbox::start;

/// How long to wait for a line.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running `cai watch` that has printed its first line.
pub struct Watch {
    child: Child,
    lines: Receiver<String>,
}

impl Watch {
    /// Starts this command.
    pub fn start(mut command: Command) -> Self {
        let mut child = start(command.stdout(Stdio::piped()));
        let out = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            out.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        let watch = Self { child, lines };
        watch.says("watching /");
        watch
    }

    /// Waits for the next line, which has this text.
    #[track_caller]
    pub fn says(&self, text: &str) {
        let line = self.lines.recv_timeout(PATIENCE).expect("a line");
        assert!(line.contains(text), "{text}: {line}");
    }

    /// Ends it, and returns the output since its first line.
    pub fn end(mut self) -> Vec<String> {
        kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGINT).unwrap();
        assert_eq!(self.child.wait().unwrap().code(), Some(130));
        self.lines.iter().collect()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // It has usually ended.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
