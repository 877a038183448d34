//! `cai doctor`

use std::collections::BTreeSet;
use std::time::Duration;

use super::apply::{agree, perform};
use super::bundle::{self, Subject};
use super::file;
use super::options::{Doctor, Replace};
use super::plan::Planned;
use super::target::{self, Invalid, Patient};
use super::{Consent, Global, Terminal, smoke_test, vm_lock};
use crate::cli::error::Error;
use crate::docker::Environment;
use crate::doctor::{self, Attempt, Case, Code, Finding, Severity};
use crate::host::{Deadline, Host, Probe};
use crate::model::address::Address;
use crate::plan::{Declared, Plan};
use crate::reconcile::graph::Graph;
use crate::reconcile::observe::{docker_environment, judge_all, observe};
use crate::report::{self, DoctorDocument, Examined};
use crate::resource::facts::Facts;

/// How long a command may take that looks at something; the slowest takes a few seconds.
const DEADLINE: Duration = Duration::from_secs(30);

pub(super) fn run(
    host: &dyn Host,
    global: &Global,
    options: &Doctor,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    let opened = target::open(host, global, terminal);
    if opened.is_err() && options.bundle.is_some() {
        terminal.complain("No archive was written.");
    }
    let patient = match opened? {
        Ok(patient) => patient,
        Err(invalid) => return refuse(host, global, options, *invalid, terminal),
    };
    let files = std::slice::from_ref(&patient.file);
    let _locks = if options.fix {
        vm_lock::lock(host, files, "cai doctor --fix", &options.limits)?
    } else {
        Vec::new()
    };
    let probe = Deadline::new(host, options.limits.timeout.unwrap_or(DEADLINE));
    let mut examination = DoctorReport::new(&probe, &patient, terminal)?;
    if let Some(path) = &options.bundle {
        let path = file::within(global, path);
        let written = bundle::write(host, &probe, &examination.subject(&patient), &path, terminal);
        if let Err(error) = written {
            // It was asked for before anything is mended, and what was found is known all the same.
            examination.show(&patient, global, terminal)?;
            return Err(error);
        }
    }
    if options.fix {
        examination = mend(host, global, options, &patient, examination, terminal)?;
    }
    if options.deep {
        examination.deepen(host, &patient, options.limits.timeout, terminal)?;
    }
    examination.show(&patient, global, terminal)?;
    if examination.is_healthy() { Ok(()) } else { Err(Error::Unhealthy) }
}

/// Ends where the file gives nothing to go by: programs are told by a document, people by the error.
fn refuse(
    host: &dyn Host,
    global: &Global,
    options: &Doctor,
    invalid: Invalid,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    let findings = [invalid.finding];
    if let Some(path) = &options.bundle {
        let probe = Deadline::new(host, options.limits.timeout.unwrap_or(DEADLINE));
        let (file, config) = (invalid.shown.as_str(), invalid.config.as_ref());
        let vm = config.map_or("", |config| config.vm.name.as_str());
        let declared = Declared { file, vm };
        let subject =
            Subject { config, file: Some(file), declared, findings: &findings, seen: None };
        let path = file::within(global, path);
        if let Err(error) = bundle::write(host, &probe, &subject, &path, terminal) {
            terminal.complain(&report::error(&error, error.hint()));
        }
    }
    if global.json {
        terminal.json(&DoctorDocument::new(Some(&invalid.shown), &findings))?;
    }
    Err(invalid.error)
}

/// What tells one finding from another.
type FindingKey = (Code, Option<Address>);

fn key(finding: &Finding) -> FindingKey {
    (finding.code, finding.address.clone())
}

/// What was seen and found.
pub(super) struct DoctorReport {
    /// What was seen, with what is planned about it, where it could be looked at.
    pub(super) seen: Option<(Facts, Plan)>,
    environment: Environment,
    pub(super) findings: Vec<Finding>,
}

impl DoctorReport {
    fn new(probe: &dyn Probe, patient: &Patient, terminal: &Terminal) -> Result<Self, Error> {
        let environment = docker_environment(probe);
        let config = &patient.file.config;
        let facts = match observe(probe, config) {
            Ok(facts) => facts,
            Err(error) => {
                let findings = vec![doctor::unobservable(&error)];
                return Ok(Self { seen: None, environment, findings });
            }
        };
        terminal.hide(facts.secrets(config));
        let plan = {
            let facts = std::slice::from_ref(&facts);
            Plan::new(&Graph::observed(&[config], facts)?, facts)
        };
        let plan = match judge_all(probe, plan) {
            Ok(plan) => plan,
            Err(error) => {
                let findings = vec![doctor::unobservable(&error.into())];
                return Ok(Self { seen: None, environment, findings });
            }
        };
        let mut examination = Self { seen: Some((facts, plan)), environment, findings: Vec::new() };
        examination.findings =
            examination.case(patient).map(|case| doctor::diagnose(&case)).unwrap_or_default();
        Ok(examination)
    }

    fn case<'a>(&'a self, patient: &'a Patient) -> Option<Case<'a>> {
        let (facts, plan) = self.seen.as_ref()?;
        let (config, is_declared) = (&patient.file.config, patient.is_declared());
        Some(Case { config, is_declared, facts, environment: &self.environment, plan })
    }

