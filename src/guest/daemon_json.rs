//! `/etc/docker/daemon.json`: its contents, the configuration that the running daemon has loaded,
//! and the keys that `cai` owns.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{DOCKER_SERVICE, Document, SECCOMP_PROFILE, clock, json_edit};

/// The daemon's configuration file in the guest.
const FILE: &str = "/etc/docker/daemon.json";
/// The copy of the configuration that the daemon has loaded.
const LOADED: &str = "/var/lib/cai/daemon.json.loaded";

/// The file and the loaded configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DaemonJson {
    /// Its text; `None` if the file does not exist.
    pub text: Option<String>,
    /// The SHA-256 of the file.
    pub sha256: Option<String>,
    /// The configuration that the running daemon has loaded.
    pub loaded: LoadedJson,
    /// Whether the seccomp profile was written after the daemon started. dockerd reads it only at
    /// its start.
    pub profile_is_newer: bool,
}

/// The configuration that the running daemon has loaded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum LoadedJson {
    /// The present file.
    #[default]
    Current,
    /// An older file, of which `cai` has a copy.
    Older(String),
    /// Someone else changed the file after the daemon started, and no copy exists.
    Unknown,
}

/// The file is not a JSON object. dockerd would not start.
#[derive(Debug, thiserror::Error)]
#[error("/etc/docker/daemon.json in the guest is not a JSON object: {0}")]
pub struct NotAnObject(#[from] serde_json::Error);

/// The key that is merged by entry.
const RUNTIMES: &str = "runtimes";
/// The key that names a seccomp profile.
pub const SECCOMP_KEY: &str = "seccomp-profile";

impl DaemonJson {
    pub(super) fn read(document: &Document) -> Self {
        let written = |path: &str| -> Option<u64> {
            let mut lines = document.lines("written");
            lines.find_map(|line| line.strip_prefix(path)?.strip_prefix('|')?.parse().ok())
        };
        // The document omits the final line break, which would show as a difference.
        let file = |name| document.text(name).map(|text| format!("{text}\n"));
        let text = file("daemon_json");
        let started = document.text("units").and_then(started);
        let copy = file("daemon_loaded");
        let loaded = match (started, written(FILE), written(LOADED), copy) {
            // The times have a resolution of one second. With equal times, the order is unknown.
            (Some(started), Some(written), ..) if started > written => LoadedJson::Current,
            (Some(started), _, Some(kept), Some(copy)) if kept >= started => {
                if Some(&copy) == text.as_ref() {
                    LoadedJson::Current
                } else {
                    LoadedJson::Older(copy)
                }
            }
            (Some(_), Some(_), ..) => LoadedJson::Unknown,
            _ => LoadedJson::Current,
        };
        let profile = written(SECCOMP_PROFILE);
        Self {
            text,
            sha256: document.sum(FILE),
            loaded,
            // With equal times, the profile was written for this start.
            profile_is_newer: started.zip(profile).is_some_and(|(start, written)| written > start),
        }
    }

    /// The keys of the file.
    ///
    /// # Errors
    /// When it is not a JSON object.
    pub fn keys(&self) -> Result<Map<String, Value>, NotAnObject> {
        parse(self.text.as_deref().unwrap_or_default())
    }

    /// The file, to be edited.
    ///
    /// # Errors
    /// When it is not a JSON object.
    pub fn editable(&self) -> Result<EditableJson, NotAnObject> {
        Ok(EditableJson { text: self.text.clone().unwrap_or_default(), keys: self.keys()? })
    }

    /// The keys that the running daemon has loaded; empty if they are unknown.
    pub fn loaded_keys(&self) -> Map<String, Value> {
        match &self.loaded {
            LoadedJson::Current => self.keys().unwrap_or_default(),
            LoadedJson::Older(text) => parse(text).unwrap_or_default(),
            LoadedJson::Unknown => Map::new(),
        }
    }
}

/// The start time of the daemon, from the output of `systemctl show`.
fn started(units: &str) -> Option<u64> {
    let mut blocks = units.split("\n\n").map(|block| {
        block.lines().filter_map(|line| line.split_once('=')).collect::<BTreeMap<_, _>>()
    });
    let docker = blocks.find(|block| block.get("Id") == Some(&DOCKER_SERVICE))?;
    clock::seconds(docker.get("ExecMainStartTimestamp")?)
}

fn parse(text: &str) -> Result<Map<String, Value>, NotAnObject> {
    if text.trim().is_empty() {
        return Ok(Map::new());
    }
    Ok(serde_json::from_str(text)?)
}

/// The text of the file and its keys, while keys are set and removed. Everything else in the text stays
/// unchanged.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EditableJson {
    /// The text.
    pub text: String,
    /// Its keys.
    pub keys: Map<String, Value>,
}

impl EditableJson {
    /// A file with this text, which is blank or a JSON object.
    pub fn new(text: &str) -> Self {
        Self { text: text.to_owned(), keys: from_text(text) }
    }

