//! Checks that an apply does no more than the plan showed.

#[cfg(test)]
mod tests;

use std::fmt;

use serde_json::{Map, Value};

use super::{Action, Change, Disruption, Hides, Reason};
use crate::model::listed;
use crate::model::value::Known;

/// The first effect of a change that the plan did not show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unshown {
    /// The resource no longer exists.
    Gone,
    /// It is deleted now.
    Deletes,
    /// It hides data, and the user did not agree to that.
    Hides(Hides),
    /// It stops containers for good, and the user did not agree to that.
    Strands(Vec<String>),
    /// It causes a stronger disruption.
    Disruption(Disruption),
    /// It stops these containers.
    Stops(Vec<String>),
    /// It stops containers that could not be listed.
    StopsUnlisted,
    /// It sets these attributes to other values.
    Sets(Vec<String>),
    /// It removes these keys.
    Removes(Vec<String>),
}

impl fmt::Display for Unshown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone => f.write_str("changed since the plan: it no longer exists"),
            Self::Deletes => f.write_str("changed since the plan: it would now be deleted"),
            Self::Hides(hides) => write!(f, "not applied: in the VM {}, {hides}", hides.vm),
            Self::Strands(names) => {
                write!(f, "not applied: {} would stop and could not start again", listed(names))
            }
            Self::Disruption(disruption) => write!(
                f,
                "changed since the plan: it now needs a {disruption}, which the plan did not show"
            ),
            Self::Stops(names) => write!(
                f,
                "changed since the plan: it now stops {}, which the plan did not show",
                listed(names)
            ),
            Self::Sets(names) => write!(
                f,
                "not in the plan: it would now set {} to a different value",
                listed(names)
            ),
            Self::Removes(keys) => {
                write!(f, "not in the plan: it would now remove {}", listed(keys))
            }
            Self::StopsUnlisted => f.write_str(
                "changed since the plan: the containers that it stops can no longer be listed",
            ),
        }
    }
}

impl Change {
    /// The first effect of `now` that this shown change does not allow. A resource is planned a second
    /// time, with fresh facts, just before its steps run. It may then disturb nothing that the shown
    /// plan did not name. A session refresh is always allowed, because running processes do not notice
    /// it. `may_hide` says
    /// whether the user agreed in advance to hide data of this VM.
    pub fn lacks(&self, now: &Self, may_hide: bool) -> Option<Unshown> {
        if self.action == Action::Deferred && self.fallback.is_some() {
            // It showed the strongest way that it may need, and no milder one.
            return self.with_fallback().lacks(now, may_hide);
        }
        if self.before.is_some() && now.before.is_none() {
            return Some(Unshown::Gone);
        }
        let may_delete = self.action == Action::Delete
            || self.action == Action::Deferred && self.reasons.contains(&Reason::NoLongerDeclared);
        if now.action == Action::Delete && !may_delete {
            return Some(Unshown::Deletes);
        }
        let unshown = self.unshown_attributes(now);
        if !unshown.is_empty() {
            return Some(Unshown::Sets(unshown));
        }
        let shown = self.removed_keys();
        let removes = now.removed_keys().into_iter().filter(|key| !shown.contains(key));
        let removes: Vec<String> = removes.map(str::to_owned).collect();
        if !removes.is_empty() {
            return Some(Unshown::Removes(removes));
        }
        if let Some(hides) = &now.hides
            && !self.may_hide(hides, may_hide)
        {
            return Some(Unshown::Hides((**hides).clone()));
        }
        if now.strands_containers() && self.action == Action::Deferred {
            let names = now.stops.iter().flatten().map(|container| container.name.clone());
            return (!may_hide).then(|| Unshown::Strands(names.collect()));
        }
        if now.disruption > self.disruption.max(Disruption::SessionRefresh) {
            return Some(Unshown::Disruption(now.disruption));
        }
        let stops = now.disruption.may_stop_containers() || now.deletes_vm();
        if stops { self.stops_unshown(now) } else { None }
    }

    /// What the plan allows once the first attempt had no effect: the fallback as well.
    #[must_use]
    pub fn with_fallback(&self) -> Self {
        let Some(fallback) = &self.fallback else { return self.clone() };
        let disruption = self.disruption.max(fallback.disruption);
        let stops = self.stops_at_worst().map(|all| all.into_iter().cloned().collect());
        Self { disruption, stops, fallback: None, ..self.clone() }
    }

    /// The attributes that `now` sets to values that this change did not show.
    fn unshown_attributes(&self, now: &Self) -> Vec<String> {
        // A deletion sets nothing, and a refresh only loads what is configured.
        if matches!(now.action, Action::Delete | Action::Release | Action::Refresh) {
            return Vec::new();
        }
        let keys = NamedKeys {
            set: self.keys_of(|reason| match reason {
                Reason::MaySet(keys) => Some(keys),
                _ => None,
            }),
            removed: self.removed_keys(),
        };
        let is_shown = |name: &String| match (now.after.get(name), self.after.get(name)) {
            (_, Some(Known::Unknown)) => true,
            (Some(Known::Known(after)), _) => {
                let before = now.before.as_ref().and_then(|before| before.known(name));
                keys.is_within(name, before, after, self.after.known(name))
            }
            _ => false,
        };
        now.changed().into_iter().filter(|name| !is_shown(name)).collect()
    }

