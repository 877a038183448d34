//! The output of `limactl list --json`.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

/// The state of an instance, as Lima names it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub enum Status {
    /// The machine and its host agent are running; the guest may still be starting.
    Running,
    /// Neither is running.
    Stopped,
    /// Only one of the two is running. The guest may still answer.
    Broken,
    /// A state that this program does not know.
    Other(String),
}

impl Status {
    /// The status as a sentence: `the VM is running`.
    pub fn in_a_sentence(&self) -> String {
        match self {
            Self::Other(word) => format!("the VM is {word}"),
            known => format!("the VM is {}", known.to_string().to_lowercase()),
        }
    }
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

impl JsonSchema for Status {
    fn schema_name() -> Cow<'static, str> {
        "Status".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "The state of a VM, as Lima names it: `Running`, `Stopped`, `Broken`, \
                            or another state.",
            "type": "string",
        })
    }
}

/// The name that Lima uses.
impl Serialize for Status {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
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

/// An instance in Lima's list. Unknown fields are ignored, because a newer Lima may add some.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(expecting = "a JSON object")]
pub struct Instance {
    /// Its name.
    pub name: String,
    /// Its state.
    pub status: Status,
    /// Its directory, with `lima.yaml`, `ssh.config` and the sockets.
    pub dir: PathBuf,
    /// Whether it is protected from deletion.
    #[serde(default)]
    pub protected: bool,
    /// Its processors.
    pub cpus: Option<u32>,
    /// Its memory in bytes.
    pub memory: Option<u64>,
    /// Its disk in bytes.
    pub disk: Option<u64>,
    /// Its architecture.
    pub arch: Option<String>,
    /// Its virtualization: `qemu` or `vz`.
    #[serde(rename = "vmType")]
    pub vm_type: Option<String>,
    /// The merged configuration, of which only the login user is read.
    #[serde(default)]
    pub config: Option<InstanceConfig>,
}

impl Instance {
    /// The name of the guest's login user.
    pub fn user(&self) -> Option<&str> {
        self.config.as_ref()?.user.as_ref()?.name.as_deref()
    }
}

/// The part of an instance's merged configuration that `cai` reads.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct InstanceConfig {
    /// The login user of the guest.
    #[serde(default)]
    pub user: Option<GuestUser>,
}

/// The login user of a guest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct GuestUser {
    /// Its name.
    pub name: Option<String>,
}

/// A line of the list has an unexpected format.
#[derive(Debug, thiserror::Error)]
#[error("line {line} is not an instance: {source}")]
pub struct UnreadableList {
    line: usize,
    source: serde_json::Error,
}

/// The fields that are read of an instance with an unexpected format.
#[derive(Deserialize)]
#[serde(expecting = "a JSON object")]
struct PartialInstance {
    #[serde(default)]
    name: Value,
    #[serde(default)]
    dir: Value,
    #[serde(default)]
    status: Value,
}

/// An instance that was not requested.
#[derive(Debug)]
pub struct Other {
    /// Its directory.
    pub dir: PathBuf,
    /// Its state.
    pub status: Status,
}

/// The instances in a list.
#[derive(Debug, Default)]
pub struct Instances {
    /// The requested instances, by name.
    pub found: BTreeMap<String, Instance>,
    /// The others, by name.
    pub others: BTreeMap<String, Other>,
}

impl Instances {
    fn add(&mut self, instance: Instance, names: &BTreeSet<&str>) {
        if names.contains(instance.name.as_str()) {
            self.found.insert(instance.name.clone(), instance);
        } else {
            let Instance { name, dir, status, .. } = instance;
            self.others.insert(name, Other { dir, status });
        }
    }
}

/// Finds the instances with these names in the list, which has one JSON object per line and is
/// empty without instances. The other instances may have any fields.
///
/// # Errors
/// When a line is not a JSON object, or one of the requested instances has an unexpected format.
pub fn find_instances(stdout: &str, names: &BTreeSet<&str>) -> Result<Instances, UnreadableList> {
    let lines = stdout.lines().enumerate().filter(|(_, text)| !text.trim().is_empty());
    let mut instances = Instances::default();
    for (index, text) in lines {
        let unreadable = |source| UnreadableList { line: index + 1, source };
        let source = match serde_json::from_str::<Instance>(text) {
            Ok(instance) => {
                instances.add(instance, names);
                continue;
            }
            Err(source) => source,
        };
        let line: PartialInstance = serde_json::from_str(text).map_err(unreadable)?;
        match (line.name.as_str(), line.dir.as_str()) {
            (Some(name), _) if names.contains(name) => return Err(unreadable(source)),
            (Some(name), Some(directory)) => {
                let status = line.status.as_str().unwrap_or("unknown").to_owned().into();
                instances.others.insert(name.to_owned(), Other { dir: directory.into(), status });
            }
            _ => {}
        }
    }
    Ok(instances)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find_instance(stdout: &str, name: &str) -> Result<Option<Instance>, UnreadableList> {
        Ok(find_instances(stdout, &BTreeSet::from([name]))?.found.remove(name))
    }

    #[test]
    fn nothing_is_no_instance() {
        assert_eq!(find_instance("", "a").unwrap(), None);
        assert_eq!(find_instance("\n", "a").unwrap(), None);
    }

    #[test]
    fn unknown_fields_and_states_of_a_newer_lima_are_accepted() {
        let list = concat!(
            r#"{"name":"other","status":7}"#,
            "\n",
            r#"{"name":"a","status":"Hibernated","dir":"/l/a","newField":[1],"config":{"user":{"name":"dev","uid":501},"x":1}}"#,
        );
        let instance = find_instance(list, "a").unwrap().unwrap();
        assert_eq!(instance.status, Status::Other("Hibernated".into()));
        assert_eq!(instance.user(), Some("dev"));
        let without = r#"{"name":"a","status":"Running","dir":"/l/a","config":null}"#;
        assert_eq!(find_instance(without, "a").unwrap().unwrap().user(), None);
    }

    #[test]
    fn a_truncated_line_is_named() {
        let list = "{\"name\":\"a\",\"status\":\"Running\",\"dir\":\"/a\"}\n{\"na";
        let error = find_instance(list, "a").unwrap_err().to_string();
        assert!(error.starts_with("line 2 is not an instance"), "{error}");
    }
}
