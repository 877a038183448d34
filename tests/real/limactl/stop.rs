//! `limactl stop`, `delete`, `protect` and `unprotect`.
use std::fs;
use std::process::ExitCode;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};

use containai::simulate::Arguments;

use super::instance::{self, Instance, Status};
use super::{Result, log, quote};

pub(super) fn stop(arguments: &Arguments) -> Result<ExitCode> {
    let name = arguments.only()?;
    let instance = existing(name)?;
    if arguments.has("--force") {
        stop_forcibly(&instance);
        return Ok(ExitCode::SUCCESS);
    }
    let (Status::Running, Some(agent)) = (&instance.status, instance.host_agent) else {
        return Err(format!(
            "expected status `Running`, got {} (maybe use `limactl stop -f`?)",
            quote::name(&instance.status.to_string())
        ));
    };
    log::info(&format!("Sending SIGINT to hostagent process {agent}"));
    kill(agent, Signal::SIGINT).map_err(|error| error.to_string())?;
    log::info("Waiting for the host agent and the driver processes to shut down");
    let deadline = Instant::now() + Duration::from_secs(190);
    while existing(name)?.status != Status::Stopped {
        if Instant::now() >= deadline {
            return Err("did not receive an event with the `exiting` status".to_owned());
        }
        sleep(Duration::from_millis(100));
    }
    log::info(&format!("The instance {name} has shut down"));
    Ok(ExitCode::SUCCESS)
}

pub(super) fn delete(arguments: &Arguments) -> Result<ExitCode> {
    for name in &arguments.words {
        let shown = quote::name(name);
        let Some(instance) = Instance::inspect(name)? else {
            log::warning(&format!("Ignoring non-existent instance {shown}"));
            continue;
        };
        let failed = |reason: String| format!("failed to delete instance {shown}: {reason}");
        if instance.is_protected() {
            return Err(failed(
                "instance is protected to prohibit accidental removal (Hint: use `limactl unprotect`)"
                    .to_owned(),
            ));
        }
        if instance.status != Status::Stopped && !arguments.has("--force") {
            let status = quote::name(&instance.status.to_string());
            return Err(failed(format!("expected status `Stopped`, got {status}")));
        }
        stop_forcibly(&instance);
        fs::remove_dir_all(&instance.dir).map_err(|error| failed(error.to_string()))?;
        let dir = quote::name(&instance.dir.to_string_lossy());
        log::info(&format!("Deleted {shown} ({dir})"));
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn protect(arguments: &Arguments, protected: bool) -> Result<ExitCode> {
    for name in &arguments.words {
        let shown = quote::name(name);
        let instance = existing(name)
            .map_err(|error| format!("failed to inspect instance {shown}: {error}"))?;
        let mark = instance.dir.join("protected");
        match (protected, instance.is_protected()) {
            (true, true) => {
                log::warning(&format!("Instance {shown} is already protected. Skipping."));
            }
            (false, false) => {
                log::warning(&format!("Instance {shown} isn't protected. Skipping."));
            }
            (true, false) => {
                fs::write(&mark, "").map_err(|error| error.to_string())?;
                log::info(&format!("Protected {shown}"));
            }
            (false, true) => {
                fs::remove_file(&mark).map_err(|error| error.to_string())?;
                log::info(&format!("Unprotected {shown}"));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn existing(name: &str) -> Result<Instance> {
    Instance::inspect(name)?.ok_or_else(|| {
        let file = instance::lima_home().join(name).join("lima.yaml");
        format!("open {}: no such file or directory", file.display())
    })
}

/// Kills the running processes and removes their files in the instance's own directory. The
/// forwarded sockets are one directory deeper and stay.
fn stop_forcibly(instance: &Instance) {
    // First: it would clean up after its machine has ended. Lima's agent leaves the sockets (measured).
    if let Some(agent) = instance.host_agent {
        instance::kill_now(agent);
    }
    if let Some(driver) = instance.driver {
        log::info(&format!("Sending SIGKILL to the qemu driver process {driver}"));
        instance::kill_now(driver);
    } else {
        log::info("The qemu driver process seems already stopped");
    }
    if let Some(agent) = instance.host_agent {
        log::info(&format!("Sending SIGKILL to the host agent process {agent}"));
    } else {
        log::info("The host agent process seems already stopped");
    }
    let dir = quote::name(&instance.dir.to_string_lossy());
    log::info(&format!("Removing *.pid *.sock *.tmp under {dir}"));
    let Ok(entries) = fs::read_dir(&instance.dir) else {
        return;
    };
    let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort();
    for file in files {
        if file.extension().is_some_and(|it| it == "pid" || it == "sock" || it == "tmp") {
            log::info(&format!("Removing {}", quote::name(&file.to_string_lossy())));
            let _ = fs::remove_file(&file);
        }
    }
}
