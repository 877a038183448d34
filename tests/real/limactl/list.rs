//! `limactl list`.
use std::process::ExitCode;

use containai::simulate::{Arguments, LINUX, ListedInstance};
use nix::unistd::Pid;

use super::instance::{self, Instance};
use super::{Result, log, quote, unknown};

pub(super) fn list(arguments: &Arguments) -> Result<ExitCode> {
    if arguments.has("--json") && arguments.value("--format").is_some() {
        return Err("option --json conflicts with option --format".to_owned());
    }
    let existing = instance::names();
    if arguments.words.is_empty() && existing.is_empty() {
        log::warning("No instance found. Run `limactl create` to create an instance.");
        return Ok(ExitCode::SUCCESS);
    }
    let wanted = if arguments.words.is_empty() { &existing } else { &arguments.words };
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
    if arguments.has("--quiet") {
        for instance in &instances {
            println!("{}", instance.name);
        }
    } else {
        show(&instances, arguments)?;
    }
    if unmatched { Err("unmatched instances".to_owned()) } else { Ok(ExitCode::SUCCESS) }
}

fn show(instances: &[Instance], arguments: &Arguments) -> Result<()> {
    for instance in instances.iter().filter(|instance| !instance.errors.is_empty()) {
        log::line(
            "warning",
            &format!("instance {} has errors", quote::name(&instance.name)),
            &[("errors", &instance.error_list())],
        );
    }
    let format = if arguments.has("--json") {
        "json"
    } else {
        arguments.value("--format").unwrap_or("table")
    };
    if format == "table" {
        println!("NAME    STATUS    SSH    CPUS    MEMORY    DISK    DIR");
    }
    for instance in instances {
        let port = instance.ssh_port();
        match format {
            "json" => println!("{}", listed(instance, |it| Ok(it.json().to_string()))?),
            "table" => println!(
                "{}    {}    127.0.0.1:{port}    {}    {}    {}    {}",
                instance.name,
                instance.status,
                instance.config()?.number("/cpus"),
                instance.config()?.text("/memory"),
                instance.config()?.text("/disk"),
                instance.dir.display(),
            ),
            template if template.contains("{{") => {
                println!(
                    "{}",
                    listed(instance, |it| it.format(template).map_err(|what| unknown(&what)))?
                );
            }
            other => return Err(unknown(&format!("the list format `{other}`"))),
        }
    }
    Ok(())
}

fn listed(
    instance: &Instance,
    show: impl FnOnce(ListedInstance<'_>) -> Result<String>,
) -> Result<String> {
    let version = std::fs::read_to_string(instance.dir.join("lima-version")).unwrap_or_default();
    let pid = |pid: Option<Pid>| pid.and_then(|pid| pid.as_raw().try_into().ok());
    show(ListedInstance {
        name: &instance.name,
        status: &instance.status.to_string(),
        directory: &instance.dir,
        config: instance.config.as_ref().map(|config| config.0.clone()),
        ssh_port: instance.ssh_port(),
        agent: pid(instance.host_agent),
        driver: pid(instance.driver),
        errors: &instance.errors,
        protected: instance.is_protected(),
        version: version.trim(),
        platform: LINUX,
        lima_home: &instance::lima_home(),
    })
}
