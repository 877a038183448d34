//! `cai import`

use std::path::Path;

use super::file::{self, Source};
use super::plan::Planned;
use super::{Global, Terminal, init};
use crate::cli::error::Error;
use crate::host::Host;
use crate::model::VmName;
use crate::plan::Observation;
use crate::reconcile::import::Draft;
use crate::reconcile::observe::contexts_named;
use crate::report;

/// How often the file may turn out to say something that it cannot express.
const ROUNDS: usize = 4;

pub(super) fn run(
    host: &dyn Host,
    global: &Global,
    name: &VmName,
    out: Option<&Path>,
    yes: bool,
    terminal: &mut Terminal,
) -> Result<(), Error> {
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
            terminal.data(&report::difference(&old, source.text()))?;
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
    let planned = plan(host, path, &draft, terminal)?;
    let (file, facts) = (&planned.files[0], &planned.facts[0]);
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
    // Lima's templates suggest the second name.
    let names = [name.to_string(), format!("lima-{name}")];
    let names: Vec<_> = names.iter().filter_map(|name| name.parse().ok()).collect();
    draft.complete(&file.config, facts, &contexts_named(host, &names)?);
    for _ in 0..ROUNDS {
        let planned = plan(host, path, &draft, terminal)?;
        let mut dropped = false;
        for change in planned.plan.effective() {
            dropped |= draft.without(change);
        }
        if !dropped {
            planned.plan.effective().for_each(|change| draft.differs(change));
            break;
        }
    }
    Source::new(host, path.to_owned(), text(&draft))
}

fn text(draft: &Draft) -> String {
    let remarks = report::commented(draft.remarks());
    let gap = if remarks.is_empty() { "" } else { "\n" };
    format!("{remarks}{gap}{}", draft.document())
}

fn plan(
    host: &dyn Host,
    path: &Path,
    draft: &Draft,
    terminal: &Terminal,
) -> Result<Planned, Error> {
    let source = Source::new(host, path.to_owned(), text(draft))?;
    Planned::new(host, vec![source.parse(host, terminal)?], &[], terminal)
}

fn absent(name: &VmName) -> Error {
    Error::Refused {
        why: format!("Lima has no VM {name}"),
        hint: "run `limactl list` to see the VMs. Those of Colima are in another directory: set \
               LIMA_HOME=~/.colima/_lima"
            .into(),
    }
}
