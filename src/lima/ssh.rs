//! `ssh` to a guest over Lima's connection.
//!
//! Lima opens one master connection per instance at the start, before provisioning. Everything uses
//! it: `limactl shell`, and the forward of the Docker socket. A login session keeps the groups that
//! it started with, so a group that the user joins later needs a new master.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::host::CommandSpec;
use crate::model::VmName;

/// dockerd's socket in the guest.
pub const GUEST_SOCKET: &str = "/var/run/docker.sock";
/// The time limit of a command in a guest; a slow emulated guest needs seconds.
const GUEST: Duration = Duration::from_secs(90);

/// Builds `ssh` command lines for one instance.
#[derive(Debug, Clone)]
pub struct Ssh {
    program: PathBuf,
    directory: PathBuf,
    host: String,
    /// The forwarded Docker socket on the host.
    socket: PathBuf,
}

impl Ssh {
    /// Uses the instance with this directory.
    pub fn new(program: PathBuf, directory: &Path, name: &VmName) -> Self {
        // Lima's rule for the guest's host name in ssh.config: `lima-` and the name.
        let host = format!("lima-{}", name.as_str().replace(['.', '_'], "-"));
        let socket = Self::docker_socket(directory);
        Self { program, directory: directory.to_owned(), host, socket }
    }

    /// The same, with the Docker socket forwarded to this path.
    #[must_use]
    pub fn forwarding_to(self, socket: PathBuf) -> Self {
        Self { socket, ..self }
    }

    /// The control socket of Lima's master connection.
    pub fn control_socket(directory: &Path) -> PathBuf {
        directory.join("ssh.sock")
    }

    /// The longest path of a socket of an instance. ssh creates its control socket under a longer
    /// name first, and Lima refuses an instance if that path is too long.
    pub fn longest_socket(directory: &Path) -> PathBuf {
        directory.join("ssh.sock.1234567890123456")
    }

    /// Where `cai` forwards the Docker socket to.
    pub fn docker_socket(directory: &Path) -> PathBuf {
        directory.join("sock").join("docker.sock")
    }

    fn with_config(&self) -> CommandSpec {
        CommandSpec::new(&self.program).arg("-F").arg(self.directory.join("ssh.config"))
    }

    /// Runs a command over Lima's master connection and opens it if necessary. The arguments are
    /// quoted for the guest's login shell.
    pub fn run(&self, arguments: &[&str]) -> CommandSpec {
        self.with_config().args([self.host.as_str(), &quote(arguments)]).timeout(GUEST)
    }

    /// Runs a command that only reads, over the live master or else over a separate connection. It
    /// must not open a master, because that would be a change.
    pub fn look(&self, arguments: &[&str]) -> CommandSpec {
        self.with_config()
            .args(["-o", "ControlMaster=no", self.host.as_str(), &quote(arguments)])
            .timeout(GUEST)
    }

    /// Creates the forward of the Docker socket on the live master.
    pub fn forward(&self) -> CommandSpec {
        self.control("forward").arg("-L").arg(self.forwarding()).arg(&self.host)
    }

    /// Cancels the forward. Exits with 0 if the forward does not exist, and leaves the socket file.
    pub fn cancel_forward(&self) -> CommandSpec {
        self.control("cancel").arg("-L").arg(self.forwarding()).arg(&self.host)
    }

    /// Makes the master refuse new sessions. It ends when its open sessions end, so a user's open
    /// shells continue.
    pub fn stop_master(&self) -> CommandSpec {
        self.control("stop").arg(&self.host)
    }

    fn control(&self, operation: &str) -> CommandSpec {
        self.with_config().args(["-O", operation])
    }

    fn forwarding(&self) -> OsString {
        let path = self.socket.clone().into_os_string();
        // ssh ends the path at a colon and expands a percent sign. A path of invalid UTF-8 cannot
        // be escaped; ssh reports it.
        let mut forwarding = match path.into_string() {
            Ok(path) => path.replace('\\', r"\\").replace(':', r"\:").replace('%', "%%").into(),
            Err(path) => path,
        };
        forwarding.push(":");
        forwarding.push(GUEST_SOCKET);
        forwarding
    }
}

/// One line that a remote shell splits into exactly these arguments.
fn quote(arguments: &[&str]) -> String {
    // An argument cannot contain a NUL, because names are validated earlier.
    shlex::try_join(arguments.iter().copied()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_dots_is_called_as_lima_calls_it() {
        let ssh = Ssh::new("ssh".into(), Path::new("/d"), &"a.b_c-d".parse().unwrap());
        assert_eq!(
            ssh.look(&["true"]).to_string(),
            "ssh -F /d/ssh.config -o ControlMaster=no lima-a-b-c-d true"
        );
    }

    #[test]
    fn arguments_reach_the_guest_as_they_are() {
        let arguments = ["usermod", "a b", "$(reboot)", "it's", "`x`", "", "-x;"];
        let line = quote(&arguments);
        assert_eq!(shlex::split(&line).unwrap(), arguments);
    }
}
