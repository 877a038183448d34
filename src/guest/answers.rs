//! The answers of dockerd's API to root.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use super::{Document, Section};

/// The section of the guest's report.
const SECTION: &str = "api";

/// The answers of dockerd, by the requested path. Empty if it did not answer.
pub(super) struct Answers<'a>(BTreeMap<&'a str, &'a str>);

impl<'a> Answers<'a> {
    pub(super) fn read(document: &'a Document) -> Self {
        let lines = document.text(SECTION).unwrap_or_default().lines();
        Self(lines.filter_map(|line| line.split_once(' ')).collect())
    }

    /// Whether dockerd answered the request for a path.
    pub(super) fn has(&self, path: &str) -> bool {
        self.0.contains_key(path)
    }

    /// The answer for a path. `None` without a readable one.
    pub(super) fn get<T: DeserializeOwned>(&self, path: &str) -> Option<T> {
        serde_json::from_str(self.0.get(path)?).ok()
    }
}

/// The exit status of the request to dockerd, and the error message. `None` if dockerd is not
/// active.
pub(super) fn outcome(document: &Document) -> Option<Section> {
    let section = document.section(SECTION)?;
    let why = if section.status == 0 { String::new() } else { section.text.clone() };
    Some(Section { text: why, status: section.status })
}

/// Go prints an empty list as `null`.
pub(super) fn or_empty<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
