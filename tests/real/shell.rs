//! A user's open shell in the guest.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};

/// A shell that waits for a line and echoes it.
pub struct OpenShell {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl OpenShell {
    /// The script that it runs.
    pub const SCRIPT: &str = "echo ready; read line; echo \"still here: $line\"";

    /// Opens it with this command, which runs the script.
    pub fn start(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        Self { child, output }
    }

    /// Checks that it still answers, and ends it.
    pub fn lives(mut self) {
        self.child.stdin.take().unwrap().write_all(b"yes\n").unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        assert_eq!(line, "still here: yes\n");
        assert!(self.child.wait().unwrap().success());
    }
}
