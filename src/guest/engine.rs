//! The running dockerd's report about itself.

use std::time::SystemTime;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::answers::{Answers, or_empty};
use crate::model::daemon_key::SNAPSHOTTER;

/// The engine's description of itself, and the number of its objects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Engine {
    /// The number of containers, including stopped ones.
    pub containers: usize,
    /// The number of images.
    pub images: usize,
    /// The number of volumes; `None` if they could not be counted.
    pub volumes: Option<usize>,
    /// Its version, such as `28.5.2`.
    pub version: Option<String>,
    /// The time on its clock.
    pub time: Option<SystemTime>,
    /// Its runc as it reports it, such as `v1.3.3-0-gd842d77` or a commit.
    pub runc: Option<String>,
    /// The log drivers that are built in.
    pub log_drivers: Vec<String>,
    /// The active values of the daemon.json keys that dockerd reports.
    pub in_force: Map<String, Value>,
}

/// The parts of `/info` that are read. Missing keys are empty, as in the docker client.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Info {
    containers: usize,
    images: usize,
    server_version: String,
    system_time: String,
    docker_root_dir: String,
    driver: String,
    #[serde(deserialize_with = "or_empty")]
    driver_status: Vec<(String, String)>,
    logging_driver: String,
    plugins: Plugins,
    #[serde(deserialize_with = "or_empty")]
    labels: Vec<String>,
    live_restore_enabled: bool,
    debug: bool,
    #[serde(deserialize_with = "or_empty")]
    registry_config: RegistryConfig,
    default_runtime: String,
    runc_commit: Commit,
    #[serde(deserialize_with = "or_empty")]
    runtimes: Map<String, Value>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Commit {
    #[serde(rename = "ID")]
    id: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Plugins {
    #[serde(deserialize_with = "or_empty")]
    log: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct RegistryConfig {
    #[serde(deserialize_with = "or_empty")]
    mirrors: Vec<String>,
}

impl Engine {
    pub(super) fn read(answers: &Answers<'_>) -> Option<Self> {
        let info: Info = answers.get("/info")?;
        let is_containerd = |(name, value): &(String, String)| {
            name == "driver-type" && value.starts_with("io.containerd.snapshotter")
        };
        let Value::Object(in_force) = json!({
            "data-root": info.docker_root_dir,
            "debug": info.debug,
            "default-runtime": info.default_runtime,
            "features": { SNAPSHOTTER: info.driver_status.iter().any(is_containerd) },
            "labels": info.labels,
            "live-restore": info.live_restore_enabled,
            "log-driver": info.logging_driver,
            "registry-mirrors": info.registry_config.mirrors,
            "runtimes": info.runtimes,
            "storage-driver": info.driver,
        }) else {
            return None;
        };
        Some(Self {
            containers: info.containers,
            images: info.images,
            volumes: answers.get("volumes"),
            version: Some(info.server_version).filter(|version| !version.is_empty()),
            runc: Some(info.runc_commit.id).filter(|id| !id.is_empty()),
            time: humantime::parse_rfc3339(&info.system_time).ok(),
            log_drivers: info.plugins.log,
            in_force,
        })
    }

    /// The default runtime, then the others.
    pub(super) fn runtimes(&self) -> Vec<String> {
        let default = self.in_force.get("default-runtime").and_then(Value::as_str);
        let all = self.in_force.get("runtimes").and_then(Value::as_object);
        let others = all.into_iter().flat_map(Map::keys).map(String::as_str);
        let others = others.filter(|name| Some(*name) != default);
        default.into_iter().chain(others).map(str::to_owned).collect()
    }

    /// Whether dockerd reports a value of daemon.json as active. `None` if it does not report that
    /// key.
    pub fn has(&self, key: &str, value: &Value) -> Option<bool> {
        let reported = self.in_force.get(key)?;
        match (key, value, reported) {
            ("default-runtime" | "live-restore" | "log-driver" | "storage-driver", ..) => {
                Some(reported == value)
            }
            // The environment and `log-level` can also enable it.
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

/// The strings of a list, without the slash that dockerd appends to a mirror.
fn set(list: &Value) -> std::collections::BTreeSet<&str> {
    let texts = list.as_array().into_iter().flatten().filter_map(Value::as_str);
    texts.map(|text| text.trim_end_matches('/')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guest::Document;

    /// An answer of dockerd 20.10, without most of the unused keys.
    const INFO: &str = r#"{"ID":"5CXX:WAND","Containers":3,"ContainersRunning":1,"Images":2,"Driver":"vfs","DriverStatus":null,"Plugins":{"Volume":["local"],"Authorization":null,"Log":["journald","json-file"]},"Debug":true,"LoggingDriver":"json-file","OSType":"linux","RegistryConfig":{"InsecureRegistryCIDRs":["127.0.0.0/8"],"IndexConfigs":{"docker.io":{"Name":"docker.io","Mirrors":["https://m.example/"],"Secure":true,"Official":true}},"Mirrors":["https://m.example/"]},"GenericResources":null,"DockerRootDir":"/var/lib/docker","Labels":["a=b"],"Runtimes":{"crun":{"path":"/usr/bin/crun"},"runc":{"path":"runc"}},"DefaultRuntime":"runc","LiveRestoreEnabled":true,"Warnings":null}"#;

    fn engine(info: &str, volumes: &str) -> Option<Engine> {
        let section = format!("@m api\n/containers/json []\n{info}\n{volumes}\n\n@m = 0\n@m end");
        Engine::read(&Answers::read(&Document::parse(&section, "m").unwrap()))
    }

    fn with(volumes: &str) -> Engine {
        engine(&format!("/info {INFO}"), volumes).unwrap()
    }

    #[test]
    fn what_is_stored_is_counted() {
        let read = with("volumes 2");
        assert_eq!((read.containers, read.images, read.volumes), (3, 2, Some(2)));
        assert_eq!(read.in_force["data-root"], "/var/lib/docker");
        assert_eq!(read.log_drivers, ["journald", "json-file"]);
        assert_eq!(with("").volumes, None);
        assert_eq!(engine("", ""), None);
        assert_eq!(engine(&format!("/info {}", &INFO[..90]), "volumes 2"), None, "it is cut off");
    }

    #[test]
    fn what_a_daemon_leaves_out_is_empty() {
        let read = engine("/info {\"RegistryConfig\":null,\"Labels\":null}", "").unwrap();
        assert_eq!(read.has("registry-mirrors", &json!(["https://m.example"])), Some(false));
        assert_eq!(read.has("labels", &json!([])), Some(true));
    }

    #[test]
    fn the_default_runtime_is_the_first_one() {
        let info = INFO.replace(r#""DefaultRuntime":"runc""#, r#""DefaultRuntime":"crun""#);
        assert_eq!(with("").runtimes(), ["runc", "crun"]);
        let read = engine(&format!("/info {info}"), "").unwrap();
        assert_eq!(read.runtimes(), ["crun", "runc"]);
    }

    #[test]
    fn what_is_in_force_is_told_from_what_is_not() {
        let engine = with("");
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
