//! The override that `cai` writes next to a compose file.

use std::path::{Path, PathBuf};

use serde_yaml::{Mapping, Value};

use crate::model::{ServiceName, listed};

/// The start of a file that `cai` may write.
pub const MARK: &str = "# Managed by cai";
const HEADER: &str = "# Managed by cai: Docker socket settings from containai.toml.\n\
                      # Pass it after its compose file: -f COMPOSE_FILE -f THIS_FILE.\n";

/// An error in a compose file or an override.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ComposeError {
    /// The file does not exist.
    #[error("the file does not exist")]
    Missing,
    /// Compose did not describe it; its own message.
    #[error("{0}")]
    Refused(String),
    /// Compose's output is neither JSON nor YAML.
    #[error("Compose's output is not readable")]
    Unreadable,
    /// The service does not exist; the names of the others.
    #[error("the service {0} does not exist; services: {services}", services = listed(.1))]
    NoService(String, Vec<String>),
    /// It is not YAML.
    #[error("it is not YAML: {0}")]
    NotYaml(String),
    /// The override contains changes that `cai` would lose when it writes the file again.
    #[error("it has a YAML tag or key that cai cannot preserve; remove it, or delete the file")]
    Unwritable,
    /// The file at the override's path was not written by `cai`.
    #[error("the file was not written by cai")]
    Foreign,
}

/// The path of the override of a compose file: `dind.yml` has `dind.cai.yml` next to it.
pub fn override_path(file: &Path) -> PathBuf {
    match file.extension() {
        Some(extension) => file.with_extension(format!("cai.{}", extension.to_string_lossy())),
        None => file.with_extension("cai.yml"),
    }
}

/// The settings that a service needs and its compose files lack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Override {
    /// An entry of `volumes`; it replaces the one with the same target.
    pub volume: Option<String>,
    /// An existing volume that the file does not declare.
    pub external: Option<String>,
    /// The groups to add; for Compose 1, including those that the compose files add.
    pub groups: Vec<String>,
    /// The groups that the compose files add, if the override must not repeat them.
    pub inherited: Vec<String>,
    /// The user to run as.
    pub user: Option<String>,
}

impl Override {
    /// Whether the file needs a new setting, or repeats an inherited group.
    pub fn is_needed(&self, present: Option<&str>, service: &ServiceName) -> bool {
        let adds = Self { inherited: Vec::new(), ..self.clone() } != Self::default();
        let repeats = || {
            let document = parse(present?).ok()?;
            let groups = document.get("services")?.get(service.as_str())?.get("group_add")?;
            let inherited =
                |group: &Value| word(group).is_some_and(|it| self.inherited.contains(&it));
            Some(groups.as_sequence()?.iter().any(inherited))
        };
        adds || repeats() == Some(true)
    }

