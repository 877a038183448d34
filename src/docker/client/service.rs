//! The configuration of a service, as `docker compose config` prints it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::inspect::covering;
use super::{ComposeError, ComposeProgram};
use crate::model::digest::sha256;
use crate::model::{ServiceName, VolumeSource};

/// The parts of a service that `cai` uses, after variables, `extends`, `include` and every file of
/// its project. Nothing else is kept, because the output contains environment variables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ComposeService {
    /// The project's name. Compose 1 does not print it.
    pub project: Option<String>,
    /// The container's name, if the service sets it.
    pub container_name: Option<String>,
    /// The user, if the service sets one.
    pub user: Option<String>,
    /// The groups in `group_add`.
    pub groups: Vec<String>,
    /// Its mounts, without anonymous volumes.
    pub mounts: Vec<ComposeMount>,
    /// The declared volumes, with their names in Docker. The plugin omits those that the service
    /// does not use.
    pub volumes: BTreeMap<String, Option<String>>,
    /// Half of a SHA-256, to detect changes.
    pub fingerprint: String,
}

/// A mount of a service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ComposeMount {
    /// The volume's name in the file, or a path on the engine's machine.
    pub source: String,
    /// The path in the container.
    pub target: String,
    /// Whether it is writable.
    pub writable: bool,
}

