//! `cai apply`

use std::path::Path;

use super::options::quoted;
use super::plan::Planned;
use super::smoke_test::Verified;
use super::{Consent, Global, Limits, Terminal, file, progress, smoke_test, vm_lock};
use crate::cli::error::Error;
use crate::host::Host;
use crate::model::address::Kind;
use crate::model::listed;
use crate::plan::{Declared, Exposure, Plan};
use crate::reconcile::apply::{Report, apply_fresh};
use crate::reconcile::record::{WriteRecordError, adopt};
use crate::report::{self, Line};

pub(super) fn run(
    host: &dyn Host,
    global: &Global,
    consent: &Consent,
    limits: &Limits,
    targets: &[String],
    terminal: &mut Terminal,
) -> Result<(), Error> {
    let files = file::load_all(host, global, terminal)?;
    let _locks = vm_lock::lock(host, &files, "cai apply", limits)?;
    let planned = Planned::new(host, files, targets, terminal)?;
    let planned = planned.limited(limits).hiding_data_of(&consent.replace);
    if !planned.plan.is_empty() {
        agree(&planned, consent, &global.command("apply --yes"), terminal)?;
    }
    perform(host, &planned, consent.yes, terminal)
}

/// Shows a plan and asks for confirmation. `command` confirms it in advance.
pub(super) fn agree(
    planned: &Planned,
    consent: &Consent,
    command: &str,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    planned.warn(terminal);
    terminal.lines(Line::planned(&planned.plan));
    // The question is about the plan, so --quiet does not hide it.
    if consent.yes {
        terminal.talk(&planned.text(terminal.layout()));
    } else {
        terminal.complain(&planned.text(terminal.layout()));
    }
    terminal.refuse_problems(&planned.plan)?;
    consent.to_losses(planned, command)?;
    consent.to_install(planned, command, terminal)?;
    consent.to_plan(planned, command, terminal)
}

/// Applies a plan and reports the result. `is_fresh`: no question was asked since the plan was
/// made, so its facts need not be observed again.
pub(super) fn perform(
    host: &dyn Host,
    planned: &Planned,
    is_fresh: bool,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    let Planned { graph, plan, facts, .. } = planned;
    if plan.is_empty() {
        adopt(host, &planned.configs(), graph, facts)
            .map_err(|WriteRecordError { path, source }| Error::WriteFile { path, source })?;
    }
    if plan.is_empty() && !terminal.streams() {
        terminal.talk(planned.text(terminal.layout()).trim_end());
        return Ok(());
    }
    let report = if plan.is_empty() {
        Report::of_nothing(plan)
    } else {
        progress::tell(host, terminal, |notify| {
            let facts = is_fresh.then(|| facts.clone());
            apply_fresh(host, &planned.configs(), graph, plan, facts, notify)
        })
    };
    let configs = planned.configs();
    let machines = configs.iter().zip(&planned.facts);
    let usable = machines
        .filter(|(config, facts)| config.vm.running && facts.tools.docker.is_some())
        .map(|(config, _)| config.context.name.as_str());
    let last_words = report::finished(&report, &usable.collect::<Vec<_>>());
    // An interrupt during the check must not hide the report.
    let _patience = progress::patience(host, terminal);
    let check = |terminal: &mut Terminal| smoke_test::verify(host, planned, &report, terminal);
    let (declared, operation) = (planned.declared(), "apply");
    tell_end(&report, &last_words, check, &declared, operation, terminal)
}

