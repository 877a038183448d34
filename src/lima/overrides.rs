//! The user's files that Lima merges into every instance.
//!
//! Measured with `limactl list --json` of Lima 2.2.0: `override.yaml` has precedence over the
//! instance's `lima.yaml`, and `default.yaml` fills in missing keys. Lists of both are added to
//! those of the instance. Mounts of the same location and variables of the same name are merged.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

/// One of these files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserFile {
    /// Its path.
    pub path: PathBuf,
    /// Whether it has precedence over the instance.
    pub wins: bool,
    /// Its contents.
    pub keys: Map<String, Value>,
}

impl UserFile {
    /// The names of these files in Lima's directory, and whether each has precedence over the
    /// instance.
    pub const ALL: [(&str, bool); 2] =
        [("_config/default.yaml", false), ("_config/override.yaml", true)];
}

/// The effect of such a file on a declared key. An edit of the instance cannot change it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LimaOverride {
    /// The file's path, as text.
    pub file: String,
    /// The key, such as `cpus` or `containerd.user`.
    pub key: String,
    /// The effective value if it is short and cannot be private. `None` for an added entry.
    pub value: Option<String>,
}

/// The effects of these files on the declared keys of an instance.
pub fn overrides(files: &[UserFile], declared: &Map<String, Value>) -> Vec<LimaOverride> {
    let mut found = Vec::new();
    for file in files {
        for (key, value) in &file.keys {
            let Some(wanted) = declared.get(key) else { continue };
            found.extend(file.effects(key, value, wanted));
        }
    }
    found
}

impl UserFile {
    fn effects(&self, key: &str, value: &Value, wanted: &Value) -> Vec<LimaOverride> {
        let told = |key: String, value: Option<&Value>| LimaOverride {
            file: self.path.display().to_string(),
            key,
            value: value.map(|value| value.as_str().map_or(value.to_string(), str::to_owned)),
        };
        match (value, wanted) {
            (Value::Null, _) => vec![],
            (Value::Array(more), _) => {
                if more.is_empty() {
                    vec![]
                } else {
                    vec![told(key.to_owned(), None)]
                }
            }
            (Value::Object(values), Value::Object(wanted)) => values
                .iter()
                .filter(|(name, value)| match wanted.get(*name) {
                    None => true,
                    Some(wanted) => self.wins && wanted != *value,
                })
                .map(|(name, _)| told(format!("{key}.{name}"), None))
                .collect(),
            _ if self.wins && value != wanted => vec![told(key.to_owned(), Some(value))],
            _ => vec![],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn found(wins: bool, keys: Value) -> Vec<(String, Option<String>)> {
        let declared = json!({
            "cpus": 4, "mounts": [{"location": "/srv"}], "env": {"A": "1"},
            "containerd": {"system": false, "user": false},
        });
        let (Value::Object(keys), Value::Object(declared)) = (keys, declared) else { panic!() };
        let file = UserFile { path: "/l/_config/x.yaml".into(), wins, keys };
        let found = overrides(&[file], &declared);
        found.into_iter().map(|it| (it.key, it.value)).collect()
    }

    #[test]
    fn what_overrides_counts_where_it_differs() {
        let keys = json!({"cpus": 3, "memory": "1GiB", "env": {"A": "secret", "B": "2"}});
        let wanted = [("cpus", Some("3")), ("env.A", None), ("env.B", None)];
        let wanted = wanted.map(|(key, value)| (key.to_owned(), value.map(str::to_owned)));
        assert_eq!(found(true, keys), wanted);
        let same = json!({"cpus": 4, "env": {"A": "1"}, "containerd": {"user": false}});
        assert_eq!(found(true, same), []);
    }

    #[test]
    fn a_default_only_adds_to_what_is_there() {
        let keys = json!({"cpus": 3, "env": {"A": "9"}, "containerd": {"user": true}});
        assert_eq!(found(false, keys), []);
        let keys = json!({"mounts": [{"location": "/home"}], "env": {"D": "4"}, "provision": []});
        assert_eq!(found(false, keys), [("mounts".into(), None), ("env.D".into(), None)]);
    }
}
