//! `limactl list`

use serde_json::{Value, json};

use super::{Config, Result};
use crate::simulate::arguments::Arguments;
use crate::simulate::instance::Instance;
use crate::simulate::log::Log;
use crate::simulate::reply::{Call, Reply};
use crate::simulate::template;
use crate::simulate::world::{LIMA_VERSION, World};

pub(super) fn list(
    world: &mut World,
    arguments: &Arguments,
    _: &Call<'_>,
    log: &mut Log,
) -> Result {
    if arguments.words.is_empty() && world.instances.is_empty() {
        log.warning("No instance found. Run `limactl create` to create an instance.");
        return Ok(Reply::done());
    }
    let all: Vec<&String> = world.instances.keys().collect();
    let wanted: Vec<&String> =
        if arguments.words.is_empty() { all } else { arguments.words.iter().collect() };
    let mut found = Vec::new();
    for name in &wanted {
        match world.instances.get(*name) {
            Some(instance) => found.push((name.as_str(), instance)),
            None => log.warning(&format!("No instance matching {name} found.")),
        }
    }
    let mut reply = Reply::done();
    for (name, instance) in &found {
        let config = Config::fill(world, instance.parsed(), &world.directory(name));
        let error = instance.error(config.vm_type());
        if let Some(error) = &error {
            let message = format!("instance `{name}` has errors");
            log.line("warning", &message, Some(("errors", &format!("[{error}]"))));
        }
        let shown = as_json(world, name, instance, config);
        let line = match arguments.value("--format").or_else(|| arguments.value("-f")) {
            _ if arguments.has("--json") => shown.to_string(),
            Some(format) => template::expand(format, &fields(&shown, error.as_deref()))?,
            None => return Err("the simulated limactl does not know the table of `list`".into()),
        };
        reply.stdout.push_str(&line);
        reply.stdout.push('\n');
    }
    // A name that is not there fails the whole command, after the others were listed.
    if found.len() < wanted.len() {
        log.fatal("unmatched instances");
        reply.code = 1;
    }
    Ok(reply)
}

/// The fields that a template may name.
fn fields(shown: &Value, error: Option<&str>) -> Value {
    json!({
        "Name": shown["name"],
        "Status": shown["status"],
        "Dir": shown["dir"],
        "Errors": error.map_or("[]".to_owned(), |error| format!("[{error}]")),
        "SSHLocalPort": shown["sshLocalPort"],
        "Protected": shown["protected"],
    })
}

fn as_json(world: &World, name: &str, instance: &Instance, config: Config) -> Value {
    let lima_home = &world.computer.lima_home;
    let mut json = json!({
        "name": name,
        "hostname": format!("lima-{name}"),
        "status": instance.status().word(),
        "dir": world.directory(name),
        "vmType": config.vm_type(),
        "arch": config.0["arch"],
        "cpus": config.0["cpus"],
        "memory": config.bytes("memory"),
        "disk": config.bytes("disk"),
    });
    if instance.ssh_port != 0 {
        json["sshLocalPort"] = json!(instance.ssh_port);
    }
    json["sshConfigFile"] = json!(world.directory(name).join("ssh.config"));
    if let Some(pid) = instance.agent {
        json["hostAgentPID"] = json!(pid);
    }
    if let Some(pid) = instance.driver {
        json["driverPID"] = json!(pid);
    }
    if instance.error(config.vm_type()).is_some() {
        // Go's errors have no fields that its JSON could show (transcript: hostagent_killed).
        json["errors"] = json!([]);
    }
    json["config"] = config.0;
    json["sshAddress"] = json!("127.0.0.1");
    json["protected"] = json!(instance.protected);
    json["limaVersion"] = json!(format!("v{LIMA_VERSION}"));
    json["HostOS"] = json!(match world.computer.platform.os {
        crate::host::Os::MacOs => "darwin",
        crate::host::Os::Linux => "linux",
    });
    json["HostArch"] = json!(world.computer.platform.arch);
    json["LimaHome"] = json!(lima_home);
    json["IdentityFile"] = json!(lima_home.join("_config/user"));
    json
}
