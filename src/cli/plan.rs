//! `cai plan`

use super::file::{self, File};
use super::{Global, Terminal};
use crate::error::Error;
use crate::facts::Facts;
use crate::graph::Graph;
use crate::host::{Host, Probe};
use crate::observe::observe;
use crate::plan::{Plan, PlanDocument};
use crate::report;

pub(super) fn run(
    host: &dyn Host,
    global: &Global,
    detailed_exitcode: bool,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    let planned = Planned::new(host, file::load(host, global, terminal)?)?;
    show(&planned, global, terminal)?;
    if detailed_exitcode && !planned.plan.is_empty() { Err(Error::Changes) } else { Ok(()) }
}

/// Prints a plan, and tells what stands in its way.
pub(super) fn show(
    planned: &Planned,
    global: &Global,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    terminal.warn(&planned.file.config);
    if global.json {
        terminal.json(&PlanDocument::new(&planned.plan, &planned.file.shown))?;
    } else {
        terminal.data(&planned.text())?;
    }
    terminal.refuse_problems(&planned.plan)
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
}
