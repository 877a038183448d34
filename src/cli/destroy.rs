//! `cai destroy`

use super::apply::tell_end;
use super::plan::Format;
use super::smoke_test::Verified;
use super::terminal::Hidden;
use super::{Global, Limits, Terminal, file, progress, vm_lock};
use crate::cli::error::Error;
use crate::cli::file::ConfigFile;
use crate::config::Config;
use crate::host::{Host, Probe};
use crate::plan::{Plan, PlanDocument, Reason};
use crate::reconcile::apply::{Report, in_sequence};
use crate::reconcile::observe::{ObserveError, current_context, installed_watch_service, observe};
use crate::report::{self, Line};
use crate::resource::facts::Facts;

pub(super) fn run(
    host: &dyn Host,
    global: &Global,
    allowed: Option<&str>,
    limits: &Limits,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    let file = file::load(host, global, terminal)?;
    let _locks = vm_lock::lock(host, std::slice::from_ref(&file), "cai destroy", limits)?;
    let name = file.config.vm.name.as_str();
    let hidden = terminal.hidden();
    let (facts, plan) = look(host, &file.config, &hidden)?;
    let plan = plan.limited(limits.timeout);
    if plan.is_empty() {
        if terminal.streams() {
            let (report, declared) = (Report::default(), [file.declared()]);
            let message = "Nothing to destroy.";
            return terminal.last_line(Line::finished("destroy", message, &report, &[], &declared));
        }
        let text = report::destruction(&plan, file.declared(), &facts, terminal.layout());
        terminal.talk(text.trim_end());
        return Ok(());
    }
    terminal.lines(Line::planned(&plan));
    let text = report::destruction(&plan, file.declared(), &facts, terminal.layout());
    // The question is about the plan, so --quiet does not hide it.
    if allowed == Some(name) {
        terminal.talk(&text);
    } else {
        terminal.complain(&text);
    }
    terminal.refuse_problems(&plan)?;
    let command = global.command(&format!("destroy --allow-destroy {name}"));
    agree(&plan, &file, allowed, &command, terminal)?;
    let look = || look(host, &file.config, &hidden).map(|(_, plan)| plan);
    let report =
        progress::tell(host, terminal, |notify| in_sequence(host, &plan, &look, &look, notify));
    let last_words = report::destroyed(&report);
    tell_end(&report, &last_words, |_| Verified::default(), &[file.declared()], "destroy", terminal)
}

/// Shows what a destroy would delete.
pub(super) fn plan(
    host: &dyn Host,
    global: &Global,
    format: Format,
    detailed_exitcode: bool,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    let file = file::load(host, global, terminal)?;
    let (facts, plan) = look(host, &file.config, &terminal.hidden())?;
    let (declared, layout) = (file.declared(), terminal.layout());
    match format {
        Format::Text => terminal.data(&report::destruction(&plan, declared, &facts, layout))?,
        Format::Markdown => {
            terminal.raw(&report::destruction_markdown(&plan, declared, &facts, layout))?;
        }
        Format::Json => terminal.json(&PlanDocument::new(&plan, &[declared]))?,
    }
    terminal.refuse_problems(&plan)?;
    if detailed_exitcode && !plan.is_empty() { Err(Error::Changes) } else { Ok(()) }
}

fn look(
    probe: &dyn Probe,
    config: &Config,
    hidden: &Hidden,
) -> Result<(Facts, Plan), ObserveError> {
    let facts = observe(probe, config)?;
    hidden.add(facts.secrets(config));
    let current = current_context(probe)?;
    let service = installed_watch_service(probe, &config.vm.name);
    let plan = Plan::destroy(config, &facts, current.as_deref(), service.as_ref());
    Ok((facts, plan))
}

/// Requires the VM's name, typed or on the command line, because a "yes" is typed too easily.
fn agree(
    plan: &Plan,
    file: &ConfigFile,
    allowed: Option<&str>,
    command: &str,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    let name = file.config.vm.name.as_str();
    let refused = |why: String| Error::Refused {
        why: format!("nothing was destroyed: {why}"),
        hint: format!("back up the data that you need, then run `{command}`"),
    };
    match allowed {
        Some(allowed) if allowed == name => return Ok(()),
        Some(other) => {
            return Err(refused(format!("--allow-destroy names {other}, but the VM is {name}")));
        }
        None => {}
    }
    let foreign = plan.effective().find(|change| change.reasons.contains(&Reason::NotMadeByCai));
    if let Some(change) = foreign {
        return Err(refused(format!("{} was not created by cai", change.address)));
    }
    let lost = plan.effective().find(|change| change.deletes_vm());
    let lost = lost.map(|change| {
        format!("If you continue, {}. ", report::lost(change.contents, change.kept_on.as_deref()))
    });
    let lost = lost.unwrap_or_default();
    let others = report::other_files(plan, &[file.declared()]);
    let containers = report::containers(plan);
    let question = format!("{others}{containers} {lost}Type {name} to destroy it:");
    match terminal.ask(&question, name) {
        Some(true) => Ok(()),
        Some(false) => Err(refused("the answer was not the VM's name".into())),
        None => Err(refused("confirmation needs a terminal".into())),
    }
}
