//! A plan that was written to a file, to be applied as it is or not at all.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::PlanDocument;
use crate::digest::sha256;

/// The version of the form of a saved plan. Another form is refused: what was agreed to must not be
/// read as something else.
const FORMAT: u32 = 1;

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
    /// What [`PlanDocument`] says.
    plan: Value,
    /// Of all the rest: a damaged file is not taken for a plan.
    sha256: String,
}

/// A file that a plan was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedFile {
    /// Its absolute path.
    pub path: String,
    /// The SHA-256 of its text.
    pub sha256: String,
}

/// Why a file is no plan to be applied.
#[derive(Debug, thiserror::Error)]
pub enum SavedPlanError {
    /// It is something else.
    #[error("it is no saved plan")]
    NotOne(#[from] serde_json::Error),
    /// It has another form.
    #[error("it is a saved plan of format {0}, and this cai reads {FORMAT}")]
    Format(u32),
    /// Another version made it.
    #[error("cai {0} made it, and this is cai {version}", version = env!("CARGO_PKG_VERSION"))]
    Version(String),
    /// It was changed after it was saved.
    #[error("it was changed after it was saved: its checksum is another")]
    Changed,
    /// It is of another kind of host.
    #[error("it is of {}", if *.simulated { "a simulated host" } else { "a real host" })]
    Host {
        /// Whether it is of a simulated one.
        simulated: bool,
    },
}

impl SavedPlan {
    /// A plan as it is saved.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn new(
        plan: &PlanDocument<'_>,
        files: Vec<SavedFile>,
        simulated: bool,
    ) -> Result<Self, serde_json::Error> {
        let mut saved = Self {
            format: FORMAT,
            cai: env!("CARGO_PKG_VERSION").into(),
            simulated,
            files,
            plan: serde_json::to_value(plan)?,
            sha256: String::new(),
        };
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
        }
        let Form { format } = serde_json::from_str(text)?;
        if format != FORMAT {
            return Err(SavedPlanError::Format(format));
        }
        let saved: Self = serde_json::from_str(text)?;
        if saved.sha256 != saved.checksum()? {
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

    /// What is not as it was when the plan was saved: the resources, each with what moved of it.
    ///
    /// # Errors
    /// When the plan cannot be written as JSON.
    pub fn moved(&self, now: &PlanDocument<'_>) -> Result<Vec<String>, serde_json::Error> {
        let now = serde_json::to_value(now)?;
        let (then, now) = (by_address(&self.plan), by_address(&now));
        let mut addresses: Vec<&str> = then.keys().chain(now.keys()).copied().collect();
        addresses.sort_unstable();
        addresses.dedup();
        let moved = addresses.into_iter().filter_map(|address| {
            match (then.get(address), now.get(address)) {
                (Some(then), Some(now)) if then == now => None,
                (Some(then), Some(now)) => Some(format!("{address}: {}", difference(then, now))),
                (Some(_), None) => Some(format!("{address} is gone")),
                (None, _) => Some(format!("{address} is new")),
            }
        });
        Ok(moved.collect())
    }
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
        parts.push(format!("{} moved", changed.join(", ")));
    }
    if parts.is_empty() {
        let keys = now.as_object().into_iter().flat_map(|keys| keys.keys());
        let keys: Vec<&str> =
            keys.filter(|key| then.get(key) != now.get(key)).map(String::as_str).collect();
        parts.push(format!("another {}", keys.join(", ")));
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
