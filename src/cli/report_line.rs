//! `cai report`: one line of JSON per file, for an inventory of many machines.

use std::time::{Duration, SystemTime};

use schemars::JsonSchema;
use serde::Serialize;

use super::file::{self, ConfigFile};
use super::plan::Planned;
use super::status::VmStatus;
use super::{Global, Terminal};
use crate::cli::error::Error;
use crate::docker::Environment;
use crate::doctor::{self, Case, Code, Finding, Severity};
use crate::guest::provisioning::SYSBOX_PACKAGE;
use crate::host::{Deadline, Host, Probe};
use crate::model::address::Address;
use crate::model::shortened;
use crate::plan::{Action, Change, Counts, FORMAT_VERSION, Plan};
use crate::reconcile::observe::docker_environment;
use crate::report::{Diagnostic, on_a_line};
use crate::resource::facts::Facts;

/// The time limit of each command that observes something, as for the doctor.
const DEADLINE: Duration = Duration::from_secs(30);
/// The most characters of the cause of a finding: a line is stored for each of many machines.
const CAUSE: usize = 300;

/// One line of `cai report`: a file and its machine.
#[derive(Serialize, JsonSchema)]
pub(super) struct ReportLine<'a> {
    format_version: u32,
    /// The time of the check in UTC, such as `2026-11-29T19:00:00Z`.
    time: String,
    /// The name of the machine; `null` if it is unknown.
    host: Option<String>,
    /// The file; `null` if it was not found.
    file: Option<String>,
    /// The VM; `null` if the file is invalid.
    vm: Option<VmStatus<'a>>,
    versions: Versions,
    /// The differences from the file; `null` if they are unknown.
    drift: Option<Drift<'a>>,
    /// The findings of `cai doctor`, the most severe first.
    findings: Vec<ReportedFinding>,
    /// Why the machine could not be inspected; `null` if it was. If the file has several errors, the
    /// first one.
    error: Option<Diagnostic>,
}

/// The installed versions, as far as they are known.
#[derive(Serialize, JsonSchema)]
struct Versions {
    cai: &'static str,
    lima: Option<String>,
    /// The version of the running dockerd.
    dockerd: Option<String>,
    /// The version of the package `sysbox-ce`.
    sysbox: Option<String>,
}

/// The differences from the file.
#[derive(Serialize, JsonSchema)]
struct Drift<'a> {
    /// The number of changes, as in `cai plan --json`.
    counts: Counts,
    /// The resources that differ.
    changes: Vec<Difference<'a>>,
    /// The resources that cannot be compared, for example because the VM is stopped.
    unknown: Vec<&'a Address>,
}

/// A resource that differs from the file.
#[derive(Serialize, JsonSchema)]
struct Difference<'a> {
    address: &'a Address,
    /// The action of the plan.
    action: &'static str,
}

/// A finding of `cai doctor`.
#[derive(Serialize, JsonSchema)]
struct ReportedFinding {
    code: Code,
    severity: Severity,
    /// The affected resource; `null` if no resource is affected.
    address: Option<Address>,
    /// The cause, on one line.
    summary: String,
}

/// Reports on each file separately, so that an invalid one does not hide the others.
pub(super) fn run(host: &dyn Host, global: &Global, terminal: &mut Terminal) -> Result<(), Error> {
    let probe = Deadline::new(host, DEADLINE);
    let environment = docker_environment(&probe);
    let named = global.files.iter().map(|file| vec![file.clone()]);
    let each: Vec<_> = if global.files.is_empty() { vec![Vec::new()] } else { named.collect() };
    let mut result = Ok(());
    for files in each {
        let inspected = inspect(&probe, &Global { files, ..global.clone() }, terminal);
        let line = match &inspected {
            Ok(planned) => ReportLine::new(&probe, planned, &environment),
            Err(failed) => ReportLine::failed(&probe, failed),
        };
        terminal.document_line(&line)?;
        result = result.and(inspected.map(drop).map_err(|failed| failed.error));
    }
    result
}

/// Why a machine could not be inspected.
struct Failed {
    /// The path of the file, for messages.
    shown: Option<String>,
    /// The file, if it is valid.
    file: Option<ConfigFile>,
    error: Error,
}