    /// The keys that it removes because the file no longer declares them.
    fn removed_keys(&self) -> Vec<&str> {
        self.keys_of(|reason| match reason {
            Reason::KeysNoLongerDeclared(keys) => Some(keys),
            _ => None,
        })
    }

    /// The keys that its reasons name.
    fn keys_of(&self, named: impl Fn(&Reason) -> Option<&Vec<String>>) -> Vec<&str> {
        self.reasons.iter().filter_map(named).flatten().map(String::as_str).collect()
    }

    /// Whether the new change may hide this data. A deferred change could not show the data, so the
    /// user must have agreed in advance. A VM that the plan creates contains no data.
    fn may_hide(&self, hides: &Hides, agreed: bool) -> bool {
        match (self.action, &self.before) {
            (Action::Deferred, _) => agreed,
            (_, None) if self.reasons.iter().any(|it| matches!(it, Reason::After(_))) => true,
            _ => {
                let shown = self.hides.as_ref().map_or(&[][..], |hides| &hides.keys);
                hides.keys.iter().all(|key| shown.contains(key))
            }
        }
    }

    /// The containers that `now` stops and this change did not show.
    fn stops_unshown(&self, now: &Self) -> Option<Unshown> {
        let shown = self.stops.as_ref()?;
        let Some(stops) = &now.stops else { return Some(Unshown::StopsUnlisted) };
        let is_unshown = |id: &str| !shown.iter().any(|known| known.id == id);
        let unshown = stops.iter().filter(|container| is_unshown(&container.id));
        let names: Vec<String> = unshown.map(|container| container.name.clone()).collect();
        (!names.is_empty()).then_some(Unshown::Stops(names))
    }
}

/// The keys that a plan named without a value, with the keys above them: `env.STAGE`.
struct NamedKeys<'a> {
    /// Those that it may set.
    set: Vec<&'a str>,
    /// Those that it removes.
    removed: Vec<&'a str>,
}

impl NamedKeys<'_> {
    /// Whether a value contains only shown and existing values, and no existing one is missing. A plan
    /// that could not observe a document or a list shows its own part of it, or nothing.
    fn is_within(
        &self,
        name: &str,
        before: Option<&Value>,
        after: &Value,
        shown: Option<&Value>,
    ) -> bool {
        if before == Some(after) || Some(after) == shown {
            return true;
        }
        let keys = before.and_then(Value::as_object);
        match (after, shown) {
            (Value::Object(after), Some(Value::Object(shown))) => {
                self.is_object_within(name, keys, after, shown)
            }
            (Value::Object(after), None) if keys.is_some() => {
                self.is_object_within(name, keys, after, &Map::new())
            }
            // A key is removed, or an object without its last key.
            (Value::Null, None) => {
                let is_last = || self.is_object_within(name, keys, &Map::new(), &Map::new());
                self.removed.contains(&name) || (keys.is_some() && is_last())
            }
            (Value::Array(after), Some(Value::Array(shown))) => {
                let before = before.and_then(Value::as_array);
                let is_there = |value| before.is_some_and(|before| before.contains(value));
                after.iter().all(|value| shown.contains(value) || is_there(value))
            }
            (Value::String(after), Some(Value::String(shown))) => {
                let before = before.and_then(|before| document(before.as_str()?));
                match (document(after), document(shown)) {
                    (Some(after), shown @ Some(_)) => {
                        self.is_within("", before.as_ref(), &after, shown.as_ref())
                    }
                    _ => false,
                }
            }
            _ => false,
        }
    }

    fn is_object_within(
        &self,
        name: &str,
        before: Option<&Map<String, Value>>,
        after: &Map<String, Value>,
        shown: &Map<String, Value>,
    ) -> bool {
        let name =
            |key: &str| if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") };
        let is_kept =
            |key: &String| after.contains_key(key) || self.removed.contains(&name(key).as_str());
        let is_shown = |(key, value): (&String, &Value)| {
            let before = before.and_then(|before| before.get(key));
            let is_within = |shown| self.is_within(&name(key), before, value, Some(shown));
            before == Some(value)
                || self.set.contains(&name(key).as_str())
                || shown.get(key).is_some_and(is_within)
        };
        before.is_none_or(|before| before.keys().all(is_kept)) && after.iter().all(is_shown)
    }
}

/// A JSON document in an attribute.
fn document(text: &str) -> Option<Value> {
    let keys: Map<String, Value> = serde_json::from_str(text).ok()?;
    Some(keys.into())
}
