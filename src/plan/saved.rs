//! A plan that was written to a file, to be applied as it is or not at all.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::error::Category;
use serde_json::{Map, Value, json};

use super::Plan;
use crate::host::Exposed;
use crate::model::digest::sha256;
use crate::model::listed;
use crate::model::value::{Attributes, Known};

/// The version of the form of a saved plan. Another form is refused: what was agreed to must not be
/// read as something else.
const FORMAT: u32 = 2;
/// How often a fingerprint is taken of itself.
const ROUNDS: usize = 5_000;

/// A saved plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedPlan {
    #[serde(rename = "saved_plan_format")]
    format: u32,
    /// The version of `cai` that made it.
    cai: String,
    /// Whether it is of a simulated host.
    simulated: bool,
    /// The files that it is of.
    pub files: Vec<SavedFile>,
    /// What [`PlanDocument`](super::PlanDocument) says, without secrets.
    plan: Value,
    /// A random text.
    salt: String,
    /// What tells whether something is the same that `plan` does not say, by resource.
    fingerprints: BTreeMap<String, String>,
    /// Of all the rest: a damaged file is not taken for a plan.
    sha256: String,
}

/// A file that a plan was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedFile {
    /// Its absolute path.
    pub path: String,
    /// The SHA-256 of its text; in a saved plan, a fingerprint of that.
    pub sha256: String,
}

/// Why a file is no plan to be applied.
#[derive(Debug, thiserror::Error)]
pub enum SavedPlanError {
    /// It is something else.
    #[error("it is no saved plan")]
    NotOne(#[from] NotOne),
    /// It is no text at all.
    #[error("it is no saved plan, and no text")]
    NoText,
    /// It has an older form.
    #[error("it is a saved plan of format {0}, which an older cai made; this one reads {FORMAT}")]
    Older(u32),
    /// It has a newer form.
    #[error(
        "it is a saved plan of format {format}, which a newer cai made ({cai}); this one reads {FORMAT}"
    )]
    Newer {
        /// Its form.
        format: u32,
        /// Which version made it.
        cai: String,
    },
    /// Another version made it.
    #[error("cai {0} made it, and this is cai {version}", version = env!("CARGO_PKG_VERSION"))]
    Version(String),
    /// It was changed after it was saved.
    #[error("it was changed after it was saved: its checksum is another")]
    Changed,
    /// Somebody else may have written it.
    #[error("{0}")]
    Exposed(Exposed),
    /// It is of another kind of host.
    #[error("it is of {}", if *.simulated { "a simulated host" } else { "a real host" })]
    Host {
        /// Whether it is of a simulated one.
        simulated: bool,
    },
}

/// Why a text is no saved plan: where, and not what stands there.
#[derive(Debug, thiserror::Error)]
#[error("line {line}, column {column}: {}", match .category {
    Category::Eof => "it ends too early",
    Category::Syntax | Category::Io => "it is no JSON",
    Category::Data => "it has not the form of one",
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
    /// A plan as it is saved: what is shown of it, and what tells whether the rest is still the same.
    /// `shown` is the document without secrets; `salt` has to be another one each time.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn new(
        plan: &Plan,
        shown: Value,
        files: &[SavedFile],
        simulated: bool,
        salt: String,
    ) -> Result<Self, serde_json::Error> {
        let files = files.iter().map(|file| file.salted(&salt)).collect();
        let fingerprints = fingerprints(plan, &shown, &salt);
        let cai = env!("CARGO_PKG_VERSION").into();
        let sha256 = String::new();
        let mut saved =
            Self { format: FORMAT, cai, simulated, files, plan: shown, salt, fingerprints, sha256 };
        saved.sha256 = saved.checksum()?;
        Ok(saved)
    }

    /// Reads a saved plan, for a host that is simulated or not.
    ///
    /// # Errors
    /// When it is none, or not for this `cai` and this kind of host, or was changed.
    pub fn parse(text: &str, simulated: bool) -> Result<Self, SavedPlanError> {
        /// What every form has.
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

    /// Whether this is a file that the plan was made from, as it was then.
    pub fn is_of(&self, file: &SavedFile) -> bool {
        self.files.contains(&file.salted(&self.salt))
    }

    /// What is not as it was when the plan was saved: the resources, each with what moved of it.
    /// `shown` is the document of `now` without secrets.
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
                    Some(format!("{address}: a value that is not shown moved"))
                }
                (Some(then), Some(now)) => Some(format!("{address}: {}", difference(then, now))),
                (Some(_), None) => Some(format!("{address} is gone")),
                (None, _) => Some(format!("{address} is new")),
            }
        });
        moved.collect()
    }
}

impl SavedFile {
    /// As it is saved: what is secret in a short file could be guessed from the checksum alone.
    fn salted(&self, salt: &str) -> Self {
        Self { path: self.path.clone(), sha256: fingerprint(salt, &self.sha256) }
    }
}

/// What tells whether attributes are the same that are not shown as they are, by resource.
fn fingerprints(plan: &Plan, shown: &Value, salt: &str) -> BTreeMap<String, String> {
    let shown = by_address(shown);
    let mut fingerprints = BTreeMap::new();
    for change in &plan.changes {
        let (before, after) = (change.before.as_ref().map(all), all(&change.after));
        let address = change.address.to_string();
        let is_whole = shown.get(address.as_str()).is_some_and(|shown| {
            shown["before"] == json!(before) && shown["after"] == json!(after)
        });
        if !is_whole {
            let text = json!([before, after]).to_string();
            fingerprints.insert(address, fingerprint(salt, &text));
        }
    }
    fingerprints
}

/// All that is known of some attributes, secrets too.
fn all(attributes: &Attributes) -> Map<String, Value> {
    let known = attributes.iter().filter_map(|(name, value)| match value {
        Known::Known(value) => Some((name.to_owned(), value.clone())),
        Known::Unknown => None,
    });
    known.collect()
}

/// A checksum that nobody can have made a table of, and that takes its time to guess at.
fn fingerprint(salt: &str, text: &str) -> String {
    let first = sha256(format!("{salt}\n{text}").as_bytes());
    (0..ROUNDS).fold(first, |sum, _| sha256(format!("{salt}{sum}").as_bytes()))
}

fn by_address(plan: &Value) -> BTreeMap<&str, &Value> {
    let changes = plan["resource_changes"].as_array().into_iter().flatten();
    changes.filter_map(|change| Some((change["address"].as_str()?, change))).collect()
}

/// What is not the same in two changes of one resource, in words.
fn difference(then: &Value, now: &Value) -> String {
    let mut parts = Vec::new();
    let action = |change: &Value| change["action"].as_str().unwrap_or_default().to_owned();
    if action(then) != action(now) {
        parts.push(format!("was to {}, is to {}", verb(&action(then)), verb(&action(now))));
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
        parts.push(format!("{} moved", listed(&changed)));
    }
    if parts.is_empty() {
        let keys = now.as_object().into_iter().flat_map(|keys| keys.keys());
        let keys: Vec<&str> =
            keys.filter(|key| then.get(key) != now.get(key)).map(String::as_str).collect();
        parts.push(format!("another {}", listed(&keys)));
    }
    parts.join("; ")
}

fn verb(action: &str) -> &str {
    match action {
        "no-op" => "stay",
        "deferred" => "be looked at again",
        other => other,
    }
}
