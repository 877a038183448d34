//! `limactl list`

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::yaml::bytes;
use super::{FilledConfig, Job, LimactlResult, rules};
use crate::host::{Os, Platform};
use crate::simulate::reply::Reply;
use crate::simulate::template;
use crate::simulate::world::LIMA_VERSION;

pub(super) fn list(Job { world, arguments, log, .. }: Job<'_>) -> LimactlResult {
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
    // Many instances have the same YAML, so each text is parsed once.
    let mut read = BTreeMap::new();
    let is_whole = found.len() == wanted.len();
    for (name, instance) in found {
        let given = read.entry(&instance.yaml).or_insert_with(|| instance.parsed()).clone();
        let config = FilledConfig::fill(world, given, &world.directory(name));
        let error = instance.error(config.vm_type());
        if let Some(error) = &error {
            let message = format!("instance `{name}` has errors");
            log.line("warning", &message, Some(("errors", &format!("[{error}]"))));
        }
        let listed = ListedInstance {
            name,
            status: &instance.status().to_string(),
            directory: &world.directory(name),
            config: Some(config.0),
            ssh_port: instance.ssh_port,
            agent: instance.agent,
            driver: instance.driver,
            errors: error.as_slice(),
            protected: instance.protected,
            version: &format!("v{LIMA_VERSION}"),
            platform: world.computer.platform,
            lima_home: &world.computer.lima_home,
        };
        let line = match arguments.value("--format") {
            _ if arguments.has("--json") => {
                // `Value::to_string` takes three times as long.
                serde_json::to_string(&listed.json()).map_err(|error| error.to_string())?
            }
            Some(format) => listed.format(format)?,
            None => return Err("the simulated limactl does not support the table of `list`".into()),
        };
        reply.stdout.push_str(&line);
        reply.stdout.push('\n');
    }
    // A missing name fails the whole command, but only after the others were listed.
    if !is_whole {
        log.fatal("unmatched instances");
        reply.code = 1;
    }
    Ok(reply)
}

/// An instance in the output of `list`.
#[derive(Debug)]
#[expect(missing_docs, reason = "each is what `list --json` shows under that name")]
pub struct ListedInstance<'a> {
    pub name: &'a str,
    pub status: &'a str,
    pub directory: &'a Path,
    /// `None` if its YAML cannot be parsed.
    pub config: Option<Value>,
    /// 0 before the first start.
    pub ssh_port: u16,
    pub agent: Option<u32>,
    pub driver: Option<u32>,
    pub errors: &'a [String],
    pub protected: bool,
    pub version: &'a str,
    pub platform: Platform,
    pub lima_home: &'a Path,
}

impl ListedInstance<'_> {
    /// The JSON of `list --json`.
    pub fn json(self) -> Value {
        let name = self.name;
        let mut json = json!({
            "name": name,
            "hostname": format!("lima-{name}"),
            "status": self.status,
            "dir": self.directory,
        });
        if let Some(config) = &self.config {
            for key in ["vmType", "arch", "cpus"] {
                json[key] = config[key].clone();
            }
            for key in ["memory", "disk"] {
                json[key] = json!(rules::as_text(&config[key]).and_then(|size| bytes(&size)));
            }
        }
        if self.ssh_port != 0 {
            json["sshLocalPort"] = json!(self.ssh_port);
        }
        json["sshConfigFile"] = json!(self.directory.join("ssh.config"));
        if let Some(pid) = self.agent {
            json["hostAgentPID"] = json!(pid);
        }
        if let Some(pid) = self.driver {
            json["driverPID"] = json!(pid);
        }
        if !self.errors.is_empty() {
            // Go serializes these errors as empty objects, because they have no exported fields
            // (transcript: hostagent_killed).
            json["errors"] = json!([]);
        }
        if let Some(config) = self.config {
            json["config"] = config;
        }
        json["sshAddress"] = json!("127.0.0.1");
        json["protected"] = json!(self.protected);
        json["limaVersion"] = json!(self.version);
        json["HostOS"] = json!(match self.platform.os {
            Os::MacOs => "darwin",
            Os::Linux => "linux",
        });
        json["HostArch"] = json!(self.platform.arch);
        json["LimaHome"] = json!(self.lima_home);
        json["IdentityFile"] = json!(self.lima_home.join("_config/user"));
        json
    }

    /// Expands a template of `list --format`.
    ///
    /// # Errors
    /// Names a template that is not supported.
    pub fn format(&self, template: &str) -> LimactlResult<String> {
        let fields = json!({
            "Name": self.name,
            "Status": self.status,
            "Dir": self.directory,
            "Errors": format!("[{}]", self.errors.join(" ")),
            "SSHLocalPort": self.ssh_port,
            "Protected": self.protected,
        });
        template::expand(template, &fields)
    }
}