/// Reports the result of an operation. `check` runs only after a success; its findings are part of
/// the last line of JSON.
pub(super) fn tell_end(
    report: &Report,
    last_words: &str,
    check: impl FnOnce(&mut Terminal) -> Verified,
    declared: &[Declared<'_>],
    operation: &'static str,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    let last_words = format!("{}{last_words}", terminal.mark());
    let Verified { findings, interrupted } = if report.failed() || report.interrupted() {
        terminal.complain(&last_words);
        Verified { interrupted: report.interrupted(), ..Verified::default() }
    } else {
        terminal.talk(&last_words);
        check(terminal)
    };
    for finding in &findings {
        terminal.complain(&report::finding(finding, terminal.layout()));
    }
    if terminal.streams() {
        terminal.last_line(Line::finished(operation, &last_words, report, &findings, declared))?;
    }
    if interrupted {
        if !report.interrupted() {
            terminal.complain("Interrupted before cai checked that containers start.");
        }
        Err(Error::Interrupted)
    } else if report.failed() {
        Err(Error::Failed)
    } else if findings.is_empty() {
        Ok(())
    } else {
        Err(Error::NoContainer(findings))
    }
}

impl Consent {
    /// A "yes" allows neither data loss nor control of this machine: the user must name the VM or the
    /// directory.
    pub(super) fn to_losses(&self, planned: &Planned, command: &str) -> Result<(), Error> {
        self.to_mounts(&planned.plan, command)?;
        let Some(file) = planned.files.first() else { return Ok(()) };
        let allowed = &self.replace.allow_replace;
        let losses = planned.plan.losses(file.config.vm.name.as_str());
        let mut refused = losses.iter().filter(|loss| !allowed.contains(&loss.vm));
        let Some(first) = refused.next() else { return Ok(()) };
        let mut names: Vec<&str> = losses.iter().map(|loss| loss.vm.as_str()).collect();
        names.dedup();
        let why = match allowed.as_slice() {
            [] => format!("not applied: {}", first.what),
            others => format!(
                "not applied: {}; --allow-replace names {}, which is not this VM",
                first.what,
                listed(others)
            ),
        };
        Err(Error::Refused { why, hint: first.hint(command, &names) })
    }

    fn to_mounts(&self, plan: &Plan, command: &str) -> Result<(), Error> {
        let mounts = plan.mounts_that_need_consent();
        let allowed = &self.replace.allow_mount;
        let Some(refused) = mounts.iter().find(|it| !allowed.contains(&it.location)) else {
            return Ok(());
        };
        let named = mounts.iter().map(|it| quoted(Path::new(&it.location)));
        let options = named.collect::<Vec<_>>().join(" --allow-mount ");
        let hint = format!(
            "{}; if you want this, run `{command} --allow-mount {options}`",
            Exposure::HINT
        );
        Err(Error::Refused { why: format!("not applied: {}", refused.placed()), hint })
    }

    /// Lima outlives the VM, so its installation is a separate question unless the file allows it.
    fn to_install(
        &self,
        planned: &Planned,
        command: &str,
        terminal: &mut Terminal,
    ) -> Result<(), Error> {
        let mut changes = planned.plan.effective();
        let change = changes.find(|change| change.address.kind == Kind::LIMA_INSTALL);
        match change {
            Some(change) if planned.asks_to_install() => {
                let what = match (change.after.text("version"), change.after.text("into")) {
                    (Some(version), Some(into)) => format!("Lima {version} into {into}"),
                    _ => "Lima with Homebrew".to_owned(),
                };
                self.asked(&format!("Install {what}?"), command, terminal)
            }
            _ => Ok(()),
        }
    }

    fn to_plan(
        &self,
        planned: &Planned,
        command: &str,
        terminal: &mut Terminal,
    ) -> Result<(), Error> {
        let others = report::other_files(&planned.plan, &planned.declared());
        let containers = report::containers(&planned.plan);
        self.asked(&format!("{others}{containers} Apply?"), command, terminal)
    }

    /// Asks a question; anything but "yes" is an error.
    fn asked(&self, question: &str, command: &str, terminal: &mut Terminal) -> Result<(), Error> {
        if self.yes {
            return Ok(());
        }
        terminal.agrees(question).map_err(|why| Error::Refused {
            why: format!("not applied: {why}"),
            hint: format!("review the plan, then run `{command}`"),
        })
    }
}
