//! What one resource would do.

mod effect;

use serde::Serialize;

use super::{Disruption, Fallback, Hides, Problem, Reason, SideEffect, Step, Stored};
use crate::guest::Container;
use crate::host::CommandSpec;
use crate::model::VmName;
use crate::model::address::Address;
use crate::model::value::Attributes;

/// What is done to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Nothing.
    NoOp,
    /// It is created.
    Create,
    /// It is changed in place.
    Update,
    /// It is deleted and recreated: its contents are lost.
    Replace,
    /// It is deleted: its contents are lost.
    Delete,
    /// It is no longer declared and stays, because `cai` did not create it. `cai` forgets it.
    Release,
    /// It is configured as declared, but what runs has not loaded that, or does not run.
    Refresh,
    /// It cannot be observed yet. It is planned again once its requirements exist.
    Deferred,
}

impl Action {
    /// Its name in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::NoOp => "no-op",
            Self::Create => "create",
            Self::Update => "update",
            Self::Replace => "replace",
            Self::Delete => "delete",
            Self::Release => "release",
            Self::Refresh => "refresh",
            Self::Deferred => "deferred",
        }
    }
}

/// What one resource would do, why, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Which resource.
    pub address: Address,
    /// What is done to it.
    pub action: Action,
    /// Why.
    pub reasons: Vec<Reason>,
    /// The state before. `None` if it does not exist or could not be observed.
    pub before: Option<Attributes>,
    /// The desired state.
    pub after: Attributes,
    /// How much it disturbs.
    pub disruption: Disruption,
    /// What is done if it has no effect.
    pub fallback: Option<Fallback>,
    /// The containers that it stops. `None` if they could not be listed.
    pub stops: Option<Vec<Container>>,
    /// A read-only command of Lima that checks the YAML that the steps would produce. It runs
    /// before the plan is shown, and before the first step.
    pub judge: Option<Box<CommandSpec>>,
    /// The counted contents of a VM that is deleted. `None` if they could not be counted.
    pub contents: Option<Stored>,
    /// The Lima disk that keeps the containers, images and volumes of a VM that is deleted.
    pub kept_on: Option<String>,
    /// The data that dockerd will no longer show once the change has taken effect.
    pub hides: Option<Box<Hides>>,
    /// How it is done, in order.
    pub steps: Vec<Step>,
    /// Why it cannot be done.
    pub problem: Option<Box<Problem>>,
    /// What it does that the changes after it depend on.
    pub side_effects: Vec<SideEffect>,
}

impl Change {
    fn new(
        address: &Address,
        action: Action,
        before: Option<Attributes>,
        after: Attributes,
    ) -> Self {
        Self {
            address: address.clone(),
            action,
            reasons: Vec::new(),
            before,
            after,
            disruption: Disruption::None,
            fallback: None,
            stops: Some(Vec::new()),
            judge: None,
            contents: None,
            kept_on: None,
            hides: None,
            steps: Vec::new(),
            problem: None,
            side_effects: Vec::new(),
        }
    }

    /// The change of a resource from `before` to `after`.
    pub fn between<T: Serialize + PartialEq>(address: &Address, before: T, after: T) -> Self {
        // Equal states are serialized once: most resources are unchanged, and the state of a VM has
        // whole scripts.
        if before == after {
            return Self::unchanged(address, after);
        }
        let (before, after) = (Attributes::of(before), Attributes::of(after));
        let same = after.changed_from(&before).is_empty();
        let action = if same { Action::NoOp } else { Action::Update };
        Self::new(address, action, Some(before), after)
    }

    /// The creation of a resource that does not exist, or its update if it differs.
    pub fn towards<T: Serialize + PartialEq>(
        address: &Address,
        actual: Option<T>,
        wanted: T,
    ) -> Self {
        let Some(actual) = actual else {
            return Self::create(address, wanted).because(Reason::Absent);
        };
        let change = Self::between(address, actual, wanted);
        if change.is_without_effect() { change } else { change.because_differs() }
    }

    /// A resource without a change.
    pub fn unchanged(address: &Address, state: impl Serialize) -> Self {
        let state = Attributes::of(state);
        Self::new(address, Action::NoOp, Some(state.clone()), state)
    }

