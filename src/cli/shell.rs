//! `cai shell` and `cai logs`: they replace this process with the tool, so that signals, the terminal
//! and the exit status are the tool's.

use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::{Global, Terminal, file};
use crate::cli::error::Error;
use crate::config::Config;
use crate::guest::egress;
use crate::host::{CommandSpec, ExitStatus, Host};
use crate::lima::{Limactl, Status};
use crate::model::in_home;
use crate::plan::Problem;
use crate::reconcile::observe::{accepted_limactl, lima_home, status};
use crate::resource::Vm;

/// How many of the last lines `cai logs` shows.
const LINES: &str = "200";

/// What `cai logs` shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LogSource {
    /// dockerd, in the guest
    Docker,
    /// cloud-init, which installs Docker at the first boot
    Provision,
    /// Lima's host agent, on this machine
    Vm,
    /// Names and connections that [egress] refused, by container
    Egress,
}

/// Runs a command in the guest, or a shell.
pub(super) fn shell(
    host: &dyn Host,
    global: &Global,
    command: &[String],
    terminal: &mut Terminal,
) -> Result<(), Error> {
    let file = file::load(host, global, terminal)?;
    let limactl = running(host, &file.config, terminal)?;
    let directory =
        host.current_dir().ok().map(|here| here.join(file::within(global, Path::new(""))));
    let directory = directory
        .and_then(|path| host.canonical(&path).ok())
        .filter(|path| is_mounted(host, &file.config, path));
    replace(host, &limactl.shell(&file.config.vm.name, directory.as_deref(), command), terminal)
}

/// Shows the end of a log.
pub(super) fn logs(
    host: &dyn Host,
    global: &Global,
    log: LogSource,
    follow: bool,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    let file = file::load(host, global, terminal)?;
    let vm = &file.config.vm.name;
    if terminal.simulates() {
        terminal.talk(&format!("{}Log of the simulated host:", terminal.mark()));
    }
    let tail = |path: &str| {
        let follow = follow.then_some("-F");
        let words = ["tail", "-n", LINES].into_iter().chain(follow).chain([path]);
        words.map(str::to_owned).collect::<Vec<_>>()
    };
    if log == LogSource::Vm {
        let path = lima_home(host)?.join(vm.as_str()).join("ha.stderr.log");
        // Otherwise, tail would fail or, with -F, wait for it. The state of the VM explains why it is missing.
        if matches!(host.read_end(&path, 1), Ok(None)) {
            running(host, &file.config, terminal)?;
        }
        let words = tail(&path.to_string_lossy());
        return replace(host, &CommandSpec::new("tail").args(&words[1..]), terminal);
    }
    let limactl = running(host, &file.config, terminal)?;
    let words: Vec<String> = match log {
        LogSource::Docker => {
            let follow = follow.then_some("-f");
            let words = ["sudo", "journalctl", "--no-pager", "-u", "docker.service", "-n", LINES];
            words.into_iter().chain(follow).map(str::to_owned).collect()
        }
        LogSource::Egress => {
            if !file.config.egress.as_ref().is_some_and(|egress| egress.log) {
                let why = "refused connections are not logged".into();
                let hint = "set `log = true` under [egress], then run `cai apply`".into();
                return Err(Error::Refused { why, hint });
            }
            let follow = follow.then_some("-f");
            let words = ["sudo", egress::PROGRAM, "log", "-", "-n", "1000"];
            words.into_iter().chain(follow).map(str::to_owned).collect()
        }
        LogSource::Vm | LogSource::Provision => std::iter::once("sudo".to_owned())
            .chain(tail("/var/log/cloud-init-output.log"))
            .collect(),
    };
    replace(host, &limactl.shell(vm, None, &words), terminal)
}

/// The `limactl` for a VM that runs. Its errors are those of `cai start` and `cai stop`.
fn running(host: &dyn Host, config: &Config, terminal: &mut Terminal) -> Result<Limactl, Error> {
    let mut refused = |problem| terminal.refuse_problem(&Vm::own_address(config), &problem);
    let Some(limactl) = accepted_limactl(host, &config.lima)? else {
        return Err(refused(Problem::Own {
            code: "limactl",
            text: "limactl is not installed, or the file does not accept its version".into(),
            hint: "run `cai apply`; it offers to install Lima".into(),
        }));
    };
    match status(host, &limactl, &config.vm.name)? {
        Some(Status::Running) => Ok(limactl),
        Some(other) => Err(refused(Problem::Own {
            code: "vm-status",
            text: other.in_a_sentence(),
            hint: "start it with `cai start`".into(),
        })),
        None => Err(refused(Problem::NoVm)),
    }
}

/// Whether the guest has this directory of the host at the same path.
fn is_mounted(host: &dyn Host, config: &Config, directory: &Path) -> bool {
    let home = host.env("HOME").map(PathBuf::from).unwrap_or_default();
    config.vm.mounts.iter().filter(|mount| mount.mount_point.is_none()).any(|mount| {
        let absolute = in_home(&mount.location, &home);
        directory.starts_with(absolute.unwrap_or_else(|| PathBuf::from(&mount.location)))
    })
}

/// Ends with the command's exit code.
fn replace(host: &dyn Host, command: &CommandSpec, terminal: &mut Terminal) -> Result<(), Error> {
    let output = host.replace_process(command);
    let output = output
        .map_err(|source| Error::NotStarted { command: Box::new(command.clone()), source })?;
    terminal.raw(&output.stdout)?;
    if !output.stderr.is_empty() {
        terminal.complain(output.stderr.trim_end());
    }
    match output.status {
        ExitStatus::Code(0) => Ok(()),
        ExitStatus::Code(code) => Err(Error::Exit(code.try_into().unwrap_or(1))),
        ExitStatus::Signal(_) => Err(Error::Exit(1)),
    }
}
