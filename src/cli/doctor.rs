//! `cai doctor`

mod fix;

use std::time::Duration;

use super::bundle::{self, Subject};
use super::file;
use super::options::Doctor;
use super::target::{self, Invalid, Patient};
use super::{Global, Terminal, smoke_test, vm_lock};
use crate::cli::error::Error;
use crate::docker::Environment;
use crate::doctor::{self, Attempt, Case, Code, EgressAttempt, Finding, Severity};
use crate::host::{Deadline, Host, Probe};
use crate::model::address::Address;
use crate::model::counted;
use crate::plan::{Declared, Plan};
use crate::reconcile::graph::Graph;
use crate::reconcile::observe::{docker_environment, judge_all, observe};
use crate::report::{self, DoctorDocument, Examined, Layout};
use crate::resource::facts::Facts;

/// The time limit of each command that observes something; the slowest takes a few seconds.
const DEADLINE: Duration = Duration::from_secs(30);

pub(super) fn run(
    host: &dyn Host,
    global: &Global,
    options: &Doctor,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    let opened = target::open(host, global, terminal);
    if opened.is_err() && options.bundle.is_some() {
        terminal.complain("The bundle was not written.");
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
            // Without the bundle, nothing is fixed. The findings are shown anyway.
            examination.show(&patient, global, terminal)?;
            return Err(error);
        }
    }
    if options.fix {
        examination = fix::run(host, global, options, &patient, examination, terminal)?;
    }
    if options.deep {
        examination.deepen(host, &patient, options.limits.timeout, terminal)?;
    }
    if options.fail_on.is_some() {
        let unknown = examination.case(&patient).map(|case| doctor::unknown_advisories(&case));
        examination.findings.extend(unknown.unwrap_or_default());
    }
    examination.show(&patient, global, terminal)?;
    let fails = |it: &&Finding| options.fail_on.is_some_and(|level| doctor::reaches(it, level));
    let failing = examination.findings.iter().filter(fails).count();
    if failing > 0 {
        terminal.complain(&format!("--fail-on: {} of this severity.", counted(failing, "finding")));
    }
    if examination.is_healthy() && failing == 0 { Ok(()) } else { Err(Error::Unhealthy) }
}

/// Reports an invalid file: as a JSON document with `--json`, otherwise as an error.
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
        let declared = Declared { file, layers: &[], vm };
        let (file, findings) = (Some(file), &findings[..]);
        let subject = Subject { config, file, declared, findings, unpinned: &[], seen: None };
        let path = file::within(global, path);
        if let Err(error) = bundle::write(host, &probe, &subject, &path, terminal) {
            terminal.complain(&report::error(&error, error.hint()));
        }
    }
    if global.json {
        terminal.json(&DoctorDocument::new(Some(&invalid.shown), &findings, &[]))?;
    }
    Err(invalid.error)
}

/// The identity of a finding.
type FindingKey = (Code, Option<Address>);

fn key(finding: &Finding) -> FindingKey {
    (finding.code, finding.address.clone())
}

/// The observed machine and the findings about it.
pub(super) struct DoctorReport {
    /// The facts and their plan, if the machine could be observed.
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
        let findings = examination.case(patient).map(|case| {
            let mut findings = doctor::diagnose(&case);
            findings.extend(doctor::known_advisories(&case));
            findings
        });
        examination.findings = findings.unwrap_or_default();
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
            unpinned: &patient.unpinned,
            seen: self.seen.as_ref(),
        }
    }

    /// Starts a container, if the engine answers.
    fn deepen(
        &mut self,
        host: &dyn Host,
        patient: &Patient,
        limit: Option<Duration>,
        terminal: &mut Terminal,
    ) -> Result<(), Error> {
        let attempt = self.case(patient).and_then(|case| Attempt::on(&case));
        let Some(attempt) = attempt else {
            terminal.talk("No container was started because dockerd does not answer.");
            return Ok(());
        };
        let failed = smoke_test::attempt(host, &attempt, limit, terminal)?;
        let egress = self.case(patient).and_then(|case| EgressAttempt::on(&case));
        if let (None, Some(egress)) = (&failed, egress) {
            let findings = smoke_test::connect(host, &egress, limit, terminal)?;
            self.findings.splice(0..0, findings);
        }
        self.findings.splice(0..0, failed);
        Ok(())
    }

    /// The errors that `--fix` can fix.
    fn keys(&self) -> impl Iterator<Item = FindingKey> {
        let errors = self.findings.iter().filter(|it| it.fixable && it.severity == Severity::Error);
        errors.map(key)
    }

    /// Whether a container failed to start.
    fn starts_nothing(&self) -> bool {
        self.findings.iter().any(|finding| finding.code == Code::ContainerStartFailed)
    }

    fn is_healthy(&self) -> bool {
        doctor::is_healthy(&self.findings)
    }

    /// The findings, whose commands to copy name the same host and file.
    fn shown(&self, global: &Global) -> Vec<Finding> {
        let mut findings = self.findings.clone();
        for finding in &mut findings {
            if let Some(words) = finding.remedy.strip_prefix("cai ") {
                finding.remedy = global.command(words);
            }
        }
        findings
    }

    fn text(&self, patient: &Patient, global: &Global, layout: Layout) -> String {
        let vm = patient.file.config.vm.name.as_str();
        let facts = self.seen.as_ref().map(|(facts, _)| facts);
        let (unpinned, pin) = (patient.unpinned.as_slice(), global.command("pin"));
        let examined = Examined { vm, file: patient.shown(), facts, unpinned, pin: &pin };
        report::diagnosis(examined, &self.shown(global), layout)
    }

    fn document(
        &self,
        patient: &Patient,
        global: &Global,
        terminal: &mut Terminal,
    ) -> Result<(), Error> {
        let findings = self.shown(global);
        terminal.json(&DoctorDocument::new(patient.shown(), &findings, &patient.unpinned))
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
        terminal.data(&self.text(patient, global, terminal.layout()))
    }
}