impl ComposeService {
    /// Reads a service from the output of `config`: JSON, or YAML from Compose 1.
    ///
    /// # Errors
    /// When the output is neither, or does not contain the service.
    pub fn read(
        text: &str,
        program: &ComposeProgram,
        service: &ServiceName,
    ) -> Result<Self, ComposeError> {
        // A parser's message might quote a secret.
        let document: Value = match program {
            ComposeProgram::First(_) => {
                serde_yaml::from_str(text).map_err(|_| ComposeError::Unreadable)?
            }
            _ => serde_json::from_str(text).map_err(|_| ComposeError::Unreadable)?,
        };
        let services = &document["services"];
        let own = &services[service.as_str()];
        if !own.is_object() {
            let others = services.as_object().into_iter().flat_map(|all| all.keys().cloned());
            return Err(ComposeError::NoService(service.to_string(), others.collect()));
        }
        let word = |value: &Value| match value {
            Value::String(text) => Some(plain(text)),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let volumes = document["volumes"].as_object().into_iter().flatten();
        Ok(Self {
            project: word(&document["name"]),
            container_name: word(&own["container_name"]),
            user: word(&own["user"]).filter(|user| !user.is_empty()),
            groups: list(&own["group_add"]).iter().filter_map(word).collect(),
            mounts: list(&own["volumes"]).iter().filter_map(mount).collect(),
            volumes: volumes.map(|(name, it)| (name.clone(), word(&it["name"]))).collect(),
            fingerprint: fingerprint(&format!("{own}{}", document["volumes"])),
        })
    }

    /// The mount that contains a path of the container.
    pub fn mount_of(&self, path: &str) -> Option<&ComposeMount> {
        covering(path, &self.mounts, |mount| &mount.target)
    }

    /// Whether the source of a mount is this volume or path.
    pub fn is_mount_of(&self, mount: &ComposeMount, volume: &VolumeSource) -> bool {
        let volume = volume.as_str();
        mount.source == volume || self.name_of(&mount.source) == Some(volume)
    }

    /// A declared volume's name in Docker, if Compose prints it.
    pub fn name_of(&self, volume: &str) -> Option<&str> {
        self.volumes.get(volume)?.as_deref()
    }

    /// The name of its container: the one in the file, or Compose's name for the first.
    pub fn container(&self, service: &ServiceName, program: &ComposeProgram) -> Option<String> {
        let named = |project: &String| {
            let separator = program.separator();
            format!("{project}{separator}{service}{separator}1")
        };
        self.container_name.clone().or_else(|| self.project.as_ref().map(named))
    }
}

/// `sock:/var/run:ro`, or an object. `None` for an anonymous volume.
fn mount(entry: &Value) -> Option<ComposeMount> {
    let Some(entry) = entry.as_str() else {
        let text = |key: &str| entry[key].as_str().map(plain);
        let (source, target) = (text("source")?, text("target")?);
        return Some(ComposeMount { source, target, writable: entry["read_only"] != true });
    };
    let (source, rest) = entry.split_once(":/")?;
    let (target, options) = rest.split_once(':').unwrap_or((rest, ""));
    let writable = !options.split(',').any(|option| option == "ro");
    Some(ComposeMount { source: plain(source), target: format!("/{target}"), writable })
}

/// Compose doubles dollar signs, so its output is a valid compose file.
fn plain(text: &str) -> String {
    text.replace("$$", "$")
}

fn fingerprint(text: &str) -> String {
    let sum = sha256(text.as_bytes());
    format!("sha256:{}", sum.get(..32).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Output of Compose 2.26, shortened.
    const JSON: &str = r#"{"name": "proj", "services": {"manager": {
        "environment": {"PASSWORD": "hunter2"}, "container_name": "n$$a", "user": "1001:5",
        "group_add": ["7", "999"], "volumes": [
          {"type": "volume", "source": "sock", "target": "/var/run", "read_only": true, "volume": {}},
          {"type": "bind", "source": "/p/da$$ta", "target": "/data", "bind": {}},
          {"type": "volume", "target": "/anon", "volume": {}}]}},
        "volumes": {"sock": {"name": "proj_sock"}}}"#;
    /// Output of docker-compose 1.29.2 for the same files.
    const YAML: &str = "services:\n  manager:\n    container_name: n$$a\n    environment:\n      \
        PASSWORD: hunter2\n    group_add:\n    - 7\n    - '999'\n    user: '1001:5'\n    volumes:\n    \
        - /anon\n    - /p/da$ta:/data:rw\n    - sock:/var/run:ro\nversion: '3.9'\nvolumes:\n  sock: {}\n";

    fn read(text: &str, program: &ComposeProgram) -> ComposeService {
        ComposeService::read(text, program, &"manager".parse().unwrap()).unwrap()
    }

    #[test]
    fn a_service_is_read_as_either_compose_prints_it() {
        let first = ComposeProgram::First("/bin/docker-compose".into());
        let plugin = ComposeProgram::Plugin;
        for (text, program) in [(JSON, &plugin), (YAML, &first)] {
            let service = read(text, program);
            assert_eq!(service.container_name.as_deref(), Some("n$a"));
            assert_eq!(service.user.as_deref(), Some("1001:5"));
            assert_eq!(service.groups, ["7", "999"]);
            let socket = service.mount_of("/run/docker.sock").unwrap();
            assert_eq!((socket.source.as_str(), socket.writable), ("sock", false));
            let data = service.mount_of("/data/a").unwrap();
            assert_eq!((data.source.as_str(), data.writable), ("/p/da$ta", true));
            assert_eq!(service.mount_of("/anon"), None);
            assert!(service.volumes.contains_key("sock"));
            assert!(!format!("{service:?}").contains("hunter2"), "a secret was kept");
        }
        let service = read(JSON, &plugin);
        let volume = "proj_sock".parse().unwrap();
        assert!(service.is_mount_of(&service.mounts[0], &volume));
        // Compose 1 prints an empty user.
        assert_eq!(read(&JSON.replace("1001:5", ""), &plugin).user, None);
        assert_ne!(service.fingerprint, read(&JSON.replace("hunter2", "3"), &plugin).fingerprint);
    }

    #[test]
    fn a_container_without_a_name_gets_composes() {
        let service = ComposeService { project: Some("p".into()), ..ComposeService::default() };
        let name = |program| service.container(&"m".parse().unwrap(), &program);
        assert_eq!(name(ComposeProgram::Plugin).as_deref(), Some("p-m-1"));
        assert_eq!(name(ComposeProgram::First("c".into())).as_deref(), Some("p_m_1"));
    }

    #[test]
    fn what_is_not_there_or_not_readable_is_told_without_the_output() {
        let error = |text: &str| {
            let service = "other".parse().unwrap();
            ComposeService::read(text, &ComposeProgram::Plugin, &service).unwrap_err().to_string()
        };
        assert_eq!(error(JSON), "the service other does not exist; services: manager");
        assert_eq!(error("{\"services\": \"hunter2\""), "Compose's output is not readable");
    }
}
