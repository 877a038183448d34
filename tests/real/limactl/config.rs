//! An instance's configuration: its `lima.yaml` with defaults.
use std::path::Path;

use containai::simulate::rules;
use containai::simulate::yaml::{self, MachineDefaults};
use serde_json::{Value, json};

use super::Result;
use super::template::Fields;

/// The user who runs this program, after whom the guest's user is named.
pub(super) struct HostUser {
    pub(super) name: String,
    pub(super) uid: u32,
}

impl HostUser {
    pub(super) fn current() -> Result<Self> {
        let uid = nix::unistd::getuid();
        match nix::unistd::User::from_uid(uid) {
            Ok(Some(user)) => Ok(Self { name: user.name, uid: uid.as_raw() }),
            _ => Err(format!("user: unknown userid {uid}")),
        }
    }
}

/// The configuration with defaults, in the form of `list --json`.
#[derive(Clone)]
pub(super) struct Config(pub(super) Value);

impl Config {
    /// Adds defaults to the YAML text of the instance in `dir`.
    pub(super) fn fill(text: &str, dir: &Path) -> Result<Self> {
        let given = yaml::parse(text)?;
        let user = HostUser::current()?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let machine = MachineDefaults {
            vm_type: "qemu",
            arch: "x86_64",
            cpus: cores,
            user: &user.name,
            home: "/home/{{.User}}.guest",
            uid: user.uid,
        };
        let mut config = yaml::filled(&machine, given);
        expand(&mut config, dir)?;
        Ok(Self(yaml::without_empty_lists(config)))
    }

    pub(super) fn text(&self, pointer: &str) -> &str {
        self.0.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    pub(super) fn number(&self, pointer: &str) -> u64 {
        self.0.pointer(pointer).and_then(Value::as_u64).unwrap_or_default()
    }

    pub(super) fn list(&self, key: &str) -> &[Value] {
        self.0.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// A size such as `2GiB` in bytes.
    pub(super) fn bytes(&self, key: &str) -> Result<u64> {
        let text = self.0.get(key).and_then(rules::as_text).unwrap_or_default();
        yaml::bytes(&text).ok_or_else(|| format!("field `{key}`: invalid size: '{text}'"))
    }
}

/// Expands the templates.
fn expand(config: &mut Value, dir: &Path) -> Result<()> {
    let name = dir.file_name().map(|name| name.to_string_lossy().into_owned());
    let home = std::env::var("HOME").unwrap_or_default();
    let user = config["user"]["name"].clone();
    let param = config.get("param").cloned().unwrap_or_else(|| json!({}));
    let fields = json!({
        "Name": name, "User": user, "UID": config["user"]["uid"], "Param": param,
    });
    let guest_home = Fields(fields.clone()).expand(text(&config["user"]["home"]))?;
    config["user"]["home"] = json!(guest_home);
    let mut guest = Fields(fields.clone());
    guest.0["Home"] = json!(guest_home);
    guest.0["Hostname"] = json!(format!("lima-{}", name.unwrap_or_default()));
    let mut host = Fields(fields);
    host.0["Home"] = json!(home);
    host.0["Dir"] = json!(dir);

    for key in ["provision", "probes"] {
        for entry in yaml::entries(config, key) {
            entry["script"] = json!(guest.expand(text(&entry["script"]))?);
        }
    }
    for forward in yaml::entries(config, "portForwards") {
        if let Some(socket) = forward.get("guestSocket").and_then(Value::as_str) {
            forward["guestSocket"] = json!(guest.expand(socket)?);
        }
        if let Some(socket) = forward.get("hostSocket").and_then(Value::as_str) {
            // A relative socket is next to the instance's other sockets.
            forward["hostSocket"] = json!(dir.join("sock").join(host.expand(socket)?));
        }
    }
    Ok(())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
