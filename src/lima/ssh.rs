//! `ssh` to a guest, on the connection that Lima keeps.
//!
//! Lima opens one master connection per instance when it starts it, before anything is
//! provisioned, and everything rides on it: `limactl shell`, and the forward of the Docker socket.
//! A login session keeps the groups it began with, so a group that the user joins later is not
//! seen until there is a new master.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::host::CommandSpec;
use crate::model::VmName;

/// Where dockerd listens in the guest.
pub const GUEST_SOCKET: &str = "/var/run/docker.sock";
/// How long one command in a guest may take; a slow emulated guest needs seconds.
const GUEST: Duration = Duration::from_secs(90);

/// Builds `ssh` command lines for one instance.
#[derive(Debug, Clone)]
pub struct Ssh {
    program: PathBuf,
    directory: PathBuf,
    host: String,
}

impl Ssh {
    /// For an instance with this directory.
    pub fn new(program: PathBuf, directory: &Path, name: &VmName) -> Self {
        // Lima's own rule for the guest's host name, which ssh.config uses (`lima-` and the name).
        let host = format!("lima-{}", name.as_str().replace(['.', '_'], "-"));
        Self { program, directory: directory.to_owned(), host }
    }

    /// The control socket of Lima's master connection.
    pub fn control_socket(directory: &Path) -> PathBuf {
        directory.join("ssh.sock")
    }

    /// The longest path of a socket of an instance: ssh makes its control socket under a longer name
    /// first, so Lima refuses an instance in whose directory that would not fit.
    pub fn longest_socket(directory: &Path) -> PathBuf {
        directory.join("ssh.sock.1234567890123456")
    }

    /// The forwarded Docker socket on the host.
    pub fn docker_socket(directory: &Path) -> PathBuf {
        directory.join("sock").join("docker.sock")
    }

    fn with_config(&self) -> CommandSpec {
        CommandSpec::new(&self.program).arg("-F").arg(self.directory.join("ssh.config"))
    }

    /// Runs a command on Lima's master connection, which is opened when there is none.
    /// The arguments are quoted for the login shell of the guest.
    pub fn run(&self, arguments: &[&str]) -> CommandSpec {
        self.with_config().args([self.host.as_str(), &quote(arguments)]).timeout(GUEST)
    }

    /// Runs a command that only looks, on the live master or else on a connection of its own, which
    /// leaves nothing behind: a look must not open a master that nobody asked for.
    pub fn look(&self, arguments: &[&str]) -> CommandSpec {
        self.with_config()
            .args(["-o", "ControlMaster=no", self.host.as_str(), &quote(arguments)])
            .timeout(GUEST)
    }

    /// Makes the forward of the Docker socket, on the live master.
    pub fn forward(&self) -> CommandSpec {
        self.control("forward").arg("-L").arg(self.forwarding()).arg(&self.host)
    }

    /// Cancels the forward. Exits 0 when there is none, and leaves the socket file behind.
    pub fn cancel_forward(&self) -> CommandSpec {
        self.control("cancel").arg("-L").arg(self.forwarding()).arg(&self.host)
    }

    /// Asks the master to take no new sessions. It lives until its open ones end, so a user's
    /// open shells go on.
    pub fn stop_master(&self) -> CommandSpec {
        self.control("stop").arg(&self.host)
    }

    fn control(&self, operation: &str) -> CommandSpec {
        self.with_config().args(["-O", operation])
    }

    fn forwarding(&self) -> OsString {
        let path = Self::docker_socket(&self.directory).into_os_string();
        // ssh takes a colon for the end of the path, and expands what follows a percent sign. A path
        // that is no text cannot be escaped, and ssh will say so.
        let mut forwarding = match path.into_string() {
            Ok(path) => path.replace('\\', r"\\").replace(':', r"\:").replace('%', "%%").into(),
            Err(path) => path,
        };
        forwarding.push(":");
        forwarding.push(GUEST_SOCKET);
        forwarding
    }
}

/// One line for a remote shell that gives back exactly these arguments.
fn quote(arguments: &[&str]) -> String {
    // An argument with a NUL cannot exist; names are validated before they come here.
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
