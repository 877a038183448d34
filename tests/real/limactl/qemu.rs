//! The virtual machine: its QEMU process and that process's control socket.
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::config::Config;
use super::instance::Instance;
use super::{Result, disk};

/// Starts the machine in a separate process group, so that it outlives a killed host agent.
pub(super) fn spawn(instance: &Instance, cidata: &Path, ssh_port: u16) -> Result<Child> {
    let config = instance.config()?;
    let path = |name: &str| instance.dir.join(name).display().to_string();
    let mut command = Command::new("qemu-system-x86_64");
    command
        .args(["-name", &instance.hostname(), "-nodefaults", "-no-user-config"])
        // Software emulation: a test machine is often a guest itself, and nested virtualization may
        // hang. A CPU with few features is emulated fastest: a boot, 60 calls of `sudo` and a
        // restart of dockerd took 81 s, compared with 116 s for `max`.
        .args(["-machine", "pc", "-accel", "tcg,thread=multi", "-cpu", "qemu64"])
        .args(["-smp", &config.number("/cpus").to_string()])
        .args(["-m", &format!("{}M", config.bytes("memory")? >> 20)])
        // Flushes go to the host's page cache, which outlives a killed QEMU.
        .args(["-drive", &format!("file={},if=virtio,cache=unsafe", path("disk"))])
        .args(["-drive", &format!("file={},if=virtio,format=raw,read-only=on", cidata.display())])
        .args(disks(config)?)
        .args(["-netdev", &network(ssh_port), "-device", "virtio-net-pci,netdev=net0"])
        .args(["-device", "virtio-rng-pci", "-display", "none"])
        .args(["-serial", &format!("file:{}", path("serial.log"))])
        .args(["-qmp", &format!("unix:{},server=on,wait=off", path("qmp.sock"))])
        .args(["-pidfile", &path("qemu.pid")]);
    if instance.dir.join("kernel").exists() {
        command.args(["-kernel", &path("kernel")]);
        let cmdline = fs::read_to_string(path("kernel.cmdline")).unwrap_or_default();
        command.args(["-append", &cmdline]);
    }
    if instance.dir.join("initrd").exists() {
        command.args(["-initrd", &path("initrd")]);
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(|error| format!("failed to run qemu-system-x86_64: {error}"))
}

/// The disks that survive the machine.
fn disks(config: &Config) -> Result<Vec<String>> {
    let files = disk::files(config)?;
    let drive = |file: &PathBuf| format!("file={},if=virtio,cache=unsafe", file.display());
    Ok(files.iter().flat_map(|file| ["-drive".to_owned(), drive(file)]).collect())
}

/// QEMU's user network, with Lima's addresses.
fn network(ssh_port: u16) -> String {
    let restricted = match std::env::var_os("CAI_TEST_LIMACTL_NO_NETWORK") {
        Some(value) if value == "1" => ",restrict=on",
        _ => "",
    };
    format!(
        "user,id=net0,net=192.168.5.0/24,dhcpstart=192.168.5.15,hostfwd=tcp:127.0.0.1:{ssh_port}-:22{restricted}"
    )
}

/// Presses the machine's power button.
pub(super) fn power_down(instance: &Instance) -> std::io::Result<()> {
    let mut socket = UnixStream::connect(instance.dir.join("qmp.sock"))?;
    socket.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut replies = BufReader::new(socket.try_clone()?);
    let mut line = String::new();
    replies.read_line(&mut line)?;
    for command in ["qmp_capabilities", "system_powerdown"] {
        writeln!(socket, "{{\"execute\":\"{command}\"}}")?;
        replies.read_line(&mut line)?;
    }
    Ok(())
}