    /// The creation of a resource.
    pub fn create(address: &Address, after: impl Serialize) -> Self {
        Self::new(address, Action::Create, None, Attributes::of(after))
    }

    /// The deletion of a resource.
    pub fn delete(address: &Address, before: impl Serialize) -> Self {
        Self::new(address, Action::Delete, Some(Attributes::of(before)), Attributes::default())
    }

    /// A resource that is no longer declared and stays.
    pub fn release(address: &Address, before: impl Serialize) -> Self {
        Self { action: Action::Release, ..Self::unchanged(address, before) }
    }

    /// Makes it a replacement, because these attributes can only be set on creation.
    #[must_use]
    pub fn replacing(mut self, forced_by: Vec<String>) -> Self {
        self.action = Action::Replace;
        self.because(Reason::ForcesReplacement(forced_by))
    }

    /// A resource that cannot be observed yet.
    pub fn deferred(address: &Address, after: impl Serialize, reason: Reason) -> Self {
        Self::new(address, Action::Deferred, None, Attributes::of(after)).because(reason)
    }

    /// The same change, with addresses as they are among the resources of several files.
    #[must_use]
    pub fn scoped(mut self, scope: Option<&VmName>) -> Self {
        self.address = self.address.scoped(scope);
        for reason in &mut self.reasons {
            if let Reason::After(address) = reason {
                *address = address.clone().scoped(scope);
            }
        }
        self
    }

    /// The states before and after, for people and programs: without secrets.
    pub fn shown(&self) -> (Option<Attributes>, Attributes) {
        let before = self.before.as_ref();
        (before.map(|before| before.shown(None)), self.after.shown(before))
    }

    /// Adds a reason.
    #[must_use]
    pub fn because(mut self, reason: Reason) -> Self {
        self.reasons.push(reason);
        self
    }

    /// Adds the names of the attributes that change as a reason.
    #[must_use]
    pub fn because_differs(self) -> Self {
        let changed = self.changed();
        self.because(Reason::Differs(changed))
    }

    /// Says what it does that the changes after it depend on.
    #[must_use]
    pub fn causing(mut self, side_effect: SideEffect) -> Self {
        self.side_effects.push(side_effect);
        self
    }

    /// Adds a step.
    #[must_use]
    pub fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// Sets the keys that are no longer declared: those that are removed, and those that stay.
    #[must_use]
    pub fn retracting(mut self, removed: Vec<String>, released: Vec<String>) -> Self {
        if !removed.is_empty() {
            self.reasons.push(Reason::KeysNoLongerDeclared(removed));
        }
        if !released.is_empty() {
            self.reasons.push(Reason::KeysReleased(released));
            if self.action == Action::NoOp {
                self.action = Action::Release;
            }
        }
        self
    }

    /// Sets the command that checks the YAML.
    #[must_use]
    pub fn judged_by(mut self, command: CommandSpec) -> Self {
        self.judge = Some(Box::new(command));
        self
    }

    /// Sets how much it disturbs, and the containers that it stops.
    #[must_use]
    pub fn disturbing(mut self, disruption: Disruption, stops: Option<&[Container]>) -> Self {
        self.disruption = disruption;
        self.stops = stops.map(<[Container]>::to_vec);
        self
    }

    /// Sets the data that dockerd will no longer show.
    #[must_use]
    pub fn hiding_data(mut self, hides: Option<Hides>) -> Self {
        self.hides = hides.map(Box::new);
        self
    }

    /// Sets what is done if it has no effect.
    #[must_use]
    pub fn falling_back(mut self, disruption: Disruption, stops: Option<&[Container]>) -> Self {
        let stops = stops.map(<[Container]>::to_vec);
        self.fallback = Some(Fallback { disruption, stops });
        self
    }

    /// Sets why it cannot be done. It then has no steps.
    #[must_use]
    pub fn blocked(mut self, problem: Problem) -> Self {
        self.steps.clear();
        self.side_effects.clear();
        self.judge = None;
        self.problem = Some(problem.into());
        self
    }

    /// Shares the attributes that are equal to those of another change.
    pub fn share(&mut self, other: &Self) {
        self.after.share(&other.after);
        if let Some(before) = &mut self.before {
            // An unchanged resource has one copy of both.
            before.share(&self.after);
            before.share(other.before.as_ref().unwrap_or(&other.after));
        }
    }
}
