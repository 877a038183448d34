//! A plan in a file, which `cai apply FILE` applies only if nothing has changed since.

mod fingerprint;

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::error::Category;

use self::fingerprint::{fingerprint, fingerprints};
use super::Plan;
use crate::host::Exposed;
use crate::model::digest::sha256;
use crate::model::listed;

/// The format version of a saved plan. Other versions are refused, because they could be misread.
const FORMAT: u32 = 3;

/// A saved plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedPlan {
    #[serde(rename = "saved_plan_format")]
    format: u32,
    /// The version of `cai` that created it.
    cai: String,
    /// Whether it is for a simulated host.
    simulated: bool,
    /// The configuration files.
    pub files: Vec<SavedFile>,
    /// The addresses that the plan is limited to; empty for everything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<String>,
    /// The [`PlanDocument`](super::PlanDocument), without secrets.
    pub plan: Value,
    /// The plan as text, without secrets.
    pub text: String,
    /// A random text.
    salt: String,
    /// Fingerprints of the values that `plan` does not show, by resource.
    fingerprints: BTreeMap<String, String>,
    /// The checksum of everything else, which detects damage and changes.
    sha256: String,
}

/// A configuration file of a plan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedFile {
    /// Its absolute path.
    pub path: String,
    /// The SHA-256 of its text; in a saved plan, a fingerprint of that.
    pub sha256: String,
    /// The other files whose values it takes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<SavedFile>,
}

/// Why a file cannot be used as a saved plan.
#[derive(Debug, thiserror::Error)]
pub enum SavedPlanError {
    /// It is not a saved plan.
    #[error("not a valid saved plan")]
    NotOne(#[from] NotOne),
    /// It is not UTF-8.
    #[error("not a valid saved plan (not a text file)")]
    NoText,
    /// It has an older format.
    #[error("the plan has format {0}, written by an older cai; this version reads format {FORMAT}")]
    Older(u32),
    /// It has a newer format.
    #[error(
        "the plan has format {format}, written by a newer cai ({cai}); this version reads format \
         {FORMAT}"
    )]
    Newer {
        /// Its format.
        format: u32,
        /// The version that created it.
        cai: String,
    },
    /// Another version created it.
    #[error(
        "the plan was created by cai {0}, but this is cai {version}",
        version = env!("CARGO_PKG_VERSION")
    )]
    Version(String),
    /// It was changed after it was saved.
    #[error("not a valid saved plan (checksum mismatch)")]
    Changed,
    /// Another user may have written it.
    #[error("{0}")]
    Exposed(Exposed),
    /// It is for another kind of host.
    #[error("the plan is for {}", if *.simulated { "a simulated host" } else { "a real host" })]
    Host {
        /// Whether it is for a simulated host.
        simulated: bool,
    },
}

/// Why a text is not a saved plan. It does not quote the text, which may contain secrets.
#[derive(Debug, thiserror::Error)]
#[error("line {line}, column {column}: {}", match .category {
    Category::Eof => "unexpected end of file",
    Category::Syntax | Category::Io => "not valid JSON",
    Category::Data => "unexpected structure",
})]
pub struct NotOne {
    line: usize,
    column: usize,
    category: Category,
}

impl From<serde_json::Error> for NotOne {
    fn from(error: serde_json::Error) -> Self {
        Self { line: error.line(), column: error.column(), category: error.classify() }
    }
}

