//! `limactl create`, `start`, `stop`, `delete`, `protect` and `unprotect`.

use super::validate::{self, Refusal};
use super::{Job, LimactlResult, config, disk, existing, expected};
use crate::lima::Status;
use crate::simulate::instance::Instance;
use crate::simulate::log::{Log, go};
use crate::simulate::reply::Reply;
use crate::simulate::world::World;

/// The measured duration of a boot and of a stop, in seconds.
const BOOT: u64 = 85;
const STOP: u64 = 5;
/// How long a start waits for its probes, in seconds.
const PROBES: u64 = 600;

pub(super) fn create(Job { world, arguments, call, log }: Job<'_>) -> LimactlResult {
    let file = arguments.only()?;
    let text = match file {
        "-" => call.text().unwrap_or_default().to_owned(),
        path => world
            .file(path.as_ref())
            .ok_or_else(|| format!("open {path}: no such file or directory"))?,
    };
    let Some(name) = arguments.value("--name") else {
        return Err("must pass instance name with --name when reading template from stdin".into());
    };
    if world.instances.contains_key(name) {
        return Err(format!("instance `{name}` already exists"));
    }
    log.info("Terminal is not available, proceeding without opening an editor");
    // ssh first creates its socket under a longer name.
    let socket = world.directory(name).join("ssh.sock.1234567890123456");
    let (length, limit) = (socket.as_os_str().len(), world.computer.platform.socket_path_limit());
    if length >= limit {
        return Err(format!(
            "instance name `{name}` too long: `{}` must be less than UNIX_PATH_MAX={limit} \
             characters, but is {length}",
            socket.display()
        ));
    }
    validate::check(world, &text, &world.directory(name), log).map_err(Refusal::text)?;
    world.instances.insert(name.to_owned(), Instance::new(text));
    world.pass(1);
    log.info(&format!("Run `limactl start {name}` to start the instance."));
    Ok(Reply::done())
}

pub(super) fn start(Job { world, arguments, log, .. }: Job<'_>) -> LimactlResult {
    let name = arguments.only()?;
    let Some(config) = config(world, name) else {
        log.info(&format!(
            "Creating an instance `{name}` from template:default (Not from template:{name})"
        ));
        log.warning(&format!(
            "This form is deprecated. Use `limactl create --name={name} template:default` instead"
        ));
        return Err("template `default.yaml` not found".into());
    };
    let now = world.clock;
    let (instance, _) = existing(world, name)?;
    let error = instance.error(config.vm_type());
    if let Some(error) = &error {
        let message = format!("Instance {} has configuration errors", go(name));
        log.line("error", &message, Some(("error", error)));
    }
    log.info(&format!("Using the existing instance `{name}`"));
    if let Some(error) = error {
        return Err(format!("errors inspecting instance: [{error}]"));
    }
    if instance.status() == Status::Running {
        log.info(&format!(
            "The instance `{name}` is already running. Run `limactl shell {name}` to open the shell."
        ));
        return Ok(Reply::done());
    }
    log.info(&format!(
        "Starting the instance `{name}` with internal VM driver {}",
        go(config.vm_type())
    ));
    let pid = 20_000 + u32::try_from(now % 40_000).unwrap_or_default();
    let mut ready = false;
    let disks = disk::attach(world, name)?;
    if let Some(instance) = world.instances.get_mut(name) {
        instance.start(name, &config, disks, pid, now);
        ready = instance.is_ready(&config, now + BOOT);
    }
    if !ready {
        world.pass(PROBES);
        // The VM keeps running (8).
        return Err("did not receive an event with the `running` status".into());
    }
    world.pass(BOOT);
    log.info(&format!("READY. Run `limactl shell {name}` to open the shell."));
    Ok(Reply::done())
}

