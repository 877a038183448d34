//! Saved plans: `cai plan --out FILE` and `cai apply FILE`.

use std::io;
use std::path::{Path, PathBuf};

use anstream::adapter::strip_str;

use super::options::quoted;
use super::plan::Planned;
use super::{Consent, Global, Limits, Terminal, apply, file, vm_lock};
use crate::cli::error::Error;
use crate::host::{Host, Probe, random};
use crate::model::printable;
use crate::plan::{PlanDocument, SavedPlan, SavedPlanError};
use crate::report::{Layout, Line};

/// The width of the text in a saved plan.
const SHOWN: usize = 80;
/// Readable only by its owner: a plan reveals details of the machine.
const PRIVATE: u32 = 0o600;
/// The length of the end of a saved plan: the line of its checksum.
const END: u64 = "\n  \"sha256\": \"\"\n}\n".len() as u64 + 64;

/// Writes a plan to a file.
pub(super) fn write(
    host: &dyn Host,
    global: &Global,
    planned: &Planned,
    out: &Path,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    let failed = |error: serde_json::Error| Error::Output(error.into());
    let files: Vec<_> = planned.files.iter().map(|file| file.saved.clone()).collect();
    let declared = planned.declared();
    let shown = terminal.clean(&PlanDocument::new(&planned.plan, &declared))?;
    let salt = format!("{:032x}", random());
    let layout = Layout { width: SHOWN, ..terminal.layout() };
    let text = terminal.hidden().redactor().shown(&planned.text(layout));
    let text = strip_str(&text).to_string();
    let saved = SavedPlan::new(&planned.plan, shown, text, &files, terminal.simulates(), salt);
    let saved = saved.map_err(failed)?;
    let text = serde_json::to_string_pretty(&saved).map_err(failed)?;
    let path = file::within(global, out);
    let text = format!("{text}\n");
    let written = match host.write_new(&path, text.as_bytes(), PRIVATE) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            if is_another(host, &path) {
                let out = out.display().to_string();
                return Err(Error::Refused {
                    why: format!("{} already exists and is not a saved plan", printable(&out)),
                    hint: "name another file for the plan, or delete the existing one".into(),
                });
            }
            host.write_file(&path, &text, PRIVATE)
        }
        written => written,
    };
    written.map_err(|source| Error::WriteFile { path: path.clone(), source })?;
    // A saved plan names its files.
    let here = Global { files: Vec::new(), ..global.clone() };
    let apply = here.command(&format!("apply {}", quoted(out)));
    terminal.talk(&format!("Saved the plan. To apply it, run: {apply}"));
    Ok(())
}

/// Whether the path holds something that a plan must not overwrite, such as containai.toml.
fn is_another(probe: &dyn Probe, path: &Path) -> bool {
    match probe.read_file(path) {
        Ok(None) => false,
        Ok(Some(text)) => {
            let read = SavedPlan::parse(&text, true);
            !text.is_empty() && matches!(read, Err(SavedPlanError::NotOne(_)))
        }
        Err(_) => true,
    }
}

/// Whether a file ends like a saved plan, with its checksum. A large file is not read completely.
pub(super) fn is_likely_one(probe: &dyn Probe, path: &Path) -> bool {
    let end = probe.read_end(path, END).ok().flatten().unwrap_or_default();
    let end = String::from_utf8_lossy(&end);
    let checksum = end.strip_prefix("\n  \"sha256\": \"").and_then(|it| it.strip_suffix("\"\n}\n"));
    checksum.is_some_and(|it| it.chars().all(|c| c.is_ascii_hexdigit()))
}

/// Refuses `-`, which means stdout in other tools: only a plan in a file can be applied.
pub(super) fn check_name(out: &Path) -> Result<(), Error> {
    if out != Path::new("-") {
        return Ok(());
    }
    Err(Error::Usage {
        why: "`--out -` is not supported: a plan cannot be saved to stdout".into(),
        hint: "name a file, such as `--out next.plan`; `cai plan --json` prints the plan".into(),
    })
}

