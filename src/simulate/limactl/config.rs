//! An instance's configuration: its `lima.yaml` with Lima's defaults, as `list --json` shows it.

use std::path::Path;

use serde_json::{Value, json};

use super::rules;
use super::yaml::{self, MachineDefaults};
use crate::host::Os;
use crate::model::in_home;
use crate::simulate::guest::{Guest, YqEntry};
use crate::simulate::instance::DOCKER_SOCKET;
use crate::simulate::template;
use crate::simulate::world::World;

/// The configuration with defaults.
#[derive(Debug, Clone)]
pub(in crate::simulate) struct FilledConfig(pub(in crate::simulate) Value);

impl FilledConfig {
    /// Adds Lima's defaults to the YAML of the instance in `directory`.
    pub(in crate::simulate) fn fill(world: &World, given: Value, directory: &Path) -> Self {
        let computer = &world.computer;
        let mac = computer.platform.os == Os::MacOs;
        let machine = MachineDefaults {
            vm_type: if mac { "vz" } else { "qemu" },
            arch: &computer.platform.arch.to_string(),
            cpus: usize::try_from(computer.cpus).unwrap_or(1),
            user: &computer.user,
            home: &format!("/home/{}.guest", computer.user),
            uid: if mac { 501 } else { 1001 },
        };
        let mut config = yaml::filled(&machine, given);
        forward_sockets(&mut config, directory);
        Self(yaml::without_empty_lists(config))
    }

    fn text(&self, pointer: &str) -> &str {
        self.0.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    fn list(&self, key: &str) -> impl Iterator<Item = &Value> {
        self.0.get(key).and_then(Value::as_array).into_iter().flatten()
    }

    /// Whether the guest has this directory of the host.
    pub(in crate::simulate) fn mounts(&self, directory: &Path, home: &Path) -> bool {
        let points = self.list("mounts").filter_map(|mount| mount["location"].as_str());
        let absolute = |point: &str| in_home(point, home).unwrap_or_else(|| point.into());
        points.map(absolute).any(|point| directory.starts_with(point))
    }

    pub(in crate::simulate) fn number(&self, pointer: &str) -> u32 {
        let number = self.0.pointer(pointer).and_then(Value::as_u64);
        number.and_then(|number| number.try_into().ok()).unwrap_or_default()
    }

    /// The type of the VM.
    pub(in crate::simulate) fn vm_type(&self) -> &str {
        self.text("/vmType")
    }

    /// A size such as `2GiB` in bytes.
    pub(in crate::simulate) fn bytes(&self, key: &str) -> Option<u64> {
        yaml::bytes(&rules::as_text(self.0.get(key)?)?)
    }

    /// The scripts that root runs at every boot. A `boot` script runs before the user exists, and a
    /// `user` script without root; neither affects Docker.
    pub(in crate::simulate) fn provisioning(&self) -> impl Iterator<Item = &str> {
        self.list("provision")
            .filter(|entry| entry["mode"] == "system")
            .filter_map(|entry| entry["script"].as_str())
    }

    /// The entries that set keys of files, with their templates expanded.
    pub(in crate::simulate) fn set_keys(&self) -> impl Iterator<Item = YqEntry> {
        let fields = json!({
            "User": self.text("/user/name"),
            "Param": self.0.get("param").cloned().unwrap_or_default(),
        });
        self.list("provision").filter(|entry| entry["mode"] == "yq").filter_map(move |entry| {
            let expanded = |key: &str| template::expand(entry[key].as_str()?, &fields).ok();
            Some(YqEntry {
                path: expanded("path")?,
                expression: expanded("expression")?,
                is_ini: entry["format"] == "ini",
            })
        })
    }

    /// The probes that a start waits for.
    pub(in crate::simulate) fn probes(&self) -> impl Iterator<Item = &str> {
        self.list("probes").filter_map(|entry| entry["script"].as_str())
    }

    /// The socket of the host to which the guest's Docker socket is forwarded: one of the instance, or else the
    /// first.
    pub(in crate::simulate) fn docker_socket(&self) -> Option<&str> {
        let forwards = self.list("portForwards");
        let forwards = forwards.filter(|forward| forward["guestSocket"] == "/var/run/docker.sock");
        let paths: Vec<&str> =
            forwards.filter_map(|forward| forward["hostSocket"].as_str()).collect();
        let own = paths.iter().find(|path| path.ends_with(DOCKER_SOCKET));
        own.or(paths.first()).copied()
    }

    /// The guest of the configured image. An image includes Docker if its name says so.
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

fn forward_sockets(config: &mut Value, directory: &Path) {
    for forward in yaml::entries(config, "portForwards") {
        let Some(socket) = forward["hostSocket"].as_str() else { continue };
        let socket = socket.replace("{{.Dir}}", &directory.to_string_lossy());
        // A relative path is relative to the directory of the instance's sockets.
        let socket = Path::new(&socket);
        let is_whole = socket.is_absolute() || socket.starts_with(directory);
        let whole = if is_whole { socket.to_owned() } else { directory.join("sock").join(socket) };
        forward["hostSocket"] = json!(whole);
    }
}
