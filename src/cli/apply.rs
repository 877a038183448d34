//! `cai apply`

use super::plan::Planned;
use super::smoke_test::Verified;
use super::{Consent, Global, Limits, Terminal, file, progress, smoke_test, vm_lock};
use crate::cli::error::Error;
use crate::host::Host;
use crate::model::address::Kind;
use crate::plan::Declared;
use crate::reconcile::apply::{Report, apply_fresh};
use crate::reconcile::record::{WriteRecordError, adopt};
use crate::report::{self, ReportDocument};

pub(super) fn run(
    host: &dyn Host,
    global: &Global,
    consent: &Consent,
    limits: &Limits,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    let files = file::load_all(host, global, terminal)?;
    let _locks = vm_lock::lock(host, &files, "cai apply", limits)?;
    let planned =
        Planned::new(host, files, terminal)?.limited(limits).hiding_data_of(&consent.replace);
    if !planned.plan.is_empty() {
        agree(&planned, consent, &global.command("apply --yes"), terminal)?;
    }
    perform(host, global, &planned, consent.yes, terminal)
}

/// Shows a plan, and gets a yes to it. `command` is how to say yes in advance.
pub(super) fn agree(
    planned: &Planned,
    consent: &Consent,
    command: &str,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    planned.warn(terminal);
    // Nobody can be asked about what they do not see.
    if consent.yes {
        terminal.talk(&planned.text(terminal.width()));
    } else {
        terminal.complain(&planned.text(terminal.width()));
    }
    terminal.refuse_problems(&planned.plan)?;
    consent.to_replacements(planned, command)?;
    consent.to_install(planned, command, terminal)?;
    consent.to_plan(command, terminal)
}

/// Does what a plan says, and tells how it ended. Without a question in between, what the plan has
/// seen `is_fresh`.
pub(super) fn perform(
    host: &dyn Host,
    global: &Global,
    planned: &Planned,
    is_fresh: bool,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    let Planned { graph, plan, facts, .. } = planned;
    if plan.is_empty() {
        adopt(host, &planned.configs(), graph, facts)
            .map_err(|WriteRecordError { path, source }| Error::WriteFile { path, source })?;
    }
    if plan.is_empty() && !global.json {
        return terminal.data(&planned.text(terminal.width()));
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
    // What was done is told, also to whoever does not wait for the check.
    let _patience = progress::patience(host, terminal);
    let check = |terminal: &mut Terminal| smoke_test::verify(host, planned, &report, terminal);
    tell_end(&report, &last_words, check, &planned.declared(), global, terminal)
}

/// Tells how it ended. Where it ended well, `check` has a last look; programs get one document, of all
/// that came of it.
pub(super) fn tell_end(
    report: &Report,
    last_words: &str,
    check: impl FnOnce(&mut Terminal) -> Verified,
    declared: &[Declared<'_>],
    global: &Global,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    let Verified { findings, interrupted } = if report.failed() || report.interrupted() {
        terminal.complain(last_words);
        Verified { interrupted: report.interrupted(), ..Verified::default() }
    } else {
        terminal.talk(last_words);
        check(terminal)
    };
    for finding in &findings {
        terminal.complain(&report::finding(finding, terminal.width()));
    }
    if global.json {
        terminal.json(&ReportDocument::new(report, &findings, declared))?;
    }
    if interrupted {
        if !report.interrupted() {
            terminal.complain("Interrupted: whether containers start was not seen.");
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
    /// A yes is not enough for a loss: the user must name the VM.
    pub(super) fn to_replacements(&self, planned: &Planned, command: &str) -> Result<(), Error> {
        let Some(file) = planned.files.first() else { return Ok(()) };
        let allowed = self.replace.allow_replace.as_ref();
        let losses = planned.plan.losses(file.config.vm.name.as_str());
        let Some(loss) = losses.into_iter().find(|loss| allowed != Some(&loss.vm)) else {
            return Ok(());
        };
        let other = allowed.map(|other| format!(", and --allow-replace names {other}"));
        let why = format!("not applied: {}{}", loss.what, other.unwrap_or_default());
        Err(Error::Refused { why, hint: loss.hint(command) })
    }

    /// Lima stays on the machine, whatever becomes of the VM: where the file does not say that it
    /// may be installed, that is a question of its own.
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

    fn to_plan(&self, command: &str, terminal: &mut Terminal) -> Result<(), Error> {
        self.asked("Apply this plan?", command, terminal)
    }

    /// Gets a yes to a question.
    fn asked(&self, question: &str, command: &str, terminal: &mut Terminal) -> Result<(), Error> {
        let refused = |why: &str| Error::Refused {
            why: format!("not applied: {why}"),
            hint: format!("look at the plan, then run `{command}`"),
        };
        if self.yes {
            return Ok(());
        }
        match terminal.ask(&format!("{question} Only \"yes\" is accepted:"), "yes") {
            Some(true) => Ok(()),
            Some(false) => Err(refused("the answer was not \"yes\"")),
            None => Err(refused("there is no terminal to ask on")),
        }
    }
}
