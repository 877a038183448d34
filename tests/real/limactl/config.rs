//! An instance's configuration: its `lima.yaml` with the defaults filled in.
use std::path::Path;

use serde_json::{Map, Value, json};

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

/// The filled configuration, in the form that `list --json` shows.
#[derive(Clone)]
pub(super) struct Config(pub(super) Value);

impl Config {
    /// Fills in what the YAML text of the instance in `dir` leaves open.
    pub(super) fn fill(text: &str, dir: &Path) -> Result<Self> {
        let given = parse(text)?;
        let user = HostUser::current()?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let mut config = json!({
            "vmType": "qemu",
            "os": "Linux",
            "arch": "x86_64",
            "images": [],
            "cpus": cores.min(4),
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
                "name": user.name, "comment": "", "home": "/home/{{.User}}.guest",
                "shell": "/bin/bash", "uid": user.uid, "passwordlessSudo": true,
            },
            "tpm": false,
        });
        merge(&mut config, given);
        fill_entries(&mut config, dir)?;
        if let Value::Object(map) = &mut config {
            map.retain(|_, value| value.as_array().is_none_or(|list| !list.is_empty()));
        }
        Ok(Self(config))
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

    /// The bytes of a size such as `2GiB`.
    pub(super) fn bytes(&self, key: &str) -> Result<u64> {
        bytes(self.text(&format!("/{key}"))).map_err(|error| format!("field `{key}`: {error}"))
    }
}

/// The YAML as JSON data.
pub(super) fn parse(text: &str) -> Result<Value> {
    let value: Value = serde_yaml::from_str(text).map_err(|error| error.to_string())?;
    match value {
        Value::Object(_) => Ok(value),
        Value::Null => Ok(Value::Object(Map::new())),
        _ => Err("cannot unmarshal the document into a mapping".to_owned()),
    }
}

/// Reads a size as Docker's units library does: every unit is binary.
pub(super) fn bytes(text: &str) -> Result<u64> {
    let invalid = || format!("invalid size: '{text}'");
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let number: f64 = text[..digits].parse().map_err(|_| invalid())?;
    let unit = text[digits..].trim().to_ascii_lowercase();
    let power = match unit.strip_suffix("ib").or(unit.strip_suffix('b')).unwrap_or(&unit) {
        "" => 0,
        "k" => 1,
        "m" => 2,
        "g" => 3,
        "t" => 4,
        _ => return Err(invalid()),
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a size below an exabyte, and never negative"
    )]
    Ok((number * 1024_f64.powi(power)) as u64)
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

fn fill_entries(config: &mut Value, dir: &Path) -> Result<()> {
    let arch = config["arch"].clone();
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
        provision["script"] = json!(guest.expand(text(&provision["script"]))?);
    }
    let probes = entries(config, "probes");
    let count = probes.len();
    for (index, probe) in probes.iter_mut().enumerate() {
        default(probe, "mode", json!("readiness"));
        default(probe, "description", json!(format!("user probe {}/{count}", index + 1)));
        probe["script"] = json!(guest.expand(text(&probe["script"]))?);
    }
    for forward in entries(config, "portForwards") {
        fill_forward(forward, &guest, &host, dir)?;
    }
    Ok(())
}

fn fill_forward(forward: &mut Value, guest: &Fields, host: &Fields, dir: &Path) -> Result<()> {
    default(forward, "guestIPMustBeZero", json!(false));
    default(forward, "guestIP", json!("127.0.0.1"));
    default(forward, "guestPortRange", json!([1, 65535]));
    default(forward, "hostIP", json!("127.0.0.1"));
    default(forward, "hostPortRange", json!([0, 0]));
    default(forward, "proto", json!("any"));
    if let Some(socket) = forward.get("guestSocket").and_then(Value::as_str) {
        forward["guestSocket"] = json!(guest.expand(socket)?);
    }
    if let Some(socket) = forward.get("hostSocket").and_then(Value::as_str) {
        // A relative socket is beside the others of the instance.
        forward["hostSocket"] = json!(dir.join("sock").join(host.expand(socket)?));
    }
    Ok(())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn entries<'a>(config: &'a mut Value, key: &str) -> &'a mut [Value] {
    config.get_mut(key).and_then(Value::as_array_mut).map_or(&mut [], Vec::as_mut_slice)
}

fn default(entry: &mut Value, key: &str, value: Value) {
    if let Value::Object(map) = entry {
        map.entry(key).or_insert(value);
    }
}
