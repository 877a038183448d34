//! `cai plan`

use std::path::Path;

use super::file::{self, ConfigFile};
use super::options::Replace;
use super::{Global, Limits, Terminal, saved};
use crate::cli::error::{Error, FileErrors};
use crate::config::{Config, Install};
use crate::host::{Host, Probe};
use crate::model::listed;
use crate::plan::{Declared, Plan, PlanDocument};
use crate::reconcile::graph::Graph;
use crate::reconcile::observe::{self, ObserveError, observe_all};
use crate::report::{self, Layout};
use crate::resource::facts::Facts;

pub(super) fn run(
    host: &dyn Host,
    global: &Global,
    format: Format,
    detailed_exitcode: bool,
    out: Option<&Path>,
    targets: &[String],
    terminal: &mut Terminal,
) -> Result<(), Error> {
    out.map_or(Ok(()), saved::check_name)?;
    let files = file::load_all(host, global, terminal)?;
    let planned = Planned::new(host, files, targets, terminal)?;
    show(&planned, format, terminal)?;
    if let Some(out) = out {
        saved::write(host, global, &planned, out, terminal)?;
    }
    if detailed_exitcode && !planned.plan.is_empty() { Err(Error::Changes) } else { Ok(()) }
}

/// The format of a plan.
#[derive(Debug, Clone, Copy)]
pub(super) enum Format {
    Text,
    Markdown,
    Json,
}

impl Format {
    /// `--json` and `--markdown` exclude each other.
    pub(super) fn new(global: &Global, markdown: bool) -> Self {
        match (global.json, markdown) {
            (true, _) => Self::Json,
            (false, true) => Self::Markdown,
            (false, false) => Self::Text,
        }
    }
}

/// Prints a plan and its problems.
pub(super) fn show(
    planned: &Planned,
    format: Format,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    planned.warn(terminal);
    let Planned { plan, facts, .. } = planned;
    let (declared, layout) = (planned.declared(), terminal.layout());
    match format {
        Format::Text => terminal.data(&planned.text(layout))?,
        Format::Markdown => terminal.raw(&report::markdown(plan, &declared, facts, layout))?,
        Format::Json => terminal.json(&PlanDocument::new(plan, &declared))?,
    }
    terminal.refuse_problems(&planned.plan)
}

/// The plan, with what Lima's own validation says about it.
pub(super) fn judged(probe: &dyn Probe, plan: Plan) -> Result<Plan, Error> {
    observe::judge_all(probe, plan).map_err(|error| ObserveError::from(error).into())
}

/// A plan, and its inputs.
pub(super) struct Planned {
    pub(super) files: Vec<ConfigFile>,
    pub(super) graph: Graph,
    /// The facts about each file's machine.
    pub(super) facts: Vec<Facts>,
    pub(super) plan: Plan,
}

impl Planned {
    /// Observes the machine and plans. With `targets`, only these resources, what they require, and
    /// what they notify.
    pub(super) fn new(
        probe: &dyn Probe,
        mut files: Vec<ConfigFile>,
        targets: &[String],
        terminal: &Terminal,
    ) -> Result<Self, Error> {
        let unread = files.iter_mut().filter_map(|file| file.complete(probe, terminal).err());
        let unread: Vec<FileErrors> = unread.collect();
        if !unread.is_empty() {
            return Err(Error::Config(unread));
        }
        let configs: Vec<&Config> = files.iter().map(|file| &file.config).collect();
        let facts = observe_all(probe, &configs)?;
        let graph = limited(Graph::observed(&configs, &facts)?, targets)?;
        let seen = configs.iter().zip(&facts);
        terminal.hide(seen.flat_map(|(config, facts)| facts.secrets(config)));
        let mut plan = judged(probe, Plan::new(&graph, &facts))?;
        plan.targets = targets.to_vec();
        Ok(Self { files, graph, facts, plan })
    }

    /// The configurations of the files.
    pub(super) fn configs(&self) -> Vec<&Config> {
        self.files.iter().map(|file| &file.config).collect()
    }

    /// Whether installing Lima needs a separate confirmation. All files have the same setting.
    pub(super) fn asks_to_install(&self) -> bool {
        self.files.iter().any(|file| file.config.lima.install == Install::Ask)
    }

    /// The files, for a report.
    pub(super) fn declared(&self) -> Vec<Declared<'_>> {
        self.files.iter().map(ConfigFile::declared).collect()
    }

    /// Sets the time limit of each step.
    pub(super) fn limited(mut self, limits: &Limits) -> Self {
        self.plan = self.plan.limited(limits.timeout);
        self
    }

    /// Allows the apply to hide data of these VMs, even if that was unknown to the plan.
    pub(super) fn hiding_data_of(mut self, replace: &Replace) -> Self {
        self.plan = self.plan.hiding_data_of(replace.allow_replace.clone());
        self
    }

    /// The plan as text.
    pub(super) fn text(&self, layout: Layout) -> String {
        report::plan(&self.plan, &self.declared(), &self.facts, layout)
    }

    /// Prints the warnings about the files.
    pub(super) fn warn(&self, terminal: &mut Terminal) {
        self.files.iter().for_each(|file| terminal.warn(&file.config));
    }
}

fn limited(graph: Graph, targets: &[String]) -> Result<Graph, Error> {
    if targets.is_empty() {
        return Ok(graph);
    }
    let kept = graph.targeted(targets).map_err(|unknown| Error::Usage {
        why: format!("--target {unknown}: no resource has this address"),
        hint: format!(
            "the addresses are {}",
            listed(graph.ordered().map(|it| it.address.to_string()))
        ),
    })?;
    Ok(graph.only(&kept)?)
}
