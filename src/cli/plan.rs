//! `cai plan`

use super::file::{self, File};
use super::{Global, Terminal};
use crate::error::Error;
use crate::facts::Facts;
use crate::graph::Graph;
use crate::host::{Host, Probe};
use crate::observe::observe;
use crate::plan::Plan;
use crate::report;

pub(super) fn run(host: &dyn Host, global: &Global, terminal: &mut Terminal) -> Result<(), Error> {
    let planned = Planned::new(host, file::load(host, global, terminal)?)?;
    terminal.data(&planned.text())?;
    planned.refuse_problems(terminal)
}

/// A plan with all that it was made from.
pub(super) struct Planned {
    pub(super) file: File,
    pub(super) graph: Graph,
    pub(super) facts: Facts,
    pub(super) plan: Plan,
}

impl Planned {
    /// Looks at the machine and plans.
    pub(super) fn new(probe: &dyn Probe, file: File) -> Result<Self, Error> {
        let graph = Graph::new(&file.config)?;
        let facts = observe(probe, &file.config)?;
        let plan = Plan::new(&graph, &facts);
        Ok(Self { file, graph, facts, plan })
    }

    /// The plan for a person.
    pub(super) fn text(&self) -> String {
        report::plan(&self.plan, &self.facts, self.file.config.vm.name.as_str(), &self.file.shown)
    }

    /// Tells what stands in the way of the plan.
    pub(super) fn refuse_problems(&self, terminal: &mut Terminal) -> Result<(), Error> {
        let mut result = Ok(());
        for (address, problem) in self.plan.problems() {
            terminal.talk(&report::problem(&address.to_string(), problem));
            result = Err(Error::Blocked);
        }
        result
    }
}
