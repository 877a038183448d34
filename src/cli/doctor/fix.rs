//! `cai doctor --fix`

use std::collections::BTreeSet;

use super::{DEADLINE, DoctorReport, FindingKey, key};
use crate::cli::apply::{agree, perform};
use crate::cli::error::Error;
use crate::cli::options::{Doctor, Replace};
use crate::cli::plan::{Planned, judged};
use crate::cli::target::Patient;
use crate::cli::{Consent, Global, Terminal};
use crate::doctor::{self, Finding};
use crate::host::{Deadline, Host};

/// Fixes errors until no new error appears. A container is checked only when its engine runs, so
/// its error may appear later. No fix is tried twice.
pub(super) fn run(
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

/// Applies the part of the plan that fixes the findings, then observes the machine again.
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
    let repair_plan = match examination.case(patient) {
        Some(case) => doctor::repair_plan(&case, &findings)?,
        None => None,
    };
    let Some((graph, plan)) = repair_plan else {
        if !examination.is_healthy() {
            terminal.complain("--fix cannot fix any of these findings");
        }
        return Ok(examination);
    };
    let plan = judged(host, plan)?;
    // The question is about the findings, so --quiet does not hide them.
    if options.yes {
        terminal.talk(&examination.text(patient, global, terminal.layout()));
    } else {
        terminal.complain(&examination.text(patient, global, terminal.layout()));
    }
    let facts = examination.seen.iter().map(|(facts, _)| facts.clone()).collect();
    let files = vec![patient.file.clone()];
    let planned = Planned { files, graph, facts, plan }.limited(&options.limits);
    let consent = Consent { yes: options.yes, replace: Replace::default() };
    let agreed = agree(&planned, &consent, &global.command("doctor --fix --yes"), terminal);
    if agreed.is_err() && global.json {
        examination.document(patient, global, terminal)?;
    }
    agreed?;
    let found = match perform(host, &planned, options.yes, terminal) {
        // The failure was reported. The next diagnosis shows what still needs a fix.
        Ok(()) | Err(Error::Failed) => Vec::new(),
        // Only the smoke test finds this, so the next diagnosis does not have it.
        Err(Error::NoContainer(findings)) => findings,
        Err(error) => return Err(error),
    };
    let probe = Deadline::new(host, options.limits.timeout.unwrap_or(DEADLINE));
    let mut examination = DoctorReport::new(&probe, patient, terminal)?;
    examination.findings.splice(0..0, found);
    Ok(examination)
}