/// The command that saves a new plan of the same files and host.
fn plan_again(probe: &dyn Probe, global: &Global, plan: &Path, saved: &SavedPlan) -> String {
    let here = file::within(global, Path::new(""));
    let here = probe.current_dir().unwrap_or_default().join(here);
    let files = saved.files.iter().map(|file| {
        let path = Path::new(&file.path);
        path.strip_prefix(&here).unwrap_or(path).to_owned()
    });
    let mut files: Vec<PathBuf> = files.collect();
    if files == [Path::new(file::NAME)] {
        // It is found without `--file`.
        files.clear();
    }
    Global { files, ..global.clone() }.command(&format!("plan --out {}", quoted(plan)))
}

/// Reads a saved plan that only this user can have written.
fn read(
    host: &dyn Host,
    global: &Global,
    plan: &Path,
    terminal: &Terminal,
) -> Result<SavedPlan, Error> {
    let path = file::within(global, plan);
    let refused = |source| Error::SavedPlan { path: path.clone(), source };
    match host.check_private_file(&path) {
        Ok(()) => {}
        // Reading it reports a missing file.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => {
            return Err(match error.downcast() {
                Ok(exposed) => refused(SavedPlanError::Exposed(exposed)),
                Err(source) => Error::ReadFile { path, source },
            });
        }
    }
    let text = match file::text(host, &path) {
        Err(Error::NoText { .. }) => return Err(refused(SavedPlanError::NoText)),
        text => text?,
    };
    SavedPlan::parse(&text, terminal.simulates()).map_err(refused)
}

/// Shows a saved plan.
pub(super) fn show(
    host: &dyn Host,
    global: &Global,
    plan: &Path,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    let saved = read(host, global, plan, terminal)?;
    if global.json { terminal.json(&saved.plan) } else { terminal.data(&saved.text) }
}

/// Applies a saved plan, unless it is stale.
pub(super) fn apply(
    host: &dyn Host,
    global: &Global,
    plan: &Path,
    consent: &Consent,
    limits: &Limits,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    let path = file::within(global, plan);
    let saved = read(host, global, plan, terminal)?;
    let hint = format!("to save it again, run: {}", plan_again(host, global, plan, &saved));
    let stale = |moved| Error::Stale { path: path.clone(), moved, hint: hint.clone() };

    let sources = saved.files.iter().map(|saved| file::source(host, PathBuf::from(&saved.path)));
    let files = sources.collect::<Result<Vec<_>, _>>()?;
    let files = file::load_these(host, files, terminal)?;
    let here = host.current_dir().unwrap_or_default();
    let changed = files.iter().flat_map(|file| saved.changed(&file.saved)).map(|path| {
        let shown = Path::new(&path).strip_prefix(&here).unwrap_or(Path::new(&path));
        format!("{} changed since it was saved", printable(&shown.display().to_string()))
    });
    let changed: Vec<String> = changed.collect();
    if !changed.is_empty() {
        return Err(stale(changed));
    }
    let _locks = vm_lock::lock(host, &files, "cai apply", limits)?;
    let planned = Planned::new(host, files, &saved.targets, terminal)?;
    let planned = planned.limited(limits).hiding_data_of(&consent.replace);
    let declared = planned.declared();
    let shown = terminal.clean(&PlanDocument::new(&planned.plan, &declared))?;
    let moved = saved.moved(&planned.plan, &shown);
    if !moved.is_empty() {
        return Err(stale(moved));
    }
    if !planned.plan.is_empty() {
        terminal.lines(Line::planned(&planned.plan));
        terminal.talk(&planned.text(terminal.layout()));
        terminal.refuse_problems(&planned.plan)?;
        let words = format!("apply {}", quoted(plan));
        consent.to_losses(&planned, &global.command(&words))?;
    }
    apply::perform(host, &planned, true, terminal)
}