    /// The text of the override file. Its settings of other services are kept, and so are this
    /// service's unless a new value is needed.
    ///
    /// # Errors
    /// When the file exists but was not written by `cai`, is not valid YAML, or cannot be
    /// preserved.
    pub fn text(
        &self,
        present: Option<&str>,
        service: &ServiceName,
    ) -> Result<String, ComposeError> {
        let mut document = match present {
            None => Value::default(),
            Some(text) if !text.starts_with(MARK) => {
                return Err(ComposeError::Foreign);
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
        let own = ["services", service.as_str()];
        if let Some(user) = &self.user {
            set(&[own[0], own[1], "user"], Value::from(escaped(user)));
        }
        if !self.groups.is_empty() {
            let groups: Vec<String> = self.groups.iter().map(|group| escaped(group)).collect();
            set(&[own[0], own[1], "group_add"], Value::from(groups));
        }
        if let Some(volume) = &self.volume {
            set(&[own[0], own[1], "volumes"], Value::from(vec![escaped(volume)]));
        }
        if let Some(volume) = &self.external {
            set(&["volumes", volume, "external"], Value::from(true));
        }
        self.drop_inherited(&mut document, service);
        // The fuzzer found tags, and keys with tags, that do not survive a round trip.
        match serde_yaml::to_string(&document) {
            Ok(body) if parse(&body).as_ref() == Ok(&document) => Ok(format!("{HEADER}{body}")),
            _ => Err(ComposeError::Unwritable),
        }
    }

    fn drop_inherited(&self, document: &mut Value, service: &ServiceName) {
        let services = document.get_mut("services");
        let own = services.and_then(|services| services.get_mut(service.as_str()));
        let Some(own) = own.and_then(Value::as_mapping_mut) else { return };
        let Some(groups) = own.get_mut("group_add").and_then(Value::as_sequence_mut) else {
            return;
        };
        let count = groups.len();
        groups.retain(|group| word(group).is_none_or(|group| !self.inherited.contains(&group)));
        if groups.is_empty() && count > 0 {
            own.remove("group_add");
        }
    }
}

/// The services that an override of `cai` changes.
pub fn overridden_services(text: &str) -> Vec<String> {
    let document = Some(text).filter(|text| text.starts_with(MARK)).and_then(|it| parse(it).ok());
    let services = document.as_ref().and_then(|it| it.get("services")?.as_mapping());
    let names = services.into_iter().flatten().filter_map(|(name, _)| name.as_str());
    names.map(str::to_owned).collect()
}

/// The text of an override without a service. `None` if nothing is left to override.
///
/// # Errors
/// When it cannot be preserved.
pub fn without_service(text: &str, service: &str) -> Result<Option<String>, ComposeError> {
    let mut document = parse(text)?;
    let Some(services) = document.get_mut("services").and_then(Value::as_mapping_mut) else {
        return Ok(None);
    };
    services.remove(service);
    if services.is_empty() {
        return Ok(None);
    }
    match serde_yaml::to_string(&document) {
        Ok(body) if parse(&body).as_ref() == Ok(&document) => Ok(Some(format!("{HEADER}{body}"))),
        _ => Err(ComposeError::Unwritable),
    }
}

/// A group, by its name or number.
fn word(group: &Value) -> Option<String> {
    group.as_str().map(|name| name.replace("$$", "$")).or_else(|| Some(group.as_u64()?.to_string()))
}

/// Compose reads `$` as a variable and `$$` as a dollar sign.
fn escaped(text: &str) -> String {
    text.replace('$', "$$")
}

/// The YAML document, including Compose's tags (`!reset`, `!override`).
fn parse(text: &str) -> Result<Value, ComposeError> {
    let not_yaml = |error: serde_yaml::Error| ComposeError::NotYaml(error.to_string());
    let mut document: Value = serde_yaml::from_str(text).map_err(not_yaml)?;
    // Compose files share parts with `<<: *anchor`.
    document.apply_merge().map_err(not_yaml)?;
    Ok(document)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(name: &str) -> ServiceName {
        name.parse().unwrap()
    }

    #[test]
    fn the_override_lies_beside_the_file() {
        let path = |file: &str| override_path(Path::new(file)).display().to_string();
        assert_eq!(path("/d/docker-compose.dind.yml"), "/d/docker-compose.dind.cai.yml");
        assert_eq!(path("/d/compose.yaml"), "/d/compose.cai.yaml");
        assert_eq!(path("/d/compose"), "/d/compose.cai.yml");
    }

    #[test]
    fn an_override_holds_what_is_needed_and_what_it_held() {
        let needed = Override { groups: vec!["2375".into()], ..Override::default() };
        let first = needed.text(None, &service("manager")).unwrap();
        assert!(first.starts_with(MARK), "{first}");
        assert!(
            first.ends_with("services:\n  manager:\n    group_add:\n    - '2375'\n"),
            "{first}"
        );
        let volume = Some("sock:/var/run:rw".to_owned());
        let needed = Override { volume, user: Some("1001".into()), ..Override::default() };
        let second = needed.text(Some(&first), &service("other")).unwrap();
        let parsed: serde_json::Value = serde_yaml::from_str(&second).unwrap();
        assert_eq!(
            parsed["services"],
            serde_json::json!({
                "manager": {"group_add": ["2375"]},
                "other": {"user": "1001", "volumes": ["sock:/var/run:rw"]},
            })
        );
        let same = needed.text(Some(&second), &service("other")).unwrap();
        assert_eq!(same, second);
    }

    #[test]
    fn what_compose_alone_understands_is_read_and_kept() {
        let text = "services:\n  manager:\n    ports: !reset []\n    group_add: !override\n    \
            - audio\n    labels:\n      1: one\n    volumes: !override\n    - sock:/var/run\n";
        let needed = Override { user: Some("m".into()), ..Override::default() };
        let present = format!("{HEADER}{text}");
        let written = needed.text(Some(&present), &service("manager")).unwrap();
        assert_eq!(written, format!("{present}    user: m\n"));
    }

    #[test]
    fn what_could_not_be_written_again_is_an_error_and_no_other_file() {
        let needed = Override { user: Some("m".into()), ..Override::default() };
        for odd in ["!reset image: x", "image: !%2ce!!%5A x"] {
            let present = format!("{HEADER}services:\n  other:\n    {odd}\n");
            let written = needed.text(Some(&present), &service("m"));
            assert_eq!(written, Err(ComposeError::Unwritable), "{odd}");
        }
    }

    #[test]
    fn a_file_of_somebody_else_is_not_written_over() {
        let needed = Override { groups: vec!["1".into()], ..Override::default() };
        let text = Some("services: {}\n");
        let error = needed.text(text, &service("m")).unwrap_err();
        assert_eq!(error.to_string(), "the file was not written by cai");
    }

    #[test]
    fn a_group_that_the_files_add_is_not_repeated() {
        let inherited = vec!["2375".to_owned()];
        let present = format!(
            "{HEADER}services:\n  manager:\n    group_add: ['2375', 7]\n  other:\n    group_add: [2375]\n"
        );
        let needed = Override { inherited: inherited.clone(), ..Override::default() };
        assert!(needed.is_needed(Some(&present), &service("manager")));
        assert!(!needed.is_needed(Some(&present), &service("third")));
        assert!(!needed.is_needed(None, &service("manager")));
        let text = needed.text(Some(&present), &service("manager")).unwrap();
        let body = "services:\n  manager:\n    group_add:\n    - 7\n  other:\n    group_add:\n    - 2375\n";
        assert_eq!(text, format!("{HEADER}{body}"));
        let text = needed.text(Some(&text), &service("other")).unwrap();
        assert!(text.ends_with("    - 7\n  other: {}\n"), "{text}");
        let adds = Override { groups: inherited, ..Override::default() };
        assert!(adds.is_needed(None, &service("manager")));
    }

    #[test]
    fn a_dollar_sign_is_no_variable() {
        let needed = Override { volume: Some("/a$b:/c:rw".into()), ..Override::default() };
        let text = needed.text(None, &service("m")).unwrap();
        assert!(text.ends_with("    volumes:\n    - /a$$b:/c:rw\n"), "{text}");
    }
}
