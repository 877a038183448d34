//! The containers that a plan stops, restarts or recreates.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Change, Disruption, Plan};
use crate::guest::Container;

/// The containers that a plan affects. Each is in one list only, that of the strongest effect.
#[derive(Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Impact<'a> {
    /// They stop and are not started again.
    pub stops: Vec<&'a Container>,
    /// They are replaced by new containers.
    pub recreates: Vec<&'a Container>,
    /// They stop and are started again.
    pub restarts: Vec<&'a Container>,
    /// They keep running unless a fallback is needed.
    pub may_stop: Vec<&'a Container>,
    /// Whether the lists are complete. If not, dockerd did not list the containers, or the VM does not
    /// run yet.
    pub is_complete: bool,
}

impl Plan {
    /// The containers that the plan affects.
    pub fn impact(&self) -> Impact<'_> {
        let mut impact = Impact { is_complete: true, ..Impact::default() };
        self.effective().for_each(|change| impact.add(change));
        let mut seen: Vec<&str> = Vec::new();
        let Impact { stops, recreates, restarts, may_stop, .. } = &mut impact;
        for list in [stops, recreates, restarts, may_stop] {
            list.retain(|container| {
                let is_new = !seen.contains(&container.id.as_str());
                seen.push(&container.id);
                is_new
            });
        }
        impact
    }
}

impl<'a> Impact<'a> {
    fn add(&mut self, change: &'a Change) {
        let fallback = change.fallback.as_ref().map(|fallback| fallback.stops.as_ref());
        let stops = change.disruption.may_stop_containers() || change.deletes_vm();
        let stops = stops.then_some(change.stops.as_ref());
        self.is_complete &= fallback != Some(None) && stops != Some(None);
        self.may_stop.extend(fallback.flatten().into_iter().flatten());
        let restarted = change.restarted();
        for container in stops.flatten().into_iter().flatten() {
            let list = if change.disruption == Disruption::ContainerRecreation {
                &mut self.recreates
            } else if restarted.contains(&container) {
                &mut self.restarts
            } else {
                &mut self.stops
            };
            list.push(container);
        }
    }
}
