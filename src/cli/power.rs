//! `cai start`, `cai stop` and `cai restart`

use super::apply::tell_end;
use super::smoke_test::Verified;
use super::{Global, Limits, Terminal, file, progress, vm_lock};
use crate::cli::error::Error;
use crate::cli::file::ConfigFile;
use crate::host::Host;
use crate::plan::{Disruption, Plan};
use crate::reconcile::apply::event::Listener;
use crate::reconcile::apply::in_sequence;
use crate::reconcile::observe::{ObserveError, observe};
use crate::report::{self, Line};
use crate::resource::Power;

pub(super) fn run(
    host: &dyn Host,
    global: &Global,
    power: Power,
    yes: bool,
    limits: &Limits,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    let file = file::load(host, global, terminal)?;
    let name = word(power);
    let _locks = vm_lock::lock(host, std::slice::from_ref(&file), &format!("cai {name}"), limits)?;
    let config = &file.config;
    let hidden = terminal.hidden();
    let look = |power| -> Result<Plan, ObserveError> {
        let facts = observe(host, config)?;
        hidden.add(facts.secrets(config));
        Ok(Plan::power(config, &facts, power).limited(limits.timeout))
    };
    let plan = look(power)?;
    terminal.lines(Line::planned(&plan));
    terminal.refuse_problems(&plan)?;
    if let Some(loss) = plan.losses(config.vm.name.as_str()).first() {
        return Err(Error::Refused {
            why: format!("nothing was changed: {}", loss.what),
            hint: loss.hint(&global.command("apply"), &[&loss.vm]),
        });
    }
    agree(&plan, power, yes, &file, global, terminal)?;
    // A restarted VM must run like a started one.
    let goal = if power == Power::Restart { Power::Start } else { power };
    let (before, after) = (|| look(power), || look(goal));
    let work = |notify: Listener<'_>| in_sequence(host, &plan, &before, &after, notify);
    let report = progress::tell(host, terminal, work);
    let last_words = report::powered(&report, config.vm.name.as_str(), power);
    tell_end(&report, &last_words, |_| Verified::default(), &[file.declared()], name, terminal)?;
    match (power, config.vm.running) {
        (Power::Stop, true) => {
            terminal.talk("The file declares a running VM, so the next `cai apply` starts it.");
        }
        (Power::Start | Power::Restart, false) => {
            terminal.talk("The file declares a stopped VM, so the next `cai apply` stops it.");
        }
        _ => {}
    }
    Ok(())
}

/// Asks if containers stop, if it is unknown whether they do, or if another file was applied to the VM
/// last.
fn agree(
    plan: &Plan,
    power: Power,
    yes: bool,
    file: &ConfigFile,
    global: &Global,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    let command = format!("{} --yes", word(power));
    let others =
        if plan.is_empty() { String::new() } else { report::other_files(plan, &[file.declared()]) };
    let is_start = power == Power::Start;
    if is_start && !others.is_empty() {
        terminal.talk(&format!("warning: {}", others.trim_end()));
    }
    // The user may not know it: both files may have the default name of a VM.
    let other = plan.other_files().next().filter(|_| !is_start && !others.is_empty());
    let foreign = other.map(|(_, other)| {
        let there = Global { files: vec![other.into()], ..global.clone() };
        of_other_file(&others, power, &there.command(&command))
    });
    let impact = plan.impact();
    let stops_any = !impact.is_complete || !impact.stops.is_empty() || !impact.restarts.is_empty();
    let asks = stops_any || foreign.is_some();
    match foreign {
        Some(error) if yes || !terminal.can_ask() => return Err(error),
        _ if yes || !asks => return Ok(()),
        _ => {}
    }
    let command = global.command(&command);
    let verb = if power == Power::Stop { Disruption::VmStop } else { Disruption::VmRestart }.verb();
    let mut verb = verb.to_owned();
    verb[..1].make_ascii_uppercase();
    let refused = |why: &str| Error::Refused {
        why: format!("nothing was changed: {why}"),
        hint: format!("to confirm in advance, run `{command}`"),
    };
    let containers = report::containers(plan);
    let others = if is_start { "" } else { &others };
    let question = format!("{others}{containers} {verb}? Only \"yes\" is accepted:");
    match terminal.ask(&question, "yes") {
        Some(true) => Ok(()),
        Some(false) => Err(refused("the answer was not \"yes\"")),
        None => Err(refused(&format!("confirmation needs a terminal. {containers}"))),
    }
}

/// A "yes" in advance is not enough for a VM that another file was applied to last.
fn of_other_file(others: &str, power: Power, command: &str) -> Error {
    let verb = word(power);
    Error::Refused {
        why: format!("nothing was changed: {}", others.trim_end_matches(". ")),
        hint: format!(
            "to {verb} it anyway, run `{command}`; to manage this VM with this file, run `cai apply` first"
        ),
    }
}

fn word(power: Power) -> &'static str {
    match power {
        Power::Start => "start",
        Power::Stop => "stop",
        Power::Restart => "restart",
    }
}