impl SavedPlan {
    /// Creates a saved plan from `shown` and `text`, the document and the text without secrets, and
    /// fingerprints of the values that are not shown. `salt` must be different each time.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn new(
        plan: &Plan,
        shown: Value,
        text: String,
        files: &[SavedFile],
        simulated: bool,
        salt: String,
    ) -> Result<Self, serde_json::Error> {
        let files = files.iter().map(|file| file.salted(&salt)).collect();
        let fingerprints = fingerprints(plan, &shown, &salt);
        let cai = env!("CARGO_PKG_VERSION").into();
        let sha256 = String::new();
        let mut saved = Self {
            format: FORMAT,
            cai,
            simulated,
            files,
            targets: plan.targets.clone(),
            plan: shown,
            text,
            salt,
            fingerprints,
            sha256,
        };
        saved.sha256 = saved.checksum()?;
        Ok(saved)
    }

    /// Reads a saved plan for a real or simulated host.
    ///
    /// # Errors
    /// When it is not a saved plan, was changed, or was created for another `cai` version or kind
    /// of host.
    pub fn parse(text: &str, simulated: bool) -> Result<Self, SavedPlanError> {
        /// The common part of every format.
        #[derive(Deserialize)]
        struct Form {
            #[serde(rename = "saved_plan_format")]
            format: u32,
            #[serde(default)]
            cai: String,
        }
        let Form { format, cai } = serde_json::from_str(text).map_err(NotOne::from)?;
        match format.cmp(&FORMAT) {
            Ordering::Less => return Err(SavedPlanError::Older(format)),
            Ordering::Greater => return Err(SavedPlanError::Newer { format, cai }),
            Ordering::Equal => {}
        }
        let saved: Self = serde_json::from_str(text).map_err(NotOne::from)?;
        if saved.sha256 != saved.checksum().map_err(NotOne::from)? {
            return Err(SavedPlanError::Changed);
        }
        if saved.cai != env!("CARGO_PKG_VERSION") {
            return Err(SavedPlanError::Version(saved.cai));
        }
        if saved.simulated != simulated {
            return Err(SavedPlanError::Host { simulated: saved.simulated });
        }
        Ok(saved)
    }

    fn checksum(&self) -> Result<String, serde_json::Error> {
        let rest = Self { sha256: String::new(), ..self.clone() };
        Ok(sha256(&serde_json::to_vec(&rest)?))
    }

    /// The paths of the files that changed since the plan was created, among a file and its layers.
    pub fn changed(&self, file: &SavedFile) -> Vec<String> {
        let now = file.salted(&self.salt);
        let then = self.files.iter().find(|then| then.path == now.path);
        let (then, now) = (then.map(SavedFile::texts).unwrap_or_default(), now.texts());
        let paths: BTreeSet<&str> = then.keys().chain(now.keys()).copied().collect();
        let changed = paths.into_iter().filter(|path| then.get(path) != now.get(path));
        changed.map(str::to_owned).collect()
    }

    /// The differences between the saved plan and `now`, one per resource. `shown` is the document
    /// of `now` without secrets.
    pub fn moved(&self, now: &Plan, shown: &Value) -> Vec<String> {
        let fingerprints = fingerprints(now, shown, &self.salt);
        let (then, now) = (by_address(&self.plan), by_address(shown));
        let mut addresses: Vec<&str> = then.keys().chain(now.keys()).copied().collect();
        addresses.sort_unstable();
        addresses.dedup();
        let moved = addresses.into_iter().filter_map(|address| {
            let is_same = self.fingerprints.get(address) == fingerprints.get(address);
            match (then.get(address), now.get(address)) {
                (Some(then), Some(now)) if then == now && is_same => None,
                (Some(then), Some(now)) if then == now => {
                    Some(format!("{address}: a sensitive value changed"))
                }
                (Some(then), Some(now)) => Some(format!("{address}: {}", difference(then, now))),
                (Some(_), None) => Some(format!("{address} is only in the saved plan")),
                (None, _) => Some(format!("{address} is not in the saved plan")),
            }
        });
        moved.collect()
    }
}

impl SavedFile {
    /// The saved form: the plain checksum of a short file would allow guessing its secrets.
    fn salted(&self, salt: &str) -> Self {
        Self {
            path: self.path.clone(),
            sha256: fingerprint(salt, &self.sha256),
            layers: self.layers.iter().map(|layer| layer.salted(salt)).collect(),
        }
    }

    /// The checksums of the file and its layers, by path.
    fn texts(&self) -> BTreeMap<&str, &str> {
        let all = std::iter::once(self).chain(&self.layers);
        all.map(|file| (file.path.as_str(), file.sha256.as_str())).collect()
    }
}

fn by_address(plan: &Value) -> BTreeMap<&str, &Value> {
    let changes = plan["resource_changes"].as_array().into_iter().flatten();
    changes.filter_map(|change| Some((change["address"].as_str()?, change))).collect()
}

/// The difference between two changes of one resource, as a message.
fn difference(then: &Value, now: &Value) -> String {
    let mut parts = Vec::new();
    let action = |change: &Value| change["action"].as_str().unwrap_or_default().to_owned();
    if action(then) != action(now) {
        parts.push(format!("the action changed from {} to {}", action(then), action(now)));
    }
    let names = |change: &Value| -> Vec<String> {
        change["before"].as_object().into_iter().flat_map(|keys| keys.keys().cloned()).collect()
    };
    let mut changed: Vec<String> = names(then);
    changed.extend(names(now));
    changed.sort();
    changed.dedup();
    changed.retain(|name| then["before"].get(name) != now["before"].get(name));
    if !changed.is_empty() {
        parts.push(format!("{} changed", listed(&changed)));
    }
    if parts.is_empty() {
        let keys = now.as_object().into_iter().flat_map(|keys| keys.keys());
        let keys: Vec<&str> =
            keys.filter(|key| then.get(key) != now.get(key)).map(String::as_str).collect();
        parts.push(format!("{} changed", listed(&keys)));
    }
    parts.join("; ")
}
