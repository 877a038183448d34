//! The running dockerd's report about itself.

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

use super::Document;
use crate::model::daemon_key::SNAPSHOTTER;

/// The engine as `docker info` describes it, and how much is stored in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Engine {
    /// How many containers there are, the stopped ones included.
    pub containers: u64,
    /// How many images there are.
    pub images: u64,
    /// How many volumes there are; `None` where they could not be counted.
    pub volumes: Option<u64>,
    /// The log drivers that are built in.
    pub log_drivers: Vec<String>,
    /// The values in force of those keys of daemon.json that dockerd reports.
    pub in_force: Map<String, Value>,
}

/// The second line of the section `runtimes`, in its order.
#[derive(Deserialize)]
struct Info(
    /// `Containers`, `Images`
    u64,
    u64,
    /// `Driver`, `DriverStatus`
    String,
    #[serde(deserialize_with = "or_empty")] Vec<(String, String)>,
    /// `LoggingDriver`, `Plugins.Log`
    String,
    #[serde(deserialize_with = "or_empty")] Vec<String>,
    /// `Labels`, `LiveRestoreEnabled`, `Debug`
    #[serde(deserialize_with = "or_empty")]
    Vec<String>,
    bool,
    bool,
    /// `RegistryConfig.Mirrors`, `DefaultRuntime`, `Runtimes`
    #[serde(deserialize_with = "or_empty")]
    Vec<String>,
    String,
    Map<String, Value>,
);

/// Go prints an empty list as `null`.
fn or_empty<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

impl Engine {
    /// Reads what follows the first line of the section `runtimes`: the path of the data root, a
    /// line of JSON, and the entries of the directory of volumes, where a directory is a volume.
    pub(super) fn read(document: &Document) -> Option<Self> {
        let mut lines = document.text("runtimes")?.lines().skip(1);
        let data_root = lines.next()?;
        let Info(
            containers,
            images,
            driver,
            driver_status,
            logging_driver,
            log_drivers,
            labels,
            live_restore,
            debug,
            mirrors,
            default_runtime,
            runtimes,
        ) = serde_json::from_str(lines.next()?).ok()?;
        let entries: Vec<&str> = lines.collect();
        // The line that says that the directory was listed.
        let listed = entries.contains(&"volumes");
        let volumes = entries.iter().filter(|entry| entry.ends_with('/')).count();
        let is_containerd = |(name, value): &(String, String)| {
            name == "driver-type" && value.starts_with("io.containerd.snapshotter")
        };
        let in_force = json!({
            "data-root": data_root,
            "debug": debug,
            "default-runtime": default_runtime,
            "features": { SNAPSHOTTER: driver_status.iter().any(is_containerd) },
            "labels": labels,
            "live-restore": live_restore,
            "log-driver": logging_driver,
            "registry-mirrors": mirrors,
            "runtimes": runtimes,
            "storage-driver": driver,
        });
        Some(Self {
            containers,
            images,
            volumes: listed.then_some(volumes).and_then(|count| u64::try_from(count).ok()),
            log_drivers,
            in_force: in_force.as_object().cloned().unwrap_or_default(),
        })
    }

    /// Whether dockerd reports that a value of daemon.json is in force. `None` if it does not
    /// report that key.
    pub fn has(&self, key: &str, value: &Value) -> Option<bool> {
        let reported = self.in_force.get(key)?;
        match (key, value, reported) {
            ("default-runtime" | "live-restore" | "log-driver" | "storage-driver", ..) => {
                Some(reported == value)
            }
            // The environment and `log-level` turn it on, too.
            ("debug", Value::Bool(true), _) => Some(reported == value),
            // dockerd drops duplicates and changes the order.
            ("labels", Value::Array(_), Value::Array(_)) => Some(set(value) == set(reported)),
            ("registry-mirrors", Value::Array(_), Value::Array(_)) => {
                Some(set(value) == set(reported))
            }
            // It does not report every option of a runtime, so only a missing one is certain.
            ("runtimes", Value::Object(wanted), Value::Object(reported)) => {
                let is_missing = |name: &String| !reported.contains_key(name);
                wanted.keys().any(is_missing).then_some(false)
            }
            ("features", ..) => {
                let wanted = value.get(SNAPSHOTTER)?;
                (reported.get(SNAPSHOTTER) != Some(wanted)).then_some(false)
            }
            _ => None,
        }
    }
}

/// The texts of a list. dockerd adds a slash at the end of a mirror.
fn set(list: &Value) -> std::collections::BTreeSet<&str> {
    let texts = list.as_array().into_iter().flatten().filter_map(Value::as_str);
    texts.map(|text| text.trim_end_matches('/')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As dockerd 20.10 prints it, with two volumes.
    const SECTION: &str = r#"@m runtimes
runc crun runc
/var/lib/docker
[3,2,"vfs",null,"json-file",["journald","json-file"],["a=b"],true,true,["https://m.example/"],"runc",{"crun":{"path":"/usr/bin/crun"},"runc":{"path":"runc"}}]
backingFsBlockDev
data/
metadata.db
other/
volumes

@m = 0
@m end
"#;

    fn engine(section: &str) -> Option<Engine> {
        Engine::read(&Document::parse(section, "m").unwrap())
    }

    #[test]
    fn what_is_stored_is_counted() {
        let read = engine(SECTION).unwrap();
        assert_eq!((read.containers, read.images, read.volumes), (3, 2, Some(2)));
        let unlisted = engine(&SECTION.replace("\nvolumes\n", "\n")).unwrap();
        assert_eq!(unlisted.volumes, None);
        assert_eq!(engine("@m runtimes\nrunc runc\n\n@m = 0\n@m end"), None);
    }

    #[test]
    fn what_is_in_force_is_told_from_what_is_not() {
        let engine = engine(SECTION).unwrap();
        for (key, value, expected) in [
            ("live-restore", json!(true), Some(true)),
            ("live-restore", json!(false), Some(false)),
            ("debug", json!(false), None),
            ("labels", json!(["a=b", "a=b"]), Some(true)),
            ("labels", json!(["a=c"]), Some(false)),
            ("registry-mirrors", json!(["https://m.example"]), Some(true)),
            ("registry-mirrors", json!([]), Some(false)),
            ("runtimes", json!({"crun": {"path": "/opt/crun"}}), None),
            ("runtimes", json!({"kata": {}}), Some(false)),
            ("features", json!({"buildkit": true}), None),
            ("features", json!({"containerd-snapshotter": true}), Some(false)),
            ("mtu", json!(1400), None),
        ] {
            assert_eq!(engine.has(key, &value), expected, "{key} {value}");
        }
    }
}
