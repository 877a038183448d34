//! An instance's configuration: its `lima.yaml` with Lima's defaults, in the form that
//! `list --json` shows.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::host::Os;
use crate::simulate::guest::Guest;
use crate::simulate::world::World;

/// The filled configuration.
#[derive(Debug, Clone)]
pub(in crate::simulate) struct Config(pub(in crate::simulate) Value);

impl Config {
    /// Fills in what the YAML of the instance in `directory` leaves open.
    pub(in crate::simulate) fn fill(world: &World, given: Value, directory: &Path) -> Self {
        let computer = &world.computer;
        let mac = computer.platform.os == Os::MacOs;
        let home = format!("/home/{}.guest", computer.user);
        let mut config = json!({
            "vmType": if mac { "vz" } else { "qemu" },
            "os": "Linux",
            "arch": computer.platform.arch,
            "images": [],
            "cpus": computer.cpus.min(4),
            "memory": "4GiB",
            "disk": "100GiB",
            "mounts": [],
            "mountInotify": false,
            "ssh": {
                "localPort": 0, "loadDotSSHPubKeys": false, "forwardAgent": false,
                "forwardX11": false, "forwardX11Trusted": false,
            },
            "firmware": {"legacyBIOS": false},
            "audio": {"device": "", "interface": ""},
            "video": {"display": "none"},
            "provision": [],
            "upgradePackages": false,
            "containerd": {"system": false, "user": false},
            "guestInstallPrefix": "/usr/local",
            "probes": [],
            "portForwards": [],
            "hostResolver": {"enabled": true, "ipv6": false},
            "propagateProxyEnv": true,
            "caCerts": {"removeDefaults": false},
            "plain": false,
            "timezone": "Etc/UTC",
            "nestedVirtualization": false,
            "user": {
                "name": computer.user, "comment": "", "home": home, "shell": "/bin/bash",
                "uid": if mac { 501 } else { 1001 }, "passwordlessSudo": true,
            },
            "tpm": false,
        });
        merge(&mut config, given);
        fill_entries(&mut config, directory);
        if let Value::Object(map) = &mut config {
            map.retain(|_, value| value.as_array().is_none_or(|list| !list.is_empty()));
        }
        Self(config)
    }

    fn text(&self, pointer: &str) -> &str {
        self.0.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    fn list(&self, key: &str) -> impl Iterator<Item = &Value> {
        self.0.get(key).and_then(Value::as_array).into_iter().flatten()
    }

    pub(in crate::simulate) fn number(&self, pointer: &str) -> u32 {
        let number = self.0.pointer(pointer).and_then(Value::as_u64);
        number.and_then(|number| number.try_into().ok()).unwrap_or_default()
    }

    /// The kind of machine.
    pub(in crate::simulate) fn vm_type(&self) -> &str {
        self.text("/vmType")
    }

    /// The bytes of a size such as `2GiB`.
    pub(in crate::simulate) fn bytes(&self, key: &str) -> Option<u64> {
        bytes(self.0.get(key)?.as_str()?)
    }

    /// The scripts that root runs on every boot. (A `boot` script runs before the user exists, and
    /// a `user` script without root; neither matters to Docker.)
    pub(in crate::simulate) fn provisioning(&self) -> impl Iterator<Item = &str> {
        self.list("provision")
            .filter(|entry| entry["mode"] == "system")
            .filter_map(|entry| entry["script"].as_str())
    }

    /// The scripts that a start waits for.
    pub(in crate::simulate) fn probes(&self) -> impl Iterator<Item = &str> {
        self.list("probes").filter_map(|entry| entry["script"].as_str())
    }

    /// Whether the guest's Docker socket is forwarded to this file of the instance.
    pub(in crate::simulate) fn forwards_docker(&self, file: &str) -> bool {
        self.list("portForwards").any(|forward| {
            forward["guestSocket"] == "/var/run/docker.sock"
                && forward["hostSocket"].as_str().is_some_and(|path| path.ends_with(file))
        })
    }

    /// The guest of the configured image. An image has Docker in it if its name says so.
    pub(in crate::simulate) fn guest(&self) -> Guest {
        let arch = self.text("/arch");
        let image = self.list("images").find(|image| image["arch"] == arch);
        let location = image.and_then(|image| image["location"].as_str()).unwrap_or_default();
        let file = location.rsplit('/').next().unwrap_or_default();
        let debian_arch = if arch == "aarch64" { "arm64" } else { "amd64" };
        let uid = self.number("/user/uid");
        Guest::new(self.text("/user/name"), uid, debian_arch, file.contains("docker"))
    }
}

/// Reads a size; every unit is binary, as Lima's library has it.
pub(in crate::simulate) fn bytes(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..digits].parse().ok()?;
    let unit = text[digits..].trim().to_ascii_lowercase();
    let unit = unit.strip_suffix("ib").or(unit.strip_suffix('b')).unwrap_or(&unit);
    let power = ["", "k", "m", "g", "t"].iter().position(|known| *known == unit)?;
    number.checked_mul(1024_u64.pow(power.try_into().ok()?))
}

