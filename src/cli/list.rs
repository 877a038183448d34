//! `cai list`

use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;

use super::file::{self, Source};
use super::{Global, Terminal};
use crate::cli::error::Error;
use crate::host::Host;
use crate::lima::Status;
use crate::plan::FORMAT_VERSION;
use crate::reconcile::observe::{ManagedVm, managed_vms};
use crate::report;

/// The VMs that `cai` manages, as `cai list --json` prints them.
#[derive(Serialize, JsonSchema)]
pub(super) struct ListDocument {
    format_version: u32,
    machines: Vec<ListedVm>,
}

/// A VM that `cai` manages.
#[derive(Serialize, JsonSchema)]
struct ListedVm {
    name: String,
    status: Status,
    /// The file that it was applied from last; `null` if it has no record.
    file: Option<String>,
    /// Why no file declares it any more; `null` if its file does.
    orphan: Option<String>,
}

pub(super) fn run(host: &dyn Host, global: &Global, terminal: &mut Terminal) -> Result<(), Error> {
    let Some(vms) = managed_vms(host)? else {
        return Err(Error::Refused {
            why: "the VMs cannot be listed: limactl is not installed".into(),
            hint: "run `cai apply`; it offers to install Lima".into(),
        });
    };
    let vms = vms.into_iter().map(|vm| listed(host, vm)).collect::<Vec<_>>();
    if global.json {
        return terminal.json(&ListDocument { format_version: FORMAT_VERSION, machines: vms });
    }
    if vms.is_empty() {
        return terminal.data("cai manages no VM on this machine.\n");
    }
    let rows: Vec<[String; 3]> = vms.iter().map(ListedVm::row).collect();
    let head = ["NAME", "STATUS", "FILE"].map(str::to_owned);
    terminal.data(&report::table(&head, &rows))
}

fn listed(host: &dyn Host, vm: ManagedVm) -> ListedVm {
    let orphan = vm.file.as_ref().and_then(|file| orphaned(host, file, &vm.name));
    let file = vm.file.map(|file| file.display().to_string());
    ListedVm { name: vm.name, status: vm.status, file, orphan }
}

/// Why a file does not declare a VM.
fn orphaned(host: &dyn Host, path: &Path, vm: &str) -> Option<String> {
    let Ok(text) = file::text(host, path) else {
        return Some("the file does not exist or cannot be read".into());
    };
    let Ok(source) = Source::new(host, path.to_owned(), text) else { return None };
    match source.config() {
        Ok(config) if config.vm.name.as_str() == vm => None,
        Ok(config) => Some(format!("the file declares {}", config.vm.name)),
        // What it declares is unknown.
        Err(_) => None,
    }
}

impl ListedVm {
    fn row(&self) -> [String; 3] {
        let file = self.file.clone().unwrap_or_else(|| "unknown".into());
        let file = match &self.orphan {
            Some(why) => format!("{file} (orphan: {why})"),
            None => file,
        };
        [self.name.clone(), self.status.to_string(), file]
    }
}