fn inspect(
    probe: &dyn Probe,
    global: &Global,
    terminal: &Terminal,
) -> Result<Planned, Box<Failed>> {
    let failed = |shown, file, error| Box::new(Failed { shown, file, error });
    let named = global.files.first();
    let named = || named.map(|path| on_a_line(&path.display().to_string()).into_owned());
    let found = file::find(probe, global).and_then(|it| it.ok_or_else(|| file::missing(global)));
    let source = found.map_err(|error| failed(named(), None, error))?;
    let shown = || Some(source.shown());
    let file = source.parse(probe, terminal).map_err(|error| failed(shown(), None, error))?;
    Planned::new(probe, vec![file.clone()], &[], terminal)
        .map_err(|error| failed(shown(), Some(file), error))
}

impl<'a> ReportLine<'a> {
    fn new(probe: &dyn Probe, planned: &'a Planned, environment: &Environment) -> Self {
        let machine = planned.files.first().zip(planned.facts.first());
        let findings = machine.map(|(file, facts)| {
            let (config, plan) = (&file.config, &planned.plan);
            let case = Case { config, is_declared: true, facts, environment, plan };
            let mut findings = doctor::diagnose(&case);
            findings.extend(doctor::known_advisories(&case));
            findings
        });
        Self {
            file: machine.map(|(file, _)| file.shown.clone()),
            vm: machine.map(|(file, facts)| VmStatus::new(file, Some(facts))),
            versions: Versions::new(machine.map(|(_, facts)| facts)),
            drift: Some(Drift::new(&planned.plan)),
            findings: findings.iter().flatten().map(ReportedFinding::new).collect(),
            ..Self::empty(probe)
        }
    }

    fn failed(probe: &dyn Probe, failed: &'a Failed) -> Self {
        let diagnostics = failed.error.diagnostics();
        let finding = match &failed.error {
            Error::Observe(error) => Some(doctor::unobservable(error)),
            Error::Config(_) => {
                let mistakes = diagnostics.iter().map(|error| error.summary.clone()).collect();
                failed.shown.as_deref().map(|file| doctor::invalid_file(file, mistakes))
            }
            _ => None,
        };
        Self {
            file: failed.shown.clone(),
            vm: failed.file.as_ref().map(|file| VmStatus::new(file, None)),
            findings: finding.iter().map(ReportedFinding::new).collect(),
            error: diagnostics.into_iter().next(),
            ..Self::empty(probe)
        }
    }

    fn empty(probe: &dyn Probe) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            time: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
            host: probe.host_name(),
            file: None,
            vm: None,
            versions: Versions::new(None),
            drift: None,
            findings: Vec::new(),
            error: None,
        }
    }
}

impl Versions {
    fn new(facts: Option<&Facts>) -> Self {
        let guest = facts.and_then(|facts| facts.guest.present());
        let limactl = facts.and_then(|facts| facts.tools.limactl.as_ref());
        Self {
            cai: env!("CARGO_PKG_VERSION"),
            lima: limactl.map(|(_, version)| version.to_string()),
            dockerd: guest.and_then(|guest| guest.engine.as_ref()?.version.clone()),
            sysbox: guest.and_then(|guest| guest.packages.get(SYSBOX_PACKAGE).cloned()),
        }
    }
}

impl<'a> Drift<'a> {
    fn new(plan: &'a Plan) -> Self {
        let is_unknown = |change: &&Change| change.action == Action::Deferred;
        let (unknown, changes): (Vec<_>, Vec<_>) = plan.effective().partition(is_unknown);
        let difference =
            |it: &'a Change| Difference { address: &it.address, action: it.action.word() };
        Self {
            counts: plan.counts(),
            changes: changes.into_iter().map(difference).collect(),
            unknown: unknown.into_iter().map(|change| &change.address).collect(),
        }
    }
}

impl ReportedFinding {
    fn new(finding: &Finding) -> Self {
        Self {
            code: finding.code,
            severity: finding.severity,
            address: finding.address.clone(),
            summary: shortened(&on_a_line(&finding.cause), CAUSE).into_owned(),
        }
    }
}
