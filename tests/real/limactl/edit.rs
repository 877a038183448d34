//! `limactl edit`.
use std::fs;
use std::process::{Command, ExitCode};

use containai::simulate::Arguments;

use super::instance::{self, Instance, Status};
use super::{Result, expression, log, quote, unknown, validate};

pub(super) fn edit(arguments: &Arguments) -> Result<ExitCode> {
    let name = arguments.only()?;
    let instance = Instance::inspect(name)?
        .ok_or_else(|| format!("instance {} not found", quote::name(name)))?;
    if instance.status == Status::Running {
        return Err("cannot edit a running instance".to_owned());
    }
    if arguments.has("--start") {
        return Err(unknown("`edit --start`"));
    }
    let mut expressions: Vec<String> = arguments.all("--set").map(str::to_owned).collect();
    if let Some(cpus) = arguments.value("--cpus") {
        expressions.push(format!(".cpus = {cpus}"));
    }
    for size in ["memory", "disk"] {
        if let Some(gibibytes) = arguments.value(&format!("--{size}")) {
            expressions.push(format!(".{size} = \"{gibibytes}GiB\""));
        }
    }
    let file = instance.yaml();
    let before = fs::read_to_string(&file).map_err(|error| error.to_string())?;
    let after = if expressions.is_empty() && arguments.has("--tty") {
        opened(&before)?
    } else {
        expressions
            .iter()
            .try_fold(before.clone(), |text, expression| expression::apply(&text, expression))?
    };
    if before == after {
        log::info("Aborting, no changes made to the instance");
        return Ok(ExitCode::SUCCESS);
    }
    check(&before, &after, &instance)?;
    fs::write(&file, after).map_err(|error| error.to_string())?;
    log::info(&format!("Instance {} configuration edited", quote::name(name)));
    Ok(ExitCode::SUCCESS)
}

/// Opens the text in an editor, whose input is this process's input, and returns the result.
fn opened(text: &str) -> Result<String> {
    let failed = |error: std::io::Error| error.to_string();
    let file = tempfile::NamedTempFile::with_prefix("lima-editor-").map_err(failed)?;
    fs::write(file.path(), text).map_err(failed)?;
    let editor = ["VISUAL", "EDITOR"].into_iter().find_map(std::env::var_os);
    let editor = editor.ok_or("could not detect a text editor binary, try setting $EDITOR")?;
    let status = Command::new(editor).arg(file.path()).status().map_err(failed)?;
    if !status.success() {
        return Err(format!("could not execute editor: {status}"));
    }
    fs::read_to_string(file.path()).map_err(failed)
}

fn check(before: &str, after: &str, instance: &Instance) -> Result<()> {
    let file = instance.yaml().to_string_lossy().into_owned();
    validate::warn_of_unknown_keys(after, &file);
    if let Some(error) = validate::check(after, &file, &instance.dir)? {
        return Err(rejected(after, &error));
    }
    if let (Some((was, old)), Some((is, new))) =
        (instance::disk_in(before), instance::disk_in(after))
        && new < old
    {
        let error = format!("field `disk`: shrinking the disk ({was} --> {is}) is not supported");
        return Err(rejected(after, &error));
    }
    Ok(())
}

/// Saves the text in the current directory, as Lima does.
fn rejected(text: &str, error: &str) -> String {
    match fs::write("lima.REJECTED.yaml", text) {
        Ok(()) => {
            format!("the YAML is invalid, saved the buffer as `lima.REJECTED.yaml`: {error}")
        }
        Err(write) => format!(
            "the YAML is invalid, attempted to save the buffer as `lima.REJECTED.yaml` but failed: {write}\n{error}"
        ),
    }
}
