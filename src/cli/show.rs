//! `cai show`

use serde::Serialize;

use super::file;
use super::terminal::document;
use super::{Global, Terminal};
use crate::cli::error::Error;
use crate::host::Host;
use crate::reconcile::observe::recorded;
use crate::report;
use crate::resource::record::Record;

/// One VM, as `cai show --json` prints it.
#[derive(Serialize)]
struct Shown<'a> {
    file: &'a str,
    vm: &'a str,
    /// `null` if the VM has none.
    record: Option<Record>,
}

pub(super) fn run(host: &dyn Host, global: &Global, terminal: &mut Terminal) -> Result<(), Error> {
    let files = file::load_all(host, global, terminal)?;
    let mut machines = Vec::new();
    for file in &files {
        let vm = &file.config.vm.name;
        let record = recorded(host, vm)?;
        machines.push(Shown { file: &file.shown, vm: vm.as_str(), record });
    }
    if global.json {
        return terminal.json(&document("machines", &machines)?);
    }
    let texts = machines.iter().map(|it| report::record(it.vm, it.record.as_ref()));
    terminal.data(&texts.collect::<Vec<_>>().join("\n"))
}
