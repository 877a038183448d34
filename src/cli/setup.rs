//! `cai setup`

use super::plan::{self, Format, Planned};
use super::{Consent, Global, Limits, Terminal, apply, file, init, vm_lock};
use crate::cli::error::Error;
use crate::host::Host;

/// Runs `init` if the file does not exist, then `apply`. Nothing is written before the
/// confirmation.
pub(super) fn run(
    host: &dyn Host,
    global: &Global,
    dry_run: bool,
    consent: &Consent,
    limits: &Limits,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    let found = file::find(host, global)?;
    let template = found.is_none().then(|| init::template(host, global)).transpose()?;
    let source = found.as_ref().or(template.as_ref()).ok_or(Error::NoFile)?;
    let files = vec![source.parse(host, terminal)?];
    let _locks =
        if dry_run { Vec::new() } else { vm_lock::lock(host, &files, "cai setup", limits)? };
    let planned =
        Planned::new(host, files, &[], terminal)?.limited(limits).hiding_data_of(&consent.replace);
    if dry_run {
        if template.is_some() {
            terminal
                .talk(&format!("setup would create {}, then apply this plan:\n", source.shown()));
        }
        return plan::show(&planned, Format::new(global, false), terminal);
    }
    if !planned.plan.is_empty() {
        apply::agree(&planned, consent, &global.command("setup --yes"), terminal)?;
    }
    if let Some(template) = &template {
        init::write(host, template, terminal)?;
    }
    apply::perform(host, &planned, consent.yes, terminal)
}
