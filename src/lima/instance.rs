//! What `limactl list --json` prints.

use std::path::PathBuf;

use serde::Deserialize;

/// The state of an instance, in Lima's words.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub enum Status {
    /// The machine and its host agent run; the guest may still be starting.
    Running,
    /// Neither runs.
    Stopped,
    /// One of the two is gone. The guest may still answer.
    Broken,
    /// A word this program does not know.
    Other(String),
}

impl From<String> for Status {
    fn from(word: String) -> Self {
        match word.as_str() {
            "Running" => Self::Running,
            "Stopped" => Self::Stopped,
            "Broken" => Self::Broken,
            _ => Self::Other(word),
        }
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Running => "Running",
            Self::Stopped => "Stopped",
            Self::Broken => "Broken",
            Self::Other(word) => word,
        })
    }
}

/// An instance as Lima lists it. Fields that `cai` does not read are ignored, so that a newer
/// Lima may add some.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Instance {
    /// Its name.
    pub name: String,
    /// Its state.
    pub status: Status,
    /// Its directory, which holds `lima.yaml`, `ssh.config` and the sockets.
    pub dir: PathBuf,
    /// The merged configuration, of which only the guest's user is read.
    #[serde(default)]
    pub config: InstanceConfig,
}

/// The part of an instance's merged configuration that `cai` reads.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct InstanceConfig {
    /// The login user of the guest.
    #[serde(default)]
    pub user: GuestUser,
}

/// The login user of a guest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct GuestUser {
    /// Its name.
    pub name: Option<String>,
}

/// A line of the list is not what Lima prints.
#[derive(Debug, thiserror::Error)]
#[error("line {line} is not an instance: {source}")]
pub struct UnreadableList {
    line: usize,
    source: serde_json::Error,
}

/// Reads the list: one JSON object on each line, nothing at all where there is no instance.
///
/// # Errors
/// When a line is not such an object.
pub fn parse_list(stdout: &str) -> Result<Vec<Instance>, UnreadableList> {
    stdout
        .lines()
        .enumerate()
        .filter(|(_, text)| !text.trim().is_empty())
        .map(|(index, text)| {
            serde_json::from_str(text).map_err(|source| UnreadableList { line: index + 1, source })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_no_instance() {
        assert_eq!(parse_list("").unwrap(), []);
        assert_eq!(parse_list("\n").unwrap(), []);
    }

    #[test]
    fn unknown_fields_and_states_of_a_newer_lima_are_accepted() {
        let list = parse_list(
            r#"{"name":"a","status":"Hibernated","dir":"/l/a","newField":[1],"config":{"user":{"name":"dev","uid":501},"x":1}}"#,
        )
        .unwrap();
        assert_eq!(list[0].status, Status::Other("Hibernated".into()));
        assert_eq!(list[0].config.user.name.as_deref(), Some("dev"));
    }

    #[test]
    fn a_truncated_line_is_named() {
        let error = parse_list("{\"name\":\"a\",\"status\":\"Running\",\"dir\":\"/a\"}\n{\"na")
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("line 2 is not an instance"), "{error}");
    }
}
