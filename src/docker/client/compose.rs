//! Compose files: what is read of them, and the override that `cai` writes beside one.

use std::path::{Path, PathBuf};

use serde_yaml::{Mapping, Value};

use crate::model::ServiceName;

/// How a file begins that `cai` may write.
pub const MARK: &str = "# Managed by cai";
const HEADER: &str = "# Managed by cai: what containai.toml says of Docker sockets in containers.\n\
                      # Use it after the compose file that it lies beside: -f THAT -f THIS.\n";

/// What runs compose files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ComposeProgram {
    /// `docker compose`.
    Plugin,
    /// `docker-compose`, at this path: the same program.
    Standalone(PathBuf),
    /// `docker-compose` 1, at this path.
    First(PathBuf),
}

impl ComposeProgram {
    /// Whether the list of groups in a later file takes the place of the one before. From version 2
    /// on they go together, and none may be there twice (measured with 1.29 and 2.26).
    pub fn replaces_groups(&self) -> bool {
        matches!(self, Self::First(_))
    }
}

/// A compose file, or an override, that cannot be worked with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ComposeError {
    /// It is no YAML.
    #[error("it is no YAML: {0}")]
    NotYaml(String),
    /// It has no such service.
    #[error("it has no service {0}")]
    NoService(String),
    /// What others wrote into `cai`'s override would not come out of it as it went in.
    #[error(
        "it has a YAML tag or key that cai cannot write again; take it out, or delete the file"
    )]
    Unwritable,
    /// The file that `cai` would write is somebody else's.
    #[error("{} is there, and cai did not write it", .0.display())]
    Foreign(PathBuf),
}

/// Where the override of a compose file is: beside it, `dind.yml` has `dind.cai.yml`.
pub fn override_path(file: &Path) -> PathBuf {
    match file.extension() {
        Some(extension) => file.with_extension(format!("cai.{}", extension.to_string_lossy())),
        None => file.with_extension("cai.yml"),
    }
}

/// What a service needs beside what its compose file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Override {
    /// An entry of `volumes`; it takes the place of the one with the same target.
    pub volume: Option<String>,
    /// A volume that the file does not declare, and that is there already.
    pub external: Option<String>,
    /// The groups to add; for Compose 1 with those that the container has already.
    pub groups: Vec<String>,
    /// The user to run as.
    pub user: Option<String>,
}

impl Override {
    /// Whether nothing is needed.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The text of the override file, with what it holds for other services as it is. What it says
    /// of this one stays, too, where nothing else is needed.
    ///
    /// # Errors
    /// When the file is there and not `cai`'s, is no YAML any more, or cannot be written again.
    pub fn text(
        &self,
        path: &Path,
        present: Option<&str>,
        service: &ServiceName,
    ) -> Result<String, ComposeError> {
        let mut document = match present {
            None => Value::default(),
            Some(text) if !text.starts_with(MARK) => {
                return Err(ComposeError::Foreign(path.to_owned()));
            }
            Some(text) => parse(text)?,
        };
        let mut set = |path: &[&str], value: Value| {
            let mut place = &mut document;
            for key in path {
                if !place.is_mapping() {
                    *place = Value::Mapping(Mapping::new());
                }
                place = &mut place[*key];
            }
            *place = value;
        };
        let service = ["services", service.as_str()];
        if let Some(user) = &self.user {
            set(&[service[0], service[1], "user"], Value::from(user.as_str()));
        }
        if !self.groups.is_empty() {
            set(&[service[0], service[1], "group_add"], Value::from(self.groups.clone()));
        }
        if let Some(volume) = &self.volume {
            set(&[service[0], service[1], "volumes"], Value::from(vec![volume.clone()]));
        }
        if let Some(volume) = &self.external {
            set(&["volumes", volume, "external"], Value::from(true));
        }
        // The fuzzer found keys with tags, and tags, that are read and written as something else.
        match serde_yaml::to_string(&document) {
            Ok(body) if parse(&body).as_ref() == Ok(&document) => Ok(format!("{HEADER}{body}")),
            _ => Err(ComposeError::Unwritable),
        }
    }
}

/// The document as YAML has it: Compose has tags of its own (`!reset`, `!override`).
fn parse(text: &str) -> Result<Value, ComposeError> {
    let mut document: Value = serde_yaml::from_str(text).map_err(not_yaml)?;
    // Compose files share pieces by `<<: *anchor`.
    document.apply_merge().map_err(not_yaml)?;
    Ok(document)
}

fn not_yaml(error: serde_yaml::Error) -> ComposeError {
    ComposeError::NotYaml(error.to_string())
}

/// What is read of a compose file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComposeFile {
    service: Value,
    volumes: Value,
}

impl ComposeFile {
    /// Reads what it says of a service.
    ///
    /// # Errors
    /// When it is no YAML, or does not have it.
    pub fn parse(text: &str, service: &ServiceName) -> Result<Self, ComposeError> {
        let document = parse(text)?;
        let part = |name: &str| document.get(name).cloned().unwrap_or_default();
        match part("services").get(service.as_str()) {
            Some(own) if !own.is_null() => {
                Ok(Self { service: own.clone(), volumes: part("volumes") })
            }
            _ => Err(ComposeError::NoService(service.to_string())),
        }
    }

    /// What the service mounts at a path of the container, as the file writes it.
    pub fn source_of(&self, target: &str) -> Option<String> {
        let entries = self.service.get("volumes")?.as_sequence()?;
        entries.iter().find_map(|entry| match entry.as_str() {
            Some(entry) => {
                let (source, rest) = entry.split_once(":/")?;
                let (path, _) = rest.split_once(':').unwrap_or((rest, ""));
                (format!("/{path}") == target).then(|| source.to_owned())
            }
            None => (entry.get("target")?.as_str()? == target)
                .then(|| entry.get("source")?.as_str().map(str::to_owned))
                .flatten(),
        })
    }

