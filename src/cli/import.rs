//! `cai import`

use std::path::Path;

use super::file::{self, Source};
use super::plan::Planned;
use super::{Global, Terminal, init, saved};
use crate::cli::error::Error;
use crate::host::Host;
use crate::lima::Status;
use crate::model::address::Kind;
use crate::model::{VmName, listed, redact};
use crate::plan::Observation;
use crate::reconcile::observe::contexts_named;
use crate::report;
use crate::resource::facts::Facts;
use crate::resource::import::{Draft, removals};
use crate::resource::record::Record;

pub(super) fn run(
    host: &dyn Host,
    global: &Global,
    name: &VmName,
    out: Option<&Path>,
    yes: bool,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    if let Some(out) = out {
        saved::check_name(out)?;
    }
    let path = out.map_or_else(|| file::place(global), |out| file::within(global, out));
    let source = imported(host, &path, name, terminal)?;
    if out.is_none() {
        return terminal.raw(source.text());
    }
    match file::read(host, &path)? {
        None => return init::write(host, &source, terminal),
        Some(old) if old == source.text() => {
            terminal.talk(&format!("{} is up to date.", source.shown()));
            return Ok(());
        }
        Some(old) => {
            // Its secrets are unknown if it is invalid.
            terminal.data(&report::difference(&redact::source(&old), source.text()))?;
            if !yes {
                terminal.agrees(&format!("Overwrite {}?", source.shown())).map_err(|why| {
                    Error::Refused {
                        why: format!("{} was not changed: {why}", source.shown()),
                        hint: "to overwrite it, add --yes".into(),
                    }
                })?;
            }
            init::overwrite(host, &source)?;
        }
    }
    terminal.talk(&format!("Wrote {}.", source.shown()));
    Ok(())
}

/// The file of a VM. It is planned until it says nothing that an apply would change.
fn imported(
    host: &dyn Host,
    path: &Path,
    name: &VmName,
    terminal: &mut Terminal,
) -> Result<Source, Error> {
    let mut draft = Draft::named(name);
    let mut planned = plan(host, path, &draft, terminal)?;
    if draft.has_data_disk(&planned.files[0].config, &planned.facts[0]) {
        planned = plan(host, path, &draft, terminal)?;
    }
    let (file, facts) = (&planned.files[0], &planned.facts[0]);
    refuse_declared(host, name, facts, path)?;
    match &facts.vm {
        Observation::Present(_) => {}
        Observation::Absent => return Err(absent(name)),
        Observation::Unobservable(why) => {
            return Err(Error::Refused {
                why: format!("the VM {name} cannot be inspected: {why}"),
                hint: "run `limactl list` to see the cause".into(),
            });
        }
    }
    refuse_unseen(name, facts)?;
    // Lima's templates suggest the second name.
    let names = [name.to_string(), format!("lima-{name}")];
    let recorded = facts.record.iter().flat_map(Record::addresses);
    let recorded =
        recorded.filter(|address| address.kind == Kind::CONTEXT).map(|it| it.name().to_owned());
    let names = names.into_iter().chain(recorded);
    let names: Vec<_> = names.filter_map(|name| name.parse().ok()).collect();
    draft.complete(&file.config, facts, &contexts_named(host, &names)?);
    loop {
        let planned = plan(host, path, &draft, terminal)?;
        // Each round removes something from the draft, so this ends.
        let dropped = planned.plan.effective().filter(|change| draft.without(change)).count();
        if dropped == 0 {
            refuse_removals(name, &planned)?;
            planned.plan.effective().for_each(|change| draft.differs(change));
            break;
        }
    }
    let beside = Source::new(host, path.to_owned(), text(&draft))?;
    draft.has_layers(&beside.layers());
    Ok(Source::alone(path.to_owned(), &text(&draft)))
}

/// Refuses a VM that belongs to a file: an apply of another one would remove what only that file declares.
fn refuse_declared(
    host: &dyn Host,
    name: &VmName,
    facts: &Facts,
    path: &Path,
) -> Result<(), Error> {
    let file = facts.record.as_ref().and_then(|record| record.file.clone());
    let here = host.current_dir().unwrap_or_default().join(path);
    let Some(file) = file.filter(|file| *file != here) else { return Ok(()) };
    if !matches!(host.read_file(&file), Ok(Some(_))) {
        return Ok(());
    }
    Err(Error::Refused {
        why: format!("the VM {name} is declared by {}", file.display()),
        hint: "use that file; or delete it first, if another one should declare the VM".into(),
    })
}

/// Refuses a VM that `cai` manages and whose guest cannot be inspected. A later apply could remove settings that
/// the imported file does not declare.
fn refuse_unseen(name: &VmName, facts: &Facts) -> Result<(), Error> {
    if facts.record.is_none() || facts.guest.present().is_some() {
        return Ok(());
    }
    let is_stopped = facts.vm.present().is_some_and(|vm| vm.status == Status::Stopped);
    Err(if is_stopped {
        Error::Refused {
            why: format!(
                "cai manages the VM {name}, which is stopped, so its guest cannot be inspected"
            ),
            hint: format!("start it with `limactl start {name}`"),
        }
    } else {
        Error::Refused {
            why: format!("the guest of the VM {name} cannot be inspected"),
            hint: "run `cai doctor` with a file for this VM to see the cause".into(),
        }
    })
}

/// Refuses a VM from which an apply of the file would remove something: the file that `cai` applied declares more
/// than can be read from the VM.
fn refuse_removals(name: &VmName, planned: &Planned) -> Result<(), Error> {
    let Some(record) = &planned.facts[0].record else { return Ok(()) };
    let removals = removals(&planned.plan);
    if removals.is_empty() {
        return Ok(());
    }
    let file = record.file.as_ref();
    let file = file.map_or("another file".into(), |file| file.display().to_string());
    Err(Error::Refused {
        why: format!(
            "{file} was applied to the VM {name} and declares more than import can express. Applying the \
             imported file would remove: {}",
            listed(removals)
        ),
        hint: "restore that file, for example from version control".into(),
    })
}

fn text(draft: &Draft) -> String {
    let remarks = report::commented(&draft.remarks());
    let gap = if remarks.is_empty() { "" } else { "\n" };
    format!("{remarks}{gap}{}", draft.document())
}

fn plan(
    host: &dyn Host,
    path: &Path,
    draft: &Draft,
    terminal: &Terminal,
) -> Result<Planned, Error> {
    // The layers beside the file could name another VM.
    let source = Source::alone(path.to_owned(), &text(draft));
    Planned::new(host, vec![source.parse(host, terminal)?], &[], terminal)
}

fn absent(name: &VmName) -> Error {
    Error::Refused {
        why: format!("the VM {name} does not exist"),
        hint: "run `limactl list` to see the VMs. For Colima's VMs, set LIMA_HOME=~/.colima/_lima"
            .into(),
    }
}
