//! `cai show`

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::file;
use super::{Global, Terminal};
use crate::cli::error::Error;
use crate::host::Host;
use crate::plan::FORMAT_VERSION;
use crate::reconcile::observe::recorded;
use crate::report;
use crate::resource::record::{Entry, Origin, Record};

/// The records of the files' VMs, as `cai show --json` prints them.
#[derive(Serialize, JsonSchema)]
pub(super) struct ShowDocument<'a> {
    format_version: u32,
    /// One entry per file.
    machines: Vec<Shown<'a>>,
}

/// One VM.
#[derive(Serialize, JsonSchema)]
struct Shown<'a> {
    file: &'a str,
    vm: &'a str,
    /// The resources by address; `null` without a record.
    resources: Option<BTreeMap<String, ShownEntry>>,
}

/// One resource.
#[derive(Serialize, JsonSchema)]
struct ShownEntry {
    origin: Origin,
    /// Its keys, if other programs can set keys of it as well.
    keys: BTreeMap<String, Origin>,
}

fn resources(record: &Record) -> BTreeMap<String, ShownEntry> {
    let shown = |entry: &Entry| ShownEntry {
        origin: entry.origin,
        // The hash of a value is left out: it would reveal a short secret.
        keys: entry.keys.iter().map(|(name, key)| (name.clone(), key.origin)).collect(),
    };
    record.resources.iter().map(|(address, entry)| (address.clone(), shown(entry))).collect()
}

pub(super) fn run(host: &dyn Host, global: &Global, terminal: &mut Terminal) -> Result<(), Error> {
    let files = file::load_all(host, global, terminal)?;
    let records = files.iter().map(|file| recorded(host, &file.config.vm.name));
    let records = records.collect::<Result<Vec<_>, _>>()?;
    let machines = files.iter().zip(&records);
    if global.json {
        let shown = machines.map(|(file, record)| Shown {
            file: &file.shown,
            vm: file.config.vm.name.as_str(),
            resources: record.as_ref().map(resources),
        });
        let document = ShowDocument { format_version: FORMAT_VERSION, machines: shown.collect() };
        return terminal.json(&document);
    }
    let mark = terminal.mark();
    let texts = machines.map(|(file, record)| {
        let text = report::record(file.config.vm.name.as_str(), record.as_ref());
        format!("{mark}{text}")
    });
    terminal.data(&texts.collect::<Vec<_>>().join("\n"))
}
