//! What the VM contributes: its size, images, mounts and disks, and what an earlier file declared of it.

use serde_json::{Map, Value};
use toml::{Table, Value as Toml};

use super::tables::{images, mounts};
use super::{Draft, EXPRESSED, is_set};
use crate::config::{self, Config};
use crate::lima::{self, DISKS, Disk, Meaning, Status};
use crate::model::ByteSize;
use crate::resource::facts::{Facts, VmFacts};
use crate::resource::vm::{Vm, recorded_forwards};

/// Any valid size, with which the size of the disk is observed.
const ANY_SIZE: &str = "2GiB";
/// The keys that the file determines in a VM that `cai` made.
const OWN: [&str; 4] = ["containerd", "provision", "probes", "portForwards"];
/// The keys of a mount that the file has.
const MOUNT: [&str; 3] = ["location", "mountPoint", "writable"];
/// The keys of a forward, in Lima's YAML and in the file.
const FORWARD: [(&str, &str); 10] = [
    ("guestIP", "guest_ip"),
    ("guestPort", "guest_port"),
    ("guestPortRange", "guest_ports"),
    ("guestSocket", "guest_socket"),
    ("hostIP", "host_ip"),
    ("hostPort", "host_port"),
    ("hostPortRange", "host_ports"),
    ("hostSocket", "host_socket"),
    ("ignore", "ignore"),
    ("proto", "proto"),
];

impl Draft {
    /// Declares the disk for Docker's data if the VM has one, so that it is observed. Returns whether it has.
    pub fn has_data_disk(&mut self, config: &Config, facts: &Facts) -> bool {
        let name = Disk::name_for(&config.vm.name);
        let has = facts.vm.present().is_some_and(|vm| vm.has_disk(&name));
        if has {
            self.set(&["vm", "data_disk"], ANY_SIZE);
        }
        has
    }

    pub(super) fn vm(&mut self, config: &Config, vm: &VmFacts, facts: &Facts) {
        if vm.managed {
            // Its boot script and the other things that `cai` adds to a VM are there.
            self.unset("adopted");
        }
        if vm.status != Status::Running {
            self.set(&["vm", "running"], false);
        }
        if !vm.protected {
            self.set(&["vm", "protect"], false);
        }
        for (key, name) in
            [("vmType", "type"), ("arch", "arch"), ("memory", "memory"), ("disk", "disk")]
        {
            if let Some(text) = vm.yaml.get(key).and_then(Value::as_str) {
                self.set(&["vm", name], text);
            }
        }
        if let Some(cpus) = vm.yaml.get("cpus").and_then(Value::as_i64) {
            self.set(&["vm", "cpus"], cpus);
        }
        if let Some(on) =
            vm.yaml.get("rosetta").and_then(|it| it.get("enabled")).and_then(Value::as_bool)
        {
            self.set(&["vm", "rosetta"], on);
        }
        self.data_disk(facts);
        let images = images(vm);
        if !images.is_empty() {
            self.set(&["vm", "images"], images);
        }
        self.mounts(vm, facts);
        self.forwards(config, vm, facts);
        self.lima_keys(config, vm, facts);
        self.leave(config, vm);
    }

    /// Notes the keys and variables that the file leaves out.
    fn leave(&mut self, config: &Config, vm: &VmFacts) {
        let own = Disk::name_for(&config.vm.name);
        let is_own = |key: &str, value: &Value| {
            let disks = value.as_array().filter(|_| key == DISKS);
            disks.is_some_and(|list| list.iter().all(|it| Disk::named_by(it) == Some(&own)))
        };
        let more = vm.yaml.iter().filter(|(key, value)| {
            let is_expressed = EXPRESSED.contains(&key.as_str())
                || self.vm_table("lima").is_some_and(|lima| lima.contains_key(*key));
            !is_expressed && **key != "env" && is_set(value) && !is_own(key, value)
        });
        self.unchanged = more.map(|(key, _)| key.clone()).collect();
        if vm.managed {
            self.unchanged.retain(|key| !OWN.contains(&key.as_str()));
        }
        let env = vm.yaml.get("env").and_then(Value::as_object).into_iter().flatten();
        self.variables = env.map(|(name, _)| name.clone()).collect();
    }