    fn subject<'a>(&'a self, patient: &'a Patient) -> Subject<'a> {
        let Patient { file, .. } = patient;
        Subject {
            config: Some(&file.config),
            file: patient.shown(),
            declared: file.declared(),
            findings: &self.findings,
            seen: self.seen.as_ref(),
        }
    }

    /// Starts a container, where the engine answers.
    fn deepen(
        &mut self,
        host: &dyn Host,
        patient: &Patient,
        limit: Option<Duration>,
        terminal: &mut Terminal,
    ) -> Result<(), Error> {
        let attempt = self.case(patient).and_then(|case| Attempt::on(&case));
        let Some(attempt) = attempt else {
            terminal.talk("No container was started: dockerd has to answer first.");
            return Ok(());
        };
        self.findings.splice(0..0, smoke_test::attempt(host, &attempt, limit, terminal)?);
        Ok(())
    }

    /// The errors that can be mended.
    fn keys(&self) -> impl Iterator<Item = FindingKey> {
        let errors = self.findings.iter().filter(|it| it.fixable && it.severity == Severity::Error);
        errors.map(key)
    }

    /// Whether it was tried to start a container, in vain.
    fn starts_nothing(&self) -> bool {
        self.findings.iter().any(|finding| finding.code == Code::ContainerStartFailed)
    }

    fn is_healthy(&self) -> bool {
        doctor::is_healthy(&self.findings)
    }

    /// With commands to copy: they are those of the same host and file.
    fn shown(&self, global: &Global) -> Vec<Finding> {
        let mut findings = self.findings.clone();
        for finding in &mut findings {
            if let Some(words) = finding.remedy.strip_prefix("cai ") {
                finding.remedy = global.command(words);
            }
        }
        findings
    }

    fn text(&self, patient: &Patient, global: &Global, width: usize) -> String {
        let vm = patient.file.config.vm.name.as_str();
        let facts = self.seen.as_ref().map(|(facts, _)| facts);
        let examined = Examined { vm, file: patient.shown(), facts };
        report::diagnosis(examined, &self.shown(global), width)
    }

    fn document(
        &self,
        patient: &Patient,
        global: &Global,
        terminal: &mut Terminal,
    ) -> Result<(), Error> {
        terminal.json(&DoctorDocument::new(patient.shown(), &self.shown(global)))
    }

    fn show(
        &self,
        patient: &Patient,
        global: &Global,
        terminal: &mut Terminal,
    ) -> Result<(), Error> {
        if global.json {
            return self.document(patient, global, terminal);
        }
        terminal.data(&self.text(patient, global, terminal.width()))
    }
}

/// Treats until no error shows that was not there before: a container that could not be looked at
/// while its engine was down has its turn after it. What did not help once is not tried again.
fn mend(
    host: &dyn Host,
    global: &Global,
    options: &Doctor,
    patient: &Patient,
    mut examination: DoctorReport,
    terminal: &mut Terminal,
) -> Result<DoctorReport, Error> {
    let mut known = BTreeSet::new();
    loop {
        let now: BTreeSet<_> = examination.keys().collect();
        examination = fix(host, global, options, patient, examination, &known, terminal)?;
        known.extend(now);
        if examination.starts_nothing() || examination.keys().all(|it| known.contains(&it)) {
            return Ok(examination);
        }
    }
}

/// Applies what the findings need of the plan, and looks again.
fn fix(
    host: &dyn Host,
    global: &Global,
    options: &Doctor,
    patient: &Patient,
    examination: DoctorReport,
    known: &BTreeSet<FindingKey>,
    terminal: &mut Terminal,
) -> Result<DoctorReport, Error> {
    let is_new = |it: &&Finding| !known.contains(&key(it));
    let findings: Vec<Finding> = examination.findings.iter().filter(is_new).cloned().collect();
    let treatment = match examination.case(patient) {
        Some(case) => doctor::treatment(&case, &findings)?,
        None => None,
    };
    let Some((graph, plan)) = treatment else {
        if !examination.is_healthy() {
            terminal.complain("nothing of this can be repaired by --fix");
        }
        return Ok(examination);
    };
    let plan = super::plan::judged(host, plan)?;
    // Nobody can be asked about what they do not see.
    if options.yes {
        terminal.talk(&examination.text(patient, global, terminal.width()));
    } else {
        terminal.complain(&examination.text(patient, global, terminal.width()));
    }
    let facts = examination.seen.iter().map(|(facts, _)| facts.clone()).collect();
    let files = vec![patient.file.clone()];
    let planned = Planned { files, graph, facts, plan }.limited(&options.limits);
    let consent = Consent { yes: options.yes, replace: Replace { allow_replace: None } };
    let agreed = agree(&planned, &consent, &global.command("doctor --fix --yes"), terminal);
    if agreed.is_err() && global.json {
        examination.document(patient, global, terminal)?;
    }
    agreed?;
    // One document is printed, and that is of the diagnosis.
    let global = Global { json: false, ..global.clone() };
    let found = match perform(host, &global, &planned, options.yes, terminal) {
        // What failed is told; whether it was of use shows when one looks again.
        Ok(()) | Err(Error::Failed) => Vec::new(),
        // A look does not show that.
        Err(Error::NoContainer(findings)) => findings,
        Err(error) => return Err(error),
    };
    let probe = Deadline::new(host, options.limits.timeout.unwrap_or(DEADLINE));
    let mut examination = DoctorReport::new(&probe, patient, terminal)?;
    examination.findings.splice(0..0, found);
    Ok(examination)
}
