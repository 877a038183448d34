//! `cai` on a terminal with 80 columns and 24 lines.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use nix::pty::{Winsize, openpty};
use nix::sys::termios::{InputFlags, LocalFlags, OutputFlags, tcgetattr};

use super::sandbox::{DockerGuard, Ran, Sandbox, line, start};

/// How long to wait for expected output.
const PATIENCE: Duration = Duration::from_secs(60);

/// A `cai` that runs on a terminal.
pub struct Session {
    /// Checked when `cai` exits.
    docker: Option<DockerGuard>,
    line: String,
    child: Child,
    master: File,
    news: Receiver<Vec<u8>>,
    /// Everything that was written to the terminal.
    pub bytes: Vec<u8>,
    /// The current screen.
    screen: vt100::Parser,
}

impl Sandbox {
    /// Starts `cai` on a terminal.
    pub fn start_on_terminal(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Session {
        self.start_on(80, Some(Stdio::piped()), arguments, variables)
    }

    /// Everything that `cai` prints, also to stdout, on a terminal with this many columns.
    pub fn printed_on_terminal(
        &self,
        columns: u16,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Ran {
        self.start_on(columns, None, arguments, variables).end()
    }

    /// Starts `cai` on a terminal with this many columns, which is also stdout unless that is given.
    fn start_on(
        &self,
        columns: u16,
        stdout: Option<Stdio>,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Session {
        let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        let terminal = openpty(&size, None).unwrap();
        let mut command = self.command(&["cai"]);
        command.args(arguments).envs(variables.iter().copied());
        let screen = || Stdio::from(terminal.slave.try_clone().unwrap());
        command.stdin(screen()).stdout(stdout.unwrap_or_else(screen)).stderr(screen());
        let (docker, line) = (Some(self.docker_guard()), line(&command));
        let child = start(&mut command);
        drop(terminal.slave);
        // The command also holds the terminal's other end. Reading ends only when that is closed.
        drop(command);
        let master = File::from(terminal.master);
        let mut reader = master.try_clone().unwrap();
        let (sender, news) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // On Linux, reading from a terminal that no process has open fails.
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        // The default size is the same.
        let screen = vt100::Parser::default();
        Session { docker, line, child, master, news, bytes: Vec::new(), screen }
    }

    /// Runs `cai` on a terminal and types this line. `stderr` has everything that was written to
    /// the terminal.
    pub fn cai_on_terminal(&self, arguments: &[&str], typed: &str) -> Ran {
        let mut session = self.start_on_terminal(arguments, &[]);
        session.answer(typed);
        session.end()
    }
}

impl Session {
    /// Waits until the terminal shows this text. Returns its line.
    #[track_caller]
    pub fn see(&mut self, wanted: &str) -> String {
        loop {
            let screen = self.screen.screen().contents();
            if let Some(line) = screen.lines().find(|line| line.contains(wanted)) {
                return line.trim_end().to_owned();
            }
            match self.news.recv_timeout(PATIENCE) {
                Ok(bytes) => self.hear(&bytes),
                Err(error) => panic!("{wanted:?} does not appear, {error}:\n{screen}"),
            }
        }
    }

    /// Types a line.
    pub fn answer(&mut self, line: &str) {
        self.master.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// Ends the input, as Ctrl-D at the start of a line does.
    pub fn end_input(&mut self) {
        self.master.write_all(b"\x04").unwrap();
    }

    /// Sends SIGINT to it, as Ctrl-C does.
    pub fn interrupt(&self) {
        let pid = nix::unistd::Pid::from_raw(self.child.id().cast_signed());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).unwrap();
    }

    /// The terminal's input, local and output modes.
    pub fn modes(&self) -> (InputFlags, LocalFlags, OutputFlags) {
        let modes = tcgetattr(&self.master).unwrap();
        (modes.input_flags, modes.local_flags, modes.output_flags)
    }

    /// The current screen.
    pub fn screen(&self) -> &vt100::Screen {
        self.screen.screen()
    }

    fn hear(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.screen.process(bytes);
    }

    /// Waits until it exits.
    pub fn end(&mut self) -> Ran {
        while let Ok(bytes) = self.news.recv_timeout(PATIENCE) {
            self.hear(&bytes);
        }
        let mut stdout = String::new();
        if let Some(mut pipe) = self.child.stdout.take() {
            pipe.read_to_string(&mut stdout).unwrap();
        }
        let status = self.child.wait().unwrap();
        if let Some(docker) = self.docker.take() {
            docker.check(&self.line);
        }
        let stderr = String::from_utf8_lossy(&self.bytes).replace("\r\n", "\n");
        Ran { line: self.line.clone(), status, stdout, stderr }
    }
}
