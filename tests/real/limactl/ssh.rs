//! The instance's SSH key, configuration file and shared connection.
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::process::{Command, Stdio};

use super::Result;
use super::create::succeeded;
use super::instance::{self, Instance};

/// Creates the key for this user's instances if it does not exist.
pub(super) fn ensure_key() -> Result<()> {
    let directory = instance::lima_home().join("_config");
    let key = directory.join("user");
    if key.exists() {
        return Ok(());
    }
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&directory)
        .map_err(|error| format!("mkdir {}: {error}", directory.display()))?;
    let output = Command::new("ssh-keygen")
        .args(["-t", "ed25519", "-q", "-N", "", "-C", "lima", "-f"])
        .arg(&key)
        .stdin(Stdio::null())
        .output();
    succeeded("ssh-keygen", output).map(drop)
}

/// The port in an ssh configuration file.
pub(super) fn port_in(file: &Path) -> Option<u16> {
    let text = fs::read_to_string(file).ok()?;
    text.lines().find_map(|line| line.trim().strip_prefix("Port ")?.parse().ok())
}

/// Writes the instance's SSH configuration file and returns its port: the port of the last start if
/// it is still free.
pub(super) fn write_config(instance: &Instance) -> Result<u16> {
    let asked = u16::try_from(instance.config()?.number("/ssh/localPort")).unwrap_or_default();
    let port = if asked == 0 { free_port(instance.ssh_port())? } else { asked };
    let dir = instance.dir.display();
    let text = format!(
        "# Written by the limactl stand-in of cai's tests at every start\n\
         Host {host}\n  \
           IdentityFile \"{key}\"\n  \
           StrictHostKeyChecking no\n  \
           UserKnownHostsFile /dev/null\n  \
           NoHostAuthenticationForLocalhost yes\n  \
           PreferredAuthentications publickey\n  \
           Compression no\n  \
           BatchMode yes\n  \
           IdentitiesOnly yes\n  \
           GSSAPIAuthentication no\n  \
           User {user}\n  \
           ControlMaster auto\n  \
           ControlPath \"{dir}/ssh.sock\"\n  \
           ControlPersist yes\n  \
           Hostname 127.0.0.1\n  \
           Port {port}\n",
        host = instance.hostname(),
        key = instance::lima_home().join("_config/user").display(),
        user = instance.config()?.text("/user/name"),
    );
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(instance.ssh_config())
        .map_err(|error| error.to_string())?;
    std::io::Write::write_all(&mut file, text.as_bytes()).map_err(|error| error.to_string())?;
    Ok(port)
}

fn free_port(wanted: u16) -> Result<u16> {
    TcpListener::bind(("127.0.0.1", wanted))
        .or_else(|_| TcpListener::bind(("127.0.0.1", 0)))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|error| format!("no free port: {error}"))
}

/// `ssh` with the instance's configuration. It uses the shared connection and opens it if
/// necessary.
pub(super) fn ssh(instance: &Instance) -> Command {
    let mut command = Command::new("ssh");
    command.arg("-F").arg(instance.ssh_config());
    command
}

/// Runs a command in the guest over the shared connection, with its output on ours.
pub(super) fn run(instance: &Instance, command: &str) -> bool {
    ssh(instance)
        .args([&instance.hostname(), "--", command])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Sends a control command, such as `exit`, to the process that holds the shared connection.
pub(super) fn control(instance: &Instance, arguments: &[&str]) -> bool {
    ssh(instance)
        .arg("-O")
        .args(arguments)
        .arg(instance.hostname())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
