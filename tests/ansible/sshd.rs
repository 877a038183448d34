//! A real sshd on a loopback port, for the user of the tests.

use std::io::{self, BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::sandbox::start;

/// A server with its own host key and its own authorized key.
pub struct Sshd {
    directory: PathBuf,
    pub port: u16,
    process: Option<Child>,
}

impl Sshd {
    /// Starts a server in this directory whose sessions have these variables.
    pub fn start(directory: &Path, variables: &[(&str, &str)]) -> Self {
        for name in ["host_key", "login_key"] {
            let mut command = Command::new("ssh-keygen");
            command
                .args(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"])
                .arg(directory.join(name));
            assert!(start(&mut command).wait().unwrap().success(), "ssh-keygen");
        }
        // Someone else can take a free port before sshd does.
        loop {
            let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            std::fs::write(directory.join("sshd_config"), config(directory, free, variables))
                .unwrap();
            if let Some(process) = listening(directory) {
                return Self {
                    directory: directory.to_owned(),
                    port: free,
                    process: Some(process),
                };
            }
        }
    }

    /// The key that it accepts.
    pub fn login_key(&self) -> PathBuf {
        self.directory.join("login_key")
    }

    /// Its line in known_hosts.
    pub fn known_host(&self) -> String {
        let key = std::fs::read_to_string(self.directory.join("host_key.pub")).unwrap();
        format!("[127.0.0.1]:{} {key}", self.port)
    }

    /// Ends it: its port then refuses connections.
    pub fn end(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        let id = Pid::from_raw(i32::try_from(process.id()).unwrap());
        kill(id, Signal::SIGTERM).unwrap();
        process.wait().unwrap();
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.end();
    }
}

fn config(directory: &Path, port: u16, variables: &[(&str, &str)]) -> String {
    let directory = directory.display();
    let variables = variables.iter().map(|(name, value)| format!(" {name}={value}"));
    let variables: String = variables.collect();
    // The directories above the keys belong to the tests, so their modes are not checked.
    format!(
        "ListenAddress 127.0.0.1:{port}\nHostKey {directory}/host_key\nPidFile none\n\
         AuthorizedKeysFile {directory}/login_key.pub\nStrictModes no\nUsePAM no\n\
         PasswordAuthentication no\nKbdInteractiveAuthentication no\n\
         PermitRootLogin prohibit-password\nSubsystem sftp internal-sftp\nSetEnv{variables}\n"
    )
}

/// A server that listens; `None` if its port is taken.
fn listening(directory: &Path) -> Option<Child> {
    // sshd starts itself again for each connection, so its path must be absolute.
    let mut command = Command::new("/usr/sbin/sshd");
    command.args(["-D", "-e", "-f"]).arg(directory.join("sshd_config"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut process = start(&mut command);
    let mut log = BufReader::new(process.stderr.take().unwrap());
    let mut text = String::new();
    while log.read_line(&mut text).unwrap() > 0 {
        if text.contains("Server listening") {
            // A full pipe would stop it.
            thread::spawn(move || io::copy(&mut log, &mut io::sink()));
            return Some(process);
        }
    }
    process.wait().unwrap();
    assert!(text.contains("Address already in use"), "sshd ended:\n{text}");
    None
}
