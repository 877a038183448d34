//! `cai doctor`

use std::time::Duration;

use super::apply::{agree, perform};
use super::file::{self, File, Source};
use super::options::{Doctor, Replace};
use super::plan::Planned;
use super::{Consent, Global, Terminal, bundle, deep, guard};
use crate::config;
use crate::docker::Environment;
use crate::doctor::{self, Attempt, Case, Finding};
use crate::error::Error;
use crate::facts::Facts;
use crate::graph::Graph;
use crate::host::{Deadline, Host, Probe};
use crate::observe::{docker_environment, observe};
use crate::plan::Plan;
use crate::report::{self, DoctorDocument, Examined};

/// How long a command may take that looks at something; the slowest takes a few seconds.
const DEADLINE: Duration = Duration::from_secs(30);

pub(super) fn run(
    host: &dyn Host,
    global: &Global,
    options: &Doctor,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    let patient = open(host, global, terminal)?;
    let files = std::slice::from_ref(&patient.file);
    let _locks = if options.fix {
        guard::lock(host, files, "cai doctor --fix", &options.limits)?
    } else {
        Vec::new()
    };
    let probe = Deadline::new(host, options.limits.timeout.unwrap_or(DEADLINE));
    let mut examination = Examination::new(&probe, &patient, terminal)?;
    if let Some(path) = &options.bundle {
        let path = file::within(global, path);
        bundle::write(host, &probe, &patient, &examination, &path, terminal)?;
        terminal
            .talk(&format!("{} is written; look into it before you give it away.", path.display()));
    }
    if options.fix {
        examination = treat(host, global, options, &patient, examination, terminal)?;
    }
    if options.deep {
        examination.deepen(host, &patient, options.limits.timeout, terminal);
    }
    examination.show(&patient, global, terminal)?;
    if examination.is_healthy() { Ok(()) } else { Err(Error::Unhealthy) }
}

/// What is looked at: the engine of a file, or the one of a file without a line.
pub(super) struct Patient {
    pub(super) file: File,
    is_declared: bool,
}

impl Patient {
    pub(super) fn shown(&self) -> Option<&str> {
        self.is_declared.then_some(self.file.shown.as_str())
    }
}

fn open(host: &dyn Host, global: &Global, terminal: &mut Terminal) -> Result<Patient, Error> {
    let found = file::find(host, global)?;
    let is_declared = found.is_some();
    if !is_declared && !global.files.is_empty() {
        return Err(file::missing(global));
    }
    let source =
        found.unwrap_or_else(|| Source { path: file::place(global), text: "version = 1\n".into() });
    match source.parse(host, terminal) {
        Ok(file) => match file.needs_variables() {
            Ok(()) => Ok(Patient { file, is_declared }),
            Err(error) => {
                let mistakes = file.config.without_value();
                let mistakes = mistakes.map(|name| format!("{name} gives the file no value"));
                tell_invalid(&source, mistakes.collect(), global, terminal)?;
                Err(error)
            }
        },
        Err(error) => {
            let mistakes = config::parse(&source.text).err().unwrap_or_default();
            let mistakes = mistakes.into_iter().map(|mistake| mistake.message);
            tell_invalid(&source, mistakes.collect(), global, terminal)?;
            Err(error)
        }
    }
}

/// Tells programs of a wrong file; people are told by the error.
fn tell_invalid(
    source: &Source,
    mistakes: Vec<String>,
    global: &Global,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    if !global.json {
        return Ok(());
    }
    let finding = [doctor::invalid_file(&source.shown(), mistakes)];
    terminal.json(&DoctorDocument::new(Some(&source.shown()), &finding))
}

/// What was seen and found.
pub(super) struct Examination {
    /// What was seen, with what is planned about it, where it could be looked at.
    pub(super) seen: Option<(Facts, Plan)>,
    environment: Environment,
    pub(super) findings: Vec<Finding>,
}

impl Examination {
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
        let plan = Plan::new(&Graph::new(&[config])?, std::slice::from_ref(&facts));
        let mut examination = Self { seen: Some((facts, plan)), environment, findings: Vec::new() };
        examination.findings =
            examination.case(patient).map(|case| doctor::diagnose(&case)).unwrap_or_default();
        Ok(examination)
    }

    fn case<'a>(&'a self, patient: &'a Patient) -> Option<Case<'a>> {
        let (facts, plan) = self.seen.as_ref()?;
        let Patient { file, is_declared } = patient;
        let environment = &self.environment;
        Some(Case { config: &file.config, is_declared: *is_declared, facts, environment, plan })
    }

    /// Starts a container, where the engine answers.
    fn deepen(
        &mut self,
        host: &dyn Host,
        patient: &Patient,
        limit: Option<Duration>,
        terminal: &mut Terminal,
    ) {
        let attempt = self.case(patient).and_then(|case| Attempt::on(&case));
        let Some(attempt) = attempt else {
            return terminal.talk("No container was started: dockerd has to answer first.");
        };
        self.findings.splice(0..0, deep::attempt(host, &attempt, limit, terminal));
    }

    fn is_healthy(&self) -> bool {
        doctor::is_healthy(&self.findings)
    }

    /// For a person, who may copy the commands: they are those of the same host and file.
    fn text(&self, patient: &Patient, global: &Global, width: usize) -> String {
        let vm = patient.file.config.vm.name.as_str();
        let facts = self.seen.as_ref().map(|(facts, _)| facts);
        let examined = Examined { vm, file: patient.shown(), facts };
        let mut findings = self.findings.clone();
        for finding in &mut findings {
            if let Some(words) = finding.remedy.strip_prefix("cai ") {
                finding.remedy = global.command(words);
            }
        }
        report::diagnosis(examined, &findings, width)
    }

    fn show(
        &self,
        patient: &Patient,
        global: &Global,
        terminal: &mut Terminal,
    ) -> Result<(), Error> {
        if global.json {
            return terminal.json(&DoctorDocument::new(patient.shown(), &self.findings));
        }
        terminal.data(&self.text(patient, global, terminal.width()))
    }
}

/// Applies what the findings need of the plan, and looks again.
fn treat(
    host: &dyn Host,
    global: &Global,
    options: &Doctor,
    patient: &Patient,
    examination: Examination,
    terminal: &mut Terminal,
) -> Result<Examination, Error> {
    let treatment = match examination.case(patient) {
        Some(case) => doctor::treatment(&case, &examination.findings)?,
        None => None,
    };
    let Some((graph, plan)) = treatment else {
        if !examination.is_healthy() {
            terminal.complain("nothing of this can be repaired by --fix");
        }
        return Ok(examination);
    };
    // Nobody can be asked about what they do not see.
    if options.yes {
        terminal.talk(&examination.text(patient, global, terminal.width()));
    } else {
        terminal.complain(&examination.text(patient, global, terminal.width()));
    }
    let facts = examination.seen.into_iter().map(|(facts, _)| facts).collect();
    let files = vec![patient.file.clone()];
    let planned = Planned { files, graph, facts, plan }.limited(&options.limits);
    let consent = Consent { yes: options.yes, replace: Replace { allow_replace: None } };
    agree(&planned, &consent, &global.command("doctor --fix --yes"), terminal)?;
    // One document is printed, and that is of the diagnosis.
    let global = Global { json: false, ..global.clone() };
    match perform(host, &global, &planned, terminal) {
        // What failed is told; whether it was of use shows when one looks again.
        Ok(()) | Err(Error::Failed) => {
            let deadline = options.limits.timeout.unwrap_or(DEADLINE);
            Examination::new(&Deadline::new(host, deadline), patient, terminal)
        }
        Err(error) => Err(error),
    }
}