    /// The size of the disk for Docker's data.
    fn data_disk(&mut self, facts: &Facts) {
        let size = facts.data_disk.as_ref().and_then(|disk| ByteSize::try_from(disk.size).ok());
        match size {
            Some(size) => self.set(&["vm", "data_disk"], size.to_string()),
            None => self.unset("data_disk"),
        }
    }

    /// All mounts, or none: in Lima's YAML, the list belongs to the file as a whole.
    fn mounts(&mut self, vm: &VmFacts, facts: &Facts) {
        let yaml = vm.yaml.get("mounts").and_then(Value::as_array).into_iter().flatten();
        let declared = mounts(vm);
        let obstacles = yaml.zip(&declared).filter_map(|(mount, declared)| {
            let why = unknown_options(mount, facts).or_else(|| refusal(declared))?;
            let location = mount.get("location").and_then(Value::as_str).unwrap_or_default();
            Some(format!(
                "The file cannot express the mount `{location}` ({why}), so `vm.mounts` stays unchanged."
            ))
        });
        let obstacles: Vec<String> = obstacles.collect();
        if obstacles.is_empty() {
            self.set(&["vm", "mounts"], declared);
        }
        for obstacle in obstacles {
            self.remark(obstacle);
        }
    }

    /// The forwards that an earlier file declared.
    fn forwards(&mut self, config: &Config, vm: &VmFacts, facts: &Facts) {
        let mut declared = lima::declared_forwards(&vm.yaml);
        let recorded = facts.recorded(&Vm::own_address(config));
        let recorded = recorded.into_iter().flat_map(|entry| entry.keys.keys());
        declared.extend(recorded_forwards(recorded));
        let (rest, declared): (Vec<Value>, Vec<Value>) =
            declared.into_iter().partition(|forward| forward.get("guestIPMustBeZero").is_some());
        if !rest.is_empty() {
            self.set(&["vm", "forward"], "declared");
        }
        if !declared.is_empty() {
            let declared: Vec<Toml> = declared.iter().map(forward).collect();
            self.set(&["vm", "port_forwards"], declared);
        }
    }

    /// The other keys of Lima's YAML that an earlier file declared.
    fn lima_keys(&mut self, config: &Config, vm: &VmFacts, facts: &Facts) {
        let recorded = facts.recorded(&Vm::own_address(config));
        for key in recorded.into_iter().flat_map(|entry| entry.keys.keys()) {
            let value = vm.yaml.get(key).filter(|_| !EXPRESSED.contains(&key.as_str()));
            if let Some(value) = value.and_then(|value| Toml::try_from(value).ok()) {
                self.set(&["vm", "lima", key], value);
            }
        }
    }

    fn vm_table(&self, name: &str) -> Option<&Table> {
        self.document.get("vm")?.get(name)?.as_table()
    }

    fn unset(&mut self, key: &str) {
        if let Some(Toml::Table(vm)) = self.document.get_mut("vm") {
            vm.remove(key);
        }
    }
}

/// The options of a mount that the file does not have, unless they are Lima's defaults.
fn unknown_options(mount: &Value, facts: &Facts) -> Option<String> {
    let home = facts.home.as_deref();
    let meaning = Meaning { directory: &facts.directory, home, defaults: true };
    let meant = meaning.of("mounts", &vec![mount.clone()].into());
    let keys = meant.get(0).and_then(Value::as_object).map(Map::keys)?;
    let unknown: Vec<&str> = keys.map(String::as_str).filter(|key| !MOUNT.contains(key)).collect();
    (!unknown.is_empty()).then(|| format!("it sets {}", crate::model::listed(unknown)))
}

/// Why a file with this mount is invalid.
fn refusal(mount: &Toml) -> Option<String> {
    let vm = Table::from_iter([("mounts".to_owned(), vec![mount.clone()].into())]);
    let file = Table::from_iter([("version".to_owned(), 1.into()), ("vm".to_owned(), vm.into())]);
    let errors = config::parse(&toml::to_string(&file).unwrap_or_default()).err()?;
    errors.into_iter().next().map(|error| error.message)
}

/// A forward as the file declares it.
fn forward(entry: &Value) -> Toml {
    let keys = FORWARD.iter().filter_map(|(key, name)| {
        Some(((*name).to_owned(), Toml::try_from(entry.get(key)?).ok()?))
    });
    Toml::Table(keys.collect())
}
