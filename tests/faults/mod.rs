//! Tests with interference: other processes, an interrupt, a killed process.

mod hostile;
mod interrupt;
mod kill;
mod lock;
mod secrets;
mod soak;
mod system;
mod tools;

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStderr, Stdio};

use crate::support::sandbox::{DockerGuard, Sandbox};

pub fn trials() -> Vec<libtest_mimic::Trial> {
    [
        hostile::trials(),
        interrupt::trials(),
        kill::trials(),
        lock::trials(),
        secrets::trials(),
        soak::trials(),
        tools::trials(),
        system::trials(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A running `cai`.
struct Running {
    child: Child,
    stderr: BufReader<ChildStderr>,
    docker: DockerGuard,
    line: String,
}

impl Running {
    fn start(sandbox: &Sandbox, arguments: &[&str]) -> Self {
        let words = [&["cai"], arguments].concat();
        let (docker, line) = (sandbox.docker_guard(), words.join(" "));
        let mut command = sandbox.command(&words);
        let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self { child, stderr, docker, line }
    }

    /// Reads the output until a line with this text. Returns all of it.
    fn says(&mut self, text: &str) -> String {
        let mut said = String::new();
        while !said.contains(text) {
            let read = self.stderr.read_line(&mut said).unwrap();
            assert!(read > 0, "it never said {text:?}:\n{said}");
        }
        said
    }

    /// Sends SIGINT to it, as Ctrl-C does.
    fn interrupt(&self) {
        let pid = nix::unistd::Pid::from_raw(self.child.id().cast_signed());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).unwrap();
    }

    /// Waits until it exits. Returns its exit code and the output since the last read. Checks that
    /// it did not change the user's Docker files.
    fn end(mut self) -> (Option<i32>, String) {
        let mut said = String::new();
        while self.stderr.read_line(&mut said).unwrap() > 0 {}
        let code = self.child.wait().unwrap().code();
        self.docker.check(&self.line);
        (code, said)
    }
}
