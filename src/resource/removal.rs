//! Deletes what the file no longer declares, if `cai` created it.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use super::record::Recorded;
use super::{PlanContext, Resource};
use crate::guest::probe::Look;
use crate::model::ContextName;
use crate::model::address::Address;
use crate::plan::{Change, Observation, Reason};
use crate::resource::facts::Facts;

/// A resource that can be found and deleted, whether the file declares it or not.
pub(super) trait Removable: fmt::Debug + Send + Sync {
    /// Its observed state. The fields are the attributes in a plan.
    type State<'a>: Serialize
    where
        Self: 'a;

    /// Observes it.
    fn actual<'a>(&'a self, facts: &'a Facts) -> Observation<Self::State<'a>>;

    /// Why it stays, although `cai` created it.
    fn kept(&self, _facts: &Facts) -> Option<&'static str> {
        None
    }

    /// The remark in the plan if it cannot be observed yet.
    fn foretold(&self) -> Option<&'static str> {
        None
    }

    /// As [`Resource::looks`].
    fn looks(&self) -> Vec<Look> {
        Vec::new()
    }

    /// As [`Resource::host_files`].
    fn host_files(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    /// As [`Resource::docker_context`].
    fn docker_context(&self) -> Option<&ContextName> {
        None
    }

    /// Adds the steps that delete it.
    fn delete(&self, change: Change, facts: &Facts) -> Change;
}

/// A resource that the file no longer declares.
#[derive(Debug)]
pub(super) struct Removal<R> {
    address: Address,
    requires: Vec<Address>,
    notifies: Vec<Address>,
    what: R,
}

impl<R: Removable + 'static> Removal<R> {
    /// The removal of the resource at this address, after those that it requires.
    pub(super) fn new(address: &Address, requires: Vec<Address>, what: R) -> Self {
        Self { address: address.clone(), requires, notifies: Vec::new(), what }
    }

    /// The resources that must come after it.
    pub(super) fn before(mut self, notifies: Vec<Address>) -> Self {
        self.notifies = notifies;
        self
    }

    pub(super) fn boxed(self) -> Box<dyn Resource> {
        Box::new(self)
    }
}

impl<R: Removable> Resource for Removal<R> {
    fn address(&self) -> &Address {
        &self.address
    }

    fn requires(&self) -> Vec<Address> {
        self.requires.clone()
    }

    fn notifies(&self) -> Vec<Address> {
        self.notifies.clone()
    }

    fn looks(&self) -> Vec<Look> {
        self.what.looks()
    }

    fn host_files(&self) -> Vec<PathBuf> {
        self.what.host_files()
    }

    fn docker_context(&self) -> Option<&ContextName> {
        self.what.docker_context()
    }

    fn plan(&self, context: PlanContext<'_>) -> Change {
        let facts = context.facts;
        let gone = || Change::unchanged(&self.address, ());
        let Some(entry) = facts.recorded(&self.address) else {
            return gone();
        };
        match self.what.actual(facts) {
            Observation::Absent => gone(),
            Observation::Unobservable(reason) => {
                let change = Change::deferred(&self.address, (), reason);
                let change = change.because(Reason::NoLongerDeclared);
                self.what.foretold().map(Reason::Note).into_iter().fold(change, Change::because)
            }
            Observation::Present(before) => {
                let found = (!entry.origin.is_own()).then_some("kept: not created by cai");
                if let Some(why) = found.or_else(|| self.what.kept(facts)) {
                    let change = Change::release(&self.address, before);
                    change.because(Reason::NoLongerDeclared).because(Reason::Note(why))
                } else {
                    let change = Change::delete(&self.address, before);
                    self.what.delete(change.because(Reason::NoLongerDeclared), facts)
                }
            }
        }
    }

    fn recorded(&self, facts: &Facts) -> Option<Recorded> {
        let exists = match self.what.actual(facts) {
            Observation::Unobservable(_) => return None,
            actual => actual.present().is_some(),
        };
        Some(Recorded { exists, ..Recorded::default() })
    }
}
