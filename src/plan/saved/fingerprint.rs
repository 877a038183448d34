//! Fingerprints of the values that a saved plan does not show.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::by_address;
use crate::model::digest::sha256;
use crate::model::value::{Attributes, Known};
use crate::plan::Plan;

/// How often a fingerprint is hashed.
const ROUNDS: usize = 5_000;

/// Fingerprints of the attributes that are not shown completely, by resource.
pub(super) fn fingerprints(plan: &Plan, shown: &Value, salt: &str) -> BTreeMap<String, String> {
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

/// All known values of some attributes, including secrets.
fn all(attributes: &Attributes) -> Map<String, Value> {
    let known = attributes.iter().filter_map(|(name, value)| match value {
        Known::Known(value) => Some((name.to_owned(), value.clone())),
        Known::Unknown => None,
    });
    known.collect()
}

/// A salted checksum that is slow to compute, so that secrets are hard to guess.
pub(super) fn fingerprint(salt: &str, text: &str) -> String {
    let first = sha256(format!("{salt}\n{text}").as_bytes());
    (0..ROUNDS).fold(first, |sum, _| sha256(format!("{salt}{sum}").as_bytes()))
}
