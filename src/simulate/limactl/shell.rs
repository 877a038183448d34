//! `limactl shell`

use super::{Job, LimactlResult, config};
use crate::lima::Status;
use crate::simulate::reply::Reply;
use crate::simulate::ssh;

pub(super) fn shell(Job { world, arguments, call, log }: Job<'_>) -> LimactlResult {
    let Some((name, command)) = arguments.words.split_first() else {
        return Err("requires instance name as first argument".into());
    };
    let Some((instance, config)) = world.instances.get(name).zip(config(world, name)) else {
        return Err(format!(
            "instance `{name}` does not exist, run `limactl create {name}` to create a new instance"
        ));
    };
    if let Some(error) = instance.error(config.vm_type()) {
        let message = format!("Instance `{name}` has configuration errors");
        log.line("error", &message, Some(("error", &error)));
    }
    if instance.status() == Status::Stopped {
        return Err(format!(
            "instance `{name}` is stopped, run `limactl start {name}` to start the instance"
        ));
    }
    if arguments.has("--reconnect") {
        ssh::exit_master(world, name);
    }
    match arguments.value("--workdir") {
        None | Some("/") => {}
        Some(directory) if config.mounts(directory.as_ref(), &world.computer.home) => {}
        Some(directory) => {
            let message = format!("bash: line 1: cd: {directory}: No such file or directory");
            return Ok(Reply::failed(1, message));
        }
    }
    let line = shlex::try_join(command.iter().map(String::as_str)).unwrap_or_default();
    Ok(ssh::in_guest(world, name, &line, call.stdin, ssh::Connection::Shared))
}
