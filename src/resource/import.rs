//! The file for a VM that someone else made: what a `containai.toml` can say about it. Pure.

mod guest;
mod outcome;
mod tables;
mod vm;

pub use outcome::removals;

use serde_json::Value;
use toml::{Table, Value as Toml};

use crate::config::{self, Config};
use crate::docker::ContextMetadata;
use crate::model::address::Kind;
use crate::model::redact;
use crate::model::{ContextName, VmName, listed};
use crate::plan::{Change, Reason};
use crate::resource::facts::Facts;

/// Keys of Lima's YAML that the file expresses, or that are only about the YAML itself.
const EXPRESSED: [&str; 11] = [
    "arch",
    "base",
    "cpus",
    "disk",
    "images",
    "memory",
    "minimumLimaVersion",
    "mounts",
    "os",
    "rosetta",
    "vmType",
];
/// A file that is not complete yet.
#[derive(Debug, Clone)]
pub struct Draft {
    document: Table,
    /// The keys of Lima's YAML that the file does not express.
    unchanged: Vec<String>,
    /// The variables of the VM.
    variables: Vec<String>,
    /// Sentences about everything else that the file leaves out.
    remarks: Vec<String>,
}

/// The attributes of a VM's plan and the keys of `[vm]` that determine them.
const ATTRIBUTES: [(&str, &str); 9] = [
    ("arch", "arch"),
    ("cpus", "cpus"),
    ("disk", "disk"),
    ("images", "images"),
    ("memory", "memory"),
    ("mounts", "mounts"),
    ("protected", "protect"),
    ("rosetta", "rosetta"),
    ("vmType", "type"),
];

impl Draft {
    /// The smallest file with which the VM can be observed.
    pub fn named(name: &VmName) -> Self {
        let mut draft = Self {
            document: Table::new(),
            unchanged: Vec::new(),
            variables: Vec::new(),
            remarks: Vec::new(),
        };
        draft.document.insert("version".into(), 1.into());
        draft.set(&["vm", "name"], name.as_str());
        draft.set(&["vm", "adopted"], true);
        draft.set(&["docker", "source"], "preinstalled");
        draft.set(&["sysbox", "enabled"], false);
        draft
    }

    /// Adds everything that was observed with `config`, the configuration of the draft.
    pub fn complete(&mut self, config: &Config, facts: &Facts, contexts: &[NamedContext]) {
        if let Some(vm) = facts.vm.present() {
            self.vm(config, vm, facts);
        }
        self.context(config, facts, contexts);
        match facts.guest.present() {
            Some(guest) => self.guest(guest, facts),
            None => self.remark(
                "The VM was not running, so its Docker, users and groups are not in this file. Start it and \
                 import it again to include them.",
            ),
        }
    }

    /// The Docker context that leads to the engine, or an unused name.
    fn context(&mut self, config: &Config, facts: &Facts, contexts: &[NamedContext]) {
        let socket = format!("unix://{}", facts.docker_socket().display());
        let own = contexts.iter().find(|(_, context)| context.host == socket);
        let is_taken = contexts.iter().any(|(name, _)| *name == config.context.name);
        let name = match own {
            Some((name, _)) => name.to_string(),
            None if is_taken => format!("cai-{}", config.vm.name),
            None => return,
        };
        if name != config.context.name.as_str() {
            self.set(&["context", "name"], name);
        }
    }

    /// Removes the keys that the plan would change. Returns whether it removed any.
    pub fn without(&mut self, change: &Change) -> bool {
        let mut dropped = self.without_loads(change);
        if change.address.kind != Kind::VM {
            return dropped;
        }
        let changed = change.changed();
        for (_, key) in ATTRIBUTES.iter().filter(|(name, _)| changed.iter().any(|it| it == name)) {
            if let Some(Toml::Table(vm)) = self.document.get_mut("vm")
                && vm.remove(*key).is_some()
            {
                self.remark(cannot_express(&format!("vm.{key}")));
                dropped = true;
            }
        }
        dropped
    }

    /// Leaves out the keys of daemon.json that dockerd may not have loaded. `cai` knows what dockerd has loaded
    /// only after its first apply, or if dockerd started after the file was written.
    fn without_loads(&mut self, change: &Change) -> bool {
        let loads = change.reasons.iter().filter_map(|reason| match reason {
            Reason::DaemonPredates(keys) => Some(&keys.keys),
            _ => None,
        });
        let loads: Vec<&String> = loads.flatten().collect();
        let docker = self.document.get_mut("docker").and_then(Toml::as_table_mut);
        let Some(docker) = docker else { return false };
        let mut dropped = Vec::new();
        if let Some(Toml::Table(daemon)) = docker.get_mut("daemon") {
            dropped.extend(loads.into_iter().filter(|key| daemon.remove(key.as_str()).is_some()));
            if daemon.is_empty() {
                docker.remove("daemon");
            }
        }
        if !dropped.is_empty() {
            self.remark(format!(
                "These keys of daemon.json stay unchanged, because dockerd may not have loaded them yet: {}.",
                listed(&dropped)
            ));
        }
        !dropped.is_empty()
    }

    /// Says that other files also determine what a plan shows.
    pub fn has_layers(&mut self, layers: &[String]) {
        if !layers.is_empty() {
            self.remark(format!(
                "These files also apply, and can change the plan: {}.",
                listed(layers)
            ));
        }
    }

    /// Sentences about everything that the file leaves out.
    pub fn remarks(&self) -> Vec<String> {
        let mut remarks = self.remarks.clone();
        if !self.variables.is_empty() {
            let variables = format!(
                "These variables of the VM stay unchanged, and their values, which may be secret, are not \
                 copied: {}. To manage one, add it to [vm.env].",
                listed(&self.variables)
            );
            remarks.insert(0, variables);
        }
        if !self.unchanged.is_empty() {
            let keys = listed(&self.unchanged);
            remarks.insert(0, format!("These keys of Lima's YAML stay unchanged: {keys}."));
        }
        remarks
    }

    /// The TOML of the file.
    pub fn document(&self) -> String {
        // Tables and simple values can always be written.
        toml::to_string(&self.document).unwrap_or_default()
    }

    /// Sets the key at a path, unless the file cannot have this value or the value may be a secret.
    fn set(&mut self, path: &[&str], value: impl Into<Toml>) {
        let before = self.document.clone();
        let (name, tables) = path.split_last().unwrap_or((&"", &[]));
        let mut table = Some(&mut self.document);
        for name in tables {
            let inner = table.map(|it| it.entry(*name).or_insert_with(|| Table::new().into()));
            table = inner.and_then(Toml::as_table_mut);
        }
        if let Some(table) = table {
            table.insert((*name).to_owned(), value.into());
        }
        let key = path.iter().fold(String::new(), |key, name| config::layers::child(&key, name));
        let text = self.document();
        if redact::foreign(&text) != text {
            self.document = before;
            self.remark(format!(
                "`{key}` may contain a secret, is not copied, and stays unchanged."
            ));
        } else if config::parse(&text).is_err() {
            self.document = before;
            self.remark(cannot_express(&key));
        }
    }

    fn remark(&mut self, text: impl Into<String>) {
        let text = text.into();
        if !self.remarks.contains(&text) {
            self.remarks.push(text);
        }
    }
}

/// A Docker context of this machine, with its name.
pub type NamedContext = (ContextName, ContextMetadata);

fn cannot_express(key: &str) -> String {
    format!("The file cannot express `{key}`, which stays unchanged.")
}

/// Whether a value is neither null nor empty.
fn is_set(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
        _ => true,
    }
}