    /// The groups that the service adds.
    pub fn groups(&self) -> Vec<String> {
        let entries = self.service.get("group_add").and_then(Value::as_sequence);
        let word = |entry: &Value| match entry.as_str() {
            Some(name) => Some(name.to_owned()),
            None => entry.as_u64().map(|id| id.to_string()),
        };
        entries.into_iter().flatten().filter_map(word).collect()
    }

    /// Whether it declares a volume of this name.
    pub fn declares(&self, volume: &str) -> bool {
        self.volumes.get(volume).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(name: &str) -> ServiceName {
        name.parse().unwrap()
    }

    const FILE: &str = "version: '3.8'\nx-common: &common\n  group_add: [audio, 7]\nservices:\n  manager:\n    \
        <<: *common\n    volumes:\n      - sock:/var/run:ro\n      - ${DATA}:/data\n      \
        - type: bind\n        source: ./etc\n        target: /etc/m\nvolumes:\n  sock:\n";

    #[test]
    fn a_file_of_another_form_has_no_service() {
        for text in ["", "foo", "- a", "services: []", "services: x", "services: {manager: }", "5"]
        {
            let parsed = ComposeFile::parse(text, &service("manager"));
            assert_eq!(parsed, Err(ComposeError::NoService("manager".into())), "{text}");
        }
        for text in ["services: {manager: x}", "services: {manager: [1]}\nvolumes: 3"] {
            let file = ComposeFile::parse(text, &service("manager")).unwrap();
            assert_eq!(
                (file.groups(), file.source_of("/a"), file.declares("a")),
                (vec![], None, false)
            );
        }
    }

    #[test]
    fn the_override_lies_beside_the_file() {
        let path = |file: &str| override_path(Path::new(file)).display().to_string();
        assert_eq!(path("/d/docker-compose.dind.yml"), "/d/docker-compose.dind.cai.yml");
        assert_eq!(path("/d/compose.yaml"), "/d/compose.cai.yaml");
        assert_eq!(path("/d/compose"), "/d/compose.cai.yml");
    }

    #[test]
    fn a_mount_is_found_as_the_file_writes_it() {
        let file = ComposeFile::parse(FILE, &service("manager")).unwrap();
        let source = |target| file.source_of(target);
        assert_eq!(source("/var/run").as_deref(), Some("sock"));
        assert_eq!(source("/data").as_deref(), Some("${DATA}"));
        assert_eq!(source("/etc/m").as_deref(), Some("./etc"));
        assert_eq!(source("/var"), None);
        assert_eq!(file.groups(), ["audio", "7"]);
        assert!(file.declares("sock"));
        assert!(!file.declares("other"));
        let missing = ComposeFile::parse(FILE, &service("nosuch")).unwrap_err();
        assert_eq!(missing.to_string(), "it has no service nosuch");
        assert!(ComposeFile::parse("a: [", &service("manager")).is_err());
    }

    #[test]
    fn an_override_holds_what_is_needed_and_what_it_held() {
        let path = Path::new("/d/a.cai.yml");
        let needed = Override { groups: vec!["2375".into()], ..Override::default() };
        let first = needed.text(path, None, &service("manager")).unwrap();
        assert!(first.starts_with(MARK), "{first}");
        assert!(
            first.ends_with("services:\n  manager:\n    group_add:\n    - '2375'\n"),
            "{first}"
        );
        let volume = Some("sock:/var/run:rw".to_owned());
        let needed = Override { volume, user: Some("1001".into()), ..Override::default() };
        let second = needed.text(path, Some(&first), &service("other")).unwrap();
        let parsed: serde_json::Value = serde_yaml::from_str(&second).unwrap();
        assert_eq!(
            parsed["services"],
            serde_json::json!({
                "manager": {"group_add": ["2375"]},
                "other": {"user": "1001", "volumes": ["sock:/var/run:rw"]},
            })
        );
        let same = needed.text(path, Some(&second), &service("other")).unwrap();
        assert_eq!(same, second);
    }

    #[test]
    fn what_compose_alone_understands_is_read_and_kept() {
        let text = "services:\n  manager:\n    ports: !reset []\n    group_add: !override\n    \
            - audio\n    labels:\n      1: one\n    volumes: !override\n    - sock:/var/run\n";
        let file = ComposeFile::parse(text, &service("manager")).unwrap();
        assert_eq!(
            (file.groups(), file.source_of("/var/run")),
            (vec!["audio".into()], Some("sock".into()))
        );
        let needed = Override { user: Some("m".into()), ..Override::default() };
        let present = format!("{HEADER}{text}");
        let written = needed.text(Path::new("a"), Some(&present), &service("manager")).unwrap();
        assert_eq!(written, format!("{present}    user: m\n"));
    }

    #[test]
    fn what_could_not_be_written_again_is_an_error_and_no_other_file() {
        let needed = Override { user: Some("m".into()), ..Override::default() };
        for odd in ["!reset image: x", "image: !%2ce!!%5A x"] {
            let present = format!("{HEADER}services:\n  other:\n    {odd}\n");
            let written = needed.text(Path::new("a"), Some(&present), &service("m"));
            assert_eq!(written, Err(ComposeError::Unwritable), "{odd}");
        }
    }

    #[test]
    fn a_file_of_somebody_else_is_not_written_over() {
        let needed = Override { groups: vec!["1".into()], ..Override::default() };
        let text = Some("services: {}\n");
        let error = needed.text(Path::new("/d/a.cai.yml"), text, &service("m")).unwrap_err();
        assert_eq!(error.to_string(), "/d/a.cai.yml is there, and cai did not write it");
    }
}
