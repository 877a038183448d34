//! `cai apply`

use super::plan::Planned;
use super::{Global, Terminal, file};
use crate::apply::apply;
use crate::error::Error;
use crate::host::Host;
use crate::report;

pub(super) fn run(
    host: &dyn Host,
    global: &Global,
    yes: bool,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    let planned = Planned::new(host, file::load(host, global, terminal)?)?;
    if planned.plan.is_empty() {
        return terminal.data(&planned.text());
    }
    terminal.talk(&planned.text());
    planned.refuse_problems(terminal)?;
    if !yes {
        match terminal.ask("Apply this plan? Only \"yes\" is accepted:") {
            Some(true) => {}
            Some(false) => return Err(Error::Refused("not applied: the answer was not \"yes\"")),
            None => {
                return Err(Error::Refused("not applied: there is no terminal to ask on"));
            }
        }
    }
    let Planned { file, graph, plan, .. } = &planned;
    let report = apply(host, &file.config, graph, plan, &mut |event| {
        if let Some(text) = report::progress(&event) {
            terminal.mutter(&text);
        }
    });
    terminal.talk(&report::finished(&report, file.config.context.name.as_str()));
    if report.failed() { Err(Error::Failed) } else { Ok(()) }
}
