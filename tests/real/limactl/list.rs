//! `limactl list`.
use std::process::ExitCode;

use serde_json::{Value, json};

use super::command_line::Parsed;
use super::instance::{self, Instance};
use super::template::Fields;
use super::{Result, log, quote, unknown};

pub(super) fn list(arguments: &Parsed) -> Result<ExitCode> {
    if arguments.has("json") && arguments.value("format").is_some() {
        return Err("option --json conflicts with option --format".to_owned());
    }
    let existing = instance::names();
    if arguments.positional.is_empty() && existing.is_empty() {
        log::warning("No instance found. Run `limactl create` to create an instance.");
        return Ok(ExitCode::SUCCESS);
    }
    let wanted = if arguments.positional.is_empty() { &existing } else { &arguments.positional };
    let mut unmatched = false;
    let mut instances = Vec::new();
    for name in wanted {
        let found = if existing.contains(name) { Instance::inspect(name)? } else { None };
        if found.is_none() {
            log::warning(&format!("No instance matching {name} found."));
            unmatched = true;
        }
        instances.extend(found);
    }
    if arguments.has("quiet") {
        for instance in &instances {
            println!("{}", instance.name);
        }
    } else {
        show(&instances, arguments)?;
    }
    if unmatched { Err("unmatched instances".to_owned()) } else { Ok(ExitCode::SUCCESS) }
}

fn show(instances: &[Instance], arguments: &Parsed) -> Result<()> {
    for instance in instances.iter().filter(|instance| !instance.errors.is_empty()) {
        log::line(
            "warning",
            &format!("instance {} has errors", quote::name(&instance.name)),
            &[("errors", &instance.error_list())],
        );
    }
    let format =
        if arguments.has("json") { "json" } else { arguments.value("format").unwrap_or("table") };
    if format == "table" {
        println!("NAME    STATUS    SSH    CPUS    MEMORY    DISK    DIR");
    }
    for instance in instances {
        let port = instance.ssh_port();
        match format {
            "json" => println!("{}", as_json(instance)),
            "table" => println!(
                "{}    {}    127.0.0.1:{port}    {}    {}    {}    {}",
                instance.name,
                instance.status.name(),
                instance.config()?.number("/cpus"),
                instance.config()?.text("/memory"),
                instance.config()?.text("/disk"),
                instance.dir.display(),
            ),
            template if template.contains("{{") => {
                println!("{}", template_fields(instance).expand(template)?);
            }
            other => return Err(unknown(&format!("the list format `{other}`"))),
        }
    }
    Ok(())
}

fn template_fields(instance: &Instance) -> Fields {
    Fields(json!({
        "Name": instance.name,
        "Status": instance.status.name(),
        "Errors": instance.error_list(),
        "Dir": instance.dir,
        "Hostname": instance.hostname(),
        "SSHLocalPort": instance.ssh_port(),
        "SSHConfigFile": instance.ssh_config(),
        "SSHAddress": "127.0.0.1",
        "Protected": instance.is_protected(),
        "CPUs": instance.config.as_ref().map(|config| config.number("/cpus")),
        "VMType": instance.config.as_ref().map(|config| config.text("/vmType").to_owned()),
        "Arch": instance.config.as_ref().map(|config| config.text("/arch").to_owned()),
    }))
}

fn as_json(instance: &Instance) -> Value {
    let mut json = json!({
        "name": instance.name,
        "hostname": instance.hostname(),
        "status": instance.status.name(),
        "dir": instance.dir,
    });
    if let Some(config) = &instance.config {
        json["vmType"] = json!(config.text("/vmType"));
        json["arch"] = json!(config.text("/arch"));
        json["cpus"] = json!(config.number("/cpus"));
        json["memory"] = json!(config.bytes("memory").unwrap_or_default());
        json["disk"] = json!(config.bytes("disk").unwrap_or_default());
    }
    if instance.ssh_port() != 0 {
        json["sshLocalPort"] = json!(instance.ssh_port());
    }
    json["sshConfigFile"] = json!(instance.ssh_config());
    if let Some(pid) = instance.host_agent {
        json["hostAgentPID"] = json!(pid.as_raw());
    }
    if let Some(pid) = instance.driver {
        json["driverPID"] = json!(pid.as_raw());
    }
    if !instance.errors.is_empty() {
        // Go's errors have no fields that its JSON could show, and Lima drops the empty objects.
        json["errors"] = json!([]);
    }
    if let Some(config) = &instance.config {
        json["config"] = config.0.clone();
    }
    json["sshAddress"] = json!("127.0.0.1");
    json["protected"] = json!(instance.is_protected());
    let version = std::fs::read_to_string(instance.dir.join("lima-version")).unwrap_or_default();
    json["limaVersion"] = json!(version.trim());
    if let Some(param) = instance.config.as_ref().and_then(|config| config.0.get("param")) {
        json["param"] = param.clone();
    }
    json["HostOS"] = json!("linux");
    json["HostArch"] = json!("x86_64");
    json["LimaHome"] = json!(instance::lima_home());
    json["IdentityFile"] = json!(instance::lima_home().join("_config/user"));
    json
}
