//! What a change would affect.

use super::{Action, Change};
use crate::guest::Container;
use crate::model::address::Kind;
use crate::plan::{Disruption, Reason};

impl Change {
    /// The containers that it stops and starts again, in the order in which they were started.
    pub fn restarted(&self) -> Vec<&Container> {
        // dockerd does not know the containers of another store.
        let stops = self.stops.as_deref().filter(|_| self.hides.is_none());
        self.disruption.started_again(stops)
    }

    /// The containers that it or its fallback stops. `None` if they could not be listed.
    pub fn stops_at_worst(&self) -> Option<Vec<&Container>> {
        let mut stops: Vec<&Container> = self.stops.as_ref()?.iter().collect();
        if let Some(fallback) = &self.fallback {
            stops.extend(fallback.stops.as_ref()?);
        }
        Some(stops)
    }

    /// Whether a container of this name may stop by it.
    pub fn may_stop(&self, container: &str) -> bool {
        let stops = self.stops_at_worst();
        let is_named = |stops: Vec<&Container>| stops.iter().any(|it| it.name == container);
        self.action != Action::NoOp && stops.is_none_or(is_named)
    }

    /// Whether it deletes a VM with everything in it.
    pub fn deletes_vm(&self) -> bool {
        self.address.kind == Kind::VM && matches!(self.action, Action::Delete | Action::Replace)
    }

    /// Whether it stops containers for good, because it deletes what they need.
    pub fn strands_containers(&self) -> bool {
        self.disruption == Disruption::ContainerStop
            && self.stops.as_ref().is_none_or(|stops| !stops.is_empty())
    }

    /// Whether nothing changes.
    pub fn is_without_effect(&self) -> bool {
        self.action == Action::NoOp
    }

    /// The names of the attributes that change.
    pub fn changed(&self) -> Vec<String> {
        match &self.before {
            Some(before) => self.after.changed_from(before),
            None => self.after.iter().map(|(name, _)| name.to_owned()).collect(),
        }
    }

    /// Whether this attribute is the reason for a replacement.
    pub fn is_forced_by(&self, attribute: &str) -> bool {
        self.reasons.iter().any(|reason| match reason {
            Reason::ForcesReplacement(names) => names.iter().any(|name| name == attribute),
            _ => false,
        })
    }
}