    /// Sets keys. An object is replaced completely, because the options of another log driver must not
    /// remain. Only `runtimes` is merged by entry, because others register runtimes there. If all of them
    /// have these values, as with no keys at all, the text is unchanged.
    pub fn set(&mut self, owned: &Map<String, Value>) {
        if owned.iter().all(|(key, value)| self.has(key, value)) {
            return;
        }
        let mut others = owned.clone();
        let text = match others.shift_remove(RUNTIMES) {
            Some(Value::Object(runtimes)) => {
                json_edit::set_within(&json_edit::set(&self.text, &others), RUNTIMES, &runtimes)
            }
            _ => json_edit::set(&self.text, owned),
        };
        *self = Self::new(&text);
    }

    fn has(&self, key: &str, value: &Value) -> bool {
        match (key, value, self.keys.get(key)) {
            (RUNTIMES, Value::Object(entries), Some(Value::Object(present))) => {
                entries.iter().all(|(name, entry)| present.get(name) == Some(entry))
            }
            (_, value, present) => present == Some(value),
        }
    }

    /// Removes a key. For `runtimes.NAME`, only that runtime is removed.
    pub fn remove(&mut self, key: &str) {
        let text = match key.strip_prefix("runtimes.") {
            Some(name) => json_edit::remove_within(&self.text, RUNTIMES, name),
            None => json_edit::remove(&self.text, key),
        };
        *self = Self::new(&text);
    }
}

/// The keys of a text; empty if it is not a JSON object.
pub fn from_text(text: &str) -> Map<String, Value> {
    parse(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn edited(text: &str, owned: &Map<String, Value>) -> String {
        let mut json = EditableJson::new(text);
        json.set(owned);
        json.text
    }

    fn keys(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    fn read(sections: &str) -> DaemonJson {
        DaemonJson::read(&Document::parse(&format!("{sections}@m end\n"), "m").unwrap())
    }

    /// A document whose dockerd started at this second of a minute.
    fn started(second: u32) -> String {
        format!(
            "@m units\nId=docker.socket\n\nExecMainStartTimestamp=Thu 1970-01-01 00:00:{second} UTC\n\
             Id=docker.service\n\n@m = 0\n"
        )
    }

    fn file(start: u32, written: u32, kept: Option<(u32, &str)>) -> DaemonJson {
        let text = format!("{}@m daemon_json\n{{\"bip\": \"new\"}}\n\n@m = 0\n", started(start));
        let written = format!("@m written\n{FILE}|{written}\n");
        read(&match kept {
            Some((kept, copy)) => format!(
                "{text}@m daemon_loaded\n{copy}\n\n@m = 0\n{written}{LOADED}|{kept}\n\n@m = 1\n"
            ),
            None => format!("{text}{written}\n@m = 1\n"),
        })
    }

    #[test]
    fn a_number_that_others_wrote_stays_the_same_number() {
        // Found by the fuzzer: an imprecise parser returns a neighbor of the nearest float.
        let text = "{\n    \"a\": 222222222222.62222,\n    \"b\": 0.1,\n    \"c\": 18446744073709551615\n}\n";
        assert_eq!(edited("", &from_text(text)), text);
    }

    #[test]
    fn a_daemon_that_started_after_the_file_was_written_has_loaded_it() {
        assert_eq!(file(20, 10, None).loaded, LoadedJson::Current);
        assert_eq!(file(20, 10, Some((5, "{}"))).loaded, LoadedJson::Current);
        assert_eq!(read("").loaded, LoadedJson::Current);
    }

    #[test]
    fn a_daemon_that_started_before_has_what_was_kept_or_nobody_knows() {
        let older = file(10, 20, Some((20, "{\"bip\": \"old\"}")));
        assert_eq!(older.loaded, LoadedJson::Older("{\"bip\": \"old\"}\n".into()));
        assert_eq!(older.loaded_keys(), keys(json!({"bip": "old"})));
        assert_eq!(file(10, 20, None).loaded, LoadedJson::Unknown);
        assert_eq!(file(10, 20, Some((9, "{}"))).loaded, LoadedJson::Unknown);
        // After a reload, the copy equals the file.
        assert_eq!(file(10, 20, Some((21, "{\"bip\": \"new\"}"))).loaded, LoadedJson::Current);
    }

    #[test]
    fn a_profile_may_be_newer_than_the_daemon_that_has_read_it() {
        let profile = |written: u32| {
            let text = format!("@m written\n{SECCOMP_PROFILE}|{written}\n\n@m = 1\n");
            read(&format!("{}{text}", started(20))).profile_is_newer
        };
        assert_eq!([19, 20, 21].map(profile), [false, false, true]);
        assert!(!file(20, 10, None).profile_is_newer, "there is none");
    }

    #[test]
    fn objects_are_replaced_and_only_runtimes_is_merged() {
        let text = "{\n  \"a\": 1,\n  \"runtimes\": {\"x\": {\"path\": \"/x\"}},\n  \"log-opts\": {\"max-size\": \"1m\"}\n}\n";
        let owned = keys(json!({"runtimes": {"y": {"path": "/y"}}, "log-opts": {"tag": "t"}}));
        assert_eq!(
            Value::Object(from_text(&edited(text, &owned))),
            json!({"a": 1, "runtimes": {"x": {"path": "/x"}, "y": {"path": "/y"}}, "log-opts": {"tag": "t"}})
        );
    }

    #[test]
    fn a_file_that_is_no_object_is_refused() {
        for text in ["{", "[]", "\"x\"", "{\"a\" 1}"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert_eq!(parse(" \n").unwrap(), Map::new());
    }
}