/// Lays `over` on top: mappings key by key, anything else as a whole. A null leaves the default.
fn merge(under: &mut Value, over: Value) {
    match (under, over) {
        (_, Value::Null) => {}
        (Value::Object(under), Value::Object(over)) => {
            for (key, value) in over {
                merge(under.entry(key).or_insert(Value::Null), value);
            }
        }
        (under, over) => *under = over,
    }
}

fn fill_entries(config: &mut Value, directory: &Path) {
    let arch = config["arch"].clone();
    for image in entries(config, "images") {
        default(image, "arch", arch.clone());
        for part in ["kernel", "initrd"] {
            if let Some(part) = image.get_mut(part) {
                default(part, "arch", arch.clone());
            }
        }
    }
    for provision in entries(config, "provision") {
        default(provision, "mode", json!("system"));
    }
    let probes = entries(config, "probes");
    let count = probes.len();
    for (index, probe) in probes.iter_mut().enumerate() {
        default(probe, "mode", json!("readiness"));
        default(probe, "description", json!(format!("user probe {}/{count}", index + 1)));
    }
    for forward in entries(config, "portForwards") {
        default(forward, "guestIPMustBeZero", json!(false));
        default(forward, "guestIP", json!("127.0.0.1"));
        default(forward, "guestPortRange", json!([1, 65535]));
        default(forward, "hostIP", json!("127.0.0.1"));
        default(forward, "hostPortRange", json!([0, 0]));
        default(forward, "proto", json!("any"));
        if let Some(socket) = forward["hostSocket"].as_str() {
            let directory_text = directory.to_string_lossy();
            let socket = socket.replace("{{.Dir}}", &directory_text);
            // A relative one is beside the instance's other sockets.
            let socket = Path::new(&socket);
            let is_whole = socket.is_absolute() || socket.starts_with(directory);
            let whole =
                if is_whole { socket.to_owned() } else { directory.join("sock").join(socket) };
            forward["hostSocket"] = json!(whole);
        }
    }
}

fn entries<'a>(config: &'a mut Value, key: &str) -> &'a mut [Value] {
    config.get_mut(key).and_then(Value::as_array_mut).map_or(&mut [], Vec::as_mut_slice)
}

fn default(entry: &mut Value, key: &str, value: Value) {
    if let Value::Object(map) = entry {
        map.entry(key).or_insert(value);
    }
}

/// The YAML as data; an empty text is an empty mapping.
///
/// # Errors
/// When it is no mapping.
pub(super) fn parse(text: &str) -> Result<Value, String> {
    match serde_yaml::from_str(text) {
        Ok(Value::Null) => Ok(Value::Object(Map::new())),
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err("cannot unmarshal the document into a mapping".into()),
        Err(error) => Err(error.to_string()),
    }
}
