//! Checks that an apply does no more than the plan showed.

use std::fmt;

use super::{Action, Change, Disruption, Hides, Reason};
use crate::model::listed;

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
    /// it. So is an effect on something that the shown boot of the VM already stopped. `may_hide` says
    /// whether the user agreed in advance to hide data of this VM.
    pub fn lacks(&self, now: &Self, may_hide: bool) -> Option<Unshown> {
        if self.before.is_some() && now.before.is_none() {
            return Some(Unshown::Gone);
        }
        let may_delete = self.action == Action::Delete
            || self.action == Action::Deferred && self.reasons.contains(&Reason::NoLongerDeclared);
        if now.action == Action::Delete && !may_delete {
            return Some(Unshown::Deletes);
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
        let shown = self.disruption.max(self.fallback.unwrap_or_default());
        if now.disruption > shown.max(Disruption::SessionRefresh) {
            return Some(Unshown::Disruption(now.disruption));
        }
        if now.disruption.may_stop_containers() { self.stops_unshown(now) } else { None }
    }

    /// Whether the new change may hide this data. A deferred change could not show the data, so the
    /// user must have agreed in advance. A VM that the plan creates contains no data.
    fn may_hide(&self, hides: &Hides, agreed: bool) -> bool {
        match (self.action, &self.before) {
            (Action::Deferred, _) => agreed,
            (_, None) => true,
            (_, Some(_)) => {
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