pub(super) fn stop(Job { world, arguments, log, .. }: Job<'_>) -> LimactlResult {
    let name = arguments.only()?;
    let (instance, config) = existing(world, name)?;
    let status = instance.status();
    if arguments.has("--force") {
        let directory = world.directory(name);
        kill(instance, config.vm_type(), &directory.to_string_lossy(), log);
        change(world, name, Instance::kill);
        return Ok(Reply::done());
    }
    if status != Status::Running {
        return Err(format!("{} (maybe use `limactl stop -f`?)", expected(status, "Running")));
    }
    let agent = instance.agent.unwrap_or_default();
    log.info(&format!("Sending SIGINT to hostagent process {agent}"));
    log.info("Waiting for the host agent and the driver processes to shut down");
    change(world, name, Instance::stop);
    log.info(&format!("The instance {name} has shut down"));
    Ok(Reply::done())
}

fn change(world: &mut World, name: &str, what: fn(&mut Instance)) {
    if let Some(instance) = world.instances.get_mut(name) {
        what(instance);
    }
    world.pass(STOP);
}

/// Logs what is killed and removed (transcript: hostagent_killed).
fn kill(instance: &Instance, vm_type: &str, directory: &str, log: &mut Log) {
    match instance.driver {
        Some(pid) => log.info(&format!("Sending SIGKILL to the {vm_type} driver process {pid}")),
        None => log.info(&format!("The {vm_type} driver process seems already stopped")),
    }
    match instance.agent {
        Some(pid) => log.info(&format!("Sending SIGKILL to the host agent process {pid}")),
        None => log.info("The host agent process seems already stopped"),
    }
    log.info(&format!("Removing *.pid *.sock *.tmp under `{directory}`"));
    let mut files: Vec<&str> = Vec::new();
    if instance.driver.is_some() {
        files.extend(["ga.sock", "ha.sock"]);
        if vm_type == "qemu" {
            files.extend(["qemu.pid", "qmp.sock"]);
        }
        files.extend(["serial.sock", "serialv.sock"]);
    }
    if instance.master.is_some() {
        files.push("ssh.sock");
    }
    for file in files {
        log.info(&format!("Removing `{directory}/{file}`"));
    }
}

pub(super) fn delete(Job { world, arguments, log, .. }: Job<'_>) -> LimactlResult {
    let force = arguments.has("--force");
    for name in &arguments.words {
        let Some(instance) = world.instances.get(name) else {
            log.warning(&format!("Ignoring non-existent instance `{name}`"));
            continue;
        };
        let failed = |why: &str| Err(format!("failed to delete instance `{name}`: {why}"));
        if instance.protected {
            return failed(
                "instance is protected to prohibit accidental removal (Hint: use `limactl \
                 unprotect`)",
            );
        }
        if instance.status() != Status::Stopped && !force {
            return failed(&expected(instance.status(), "Stopped"));
        }
        let directory = world.directory(name);
        disk::keep_data(world, name);
        world.instances.remove(name);
        world.files.retain(|path, _| !path.starts_with(&directory));
        world.pass(STOP);
        log.info(&format!("Deleted `{name}` (`{}`)", directory.display()));
    }
    Ok(Reply::done())
}

pub(super) fn protect(Job { world, arguments, log, .. }: Job<'_>, wanted: bool) -> LimactlResult {
    for name in &arguments.words {
        existing(world, name)
            .map_err(|error| format!("failed to inspect instance `{name}`: {error}"))?;
        let Some(instance) = world.instances.get_mut(name) else { continue };
        match (wanted, instance.protected) {
            (true, true) => {
                log.warning(&format!("Instance `{name}` is already protected. Skipping."));
            }
            (false, false) => {
                log.warning(&format!("Instance `{name}` isn't protected. Skipping."));
            }
            _ => {
                instance.protected = wanted;
                let done = if wanted { "Protected" } else { "Unprotected" };
                log.info(&format!("{done} `{name}`"));
                world.pass(1);
            }
        }
    }
    Ok(Reply::done())
}
