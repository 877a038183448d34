//! The number of changes, counted as Terraform counts them.

use schemars::JsonSchema;
use serde::Serialize;

use super::Action;

/// The number of changes. A replacement counts twice: it adds and removes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Counts {
    /// Created resources.
    pub add: usize,
    /// Resources that change in place.
    pub change: usize,
    /// Destroyed resources.
    #[serde(rename = "remove")]
    pub destroy: usize,
    /// Resources whose configuration is correct but must be reloaded.
    pub refresh: usize,
    /// Resources that are no longer declared and stay.
    pub forget: usize,
    /// Resources whose change is known after apply.
    pub deferred: usize,
    /// Resources without a change.
    pub unchanged: usize,
}

impl Counts {
    fn add(&mut self, action: Action) {
        match action {
            Action::NoOp => self.unchanged += 1,
            Action::Create => self.add += 1,
            Action::Update => self.change += 1,
            Action::Delete => self.destroy += 1,
            Action::Replace => {
                self.add += 1;
                self.destroy += 1;
            }
            Action::Release => self.forget += 1,
            Action::Refresh => self.refresh += 1,
            Action::Deferred => self.deferred += 1,
        }
    }
}

impl FromIterator<Action> for Counts {
    fn from_iter<T: IntoIterator<Item = Action>>(actions: T) -> Self {
        let mut counts = Self::default();
        actions.into_iter().for_each(|action| counts.add(action));
        counts
    }
}
