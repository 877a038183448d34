//! Usage errors: clap's, with a tip for what users of other tools type.

use clap::Command;
use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Options of Terraform, and those of `cai`.
const OPTIONS: [(&str, &str); 3] =
    [("auto-approve", "--yes"), ("chdir", "-C DIR"), ("no-color", "--color never")];

/// The error with the right tip. `arguments` are those after the name of the program.
pub(super) fn explained(
    error: clap::Error,
    command_line: &Command,
    arguments: &[String],
) -> clap::Error {
    let mut error = without_destroy(error);
    if error.kind() != ErrorKind::UnknownArgument {
        return error;
    }
    let invalid = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(invalid)) => invalid.clone(),
        _ => return error,
    };
    let own = arguments.iter().find_map(|word| command_line.find_subcommand(word));
    let tip = match own.map(Command::get_name) {
        Some("shell") if !invalid.starts_with('-') => guest_command(&invalid, arguments),
        _ => option(command_line, own, arguments),
    };
    if let Some(tip) = tip {
        error.remove(ContextKind::SuggestedArg);
        let tip = ContextValue::StyledStrs(vec![StyledStr::from(tip)]);
        error.insert(ContextKind::Suggested, tip);
    }
    error
}

/// `cai shell docker ps` is refused, because an option after `docker` could be meant for cai.
fn guest_command(invalid: &str, arguments: &[String]) -> Option<String> {
    let start = arguments.iter().position(|word| word == invalid)?;
    let words = arguments.get(start..)?.iter().map(String::as_str).filter(|word| *word != "--");
    Some(format!("write `cai shell -- {}`", shlex::try_join(words).ok()?))
}

/// An option with one dash, or one that has another name here.
fn option(command_line: &Command, own: Option<&Command>, arguments: &[String]) -> Option<String> {
    let has = |name: &str| {
        let commands = own.into_iter().chain([command_line]);
        let mut options = commands.flat_map(Command::get_arguments);
        options.any(|option| option.get_long() == Some(name))
    };
    let words = arguments.iter().take_while(|word| *word != "--");
    let mut names = words.filter_map(|word| {
        let name = word.strip_prefix("--").or_else(|| word.strip_prefix('-'))?;
        let name = name.split('=').next().unwrap_or(name);
        Some((word.starts_with("--"), name))
    });
    names.find_map(|(is_long, name)| {
        let other = OPTIONS.iter().find(|(foreign, _)| *foreign == name && !has(name));
        match other {
            Some((_, own)) => Some(format!("use {own}")),
            None if !is_long && name.len() > 1 && has(name) => Some(format!("use --{name}")),
            None => None,
        }
    })
}

/// A usage error that does not suggest to destroy anything.
fn without_destroy(mut error: clap::Error) -> clap::Error {
    let kind = ContextKind::SuggestedSubcommand;
    if let Some(ContextValue::Strings(names)) = error.get(kind) {
        let names = names.iter().filter(|name| *name != "destroy").cloned().collect();
        error.insert(kind, ContextValue::Strings(names));
    }
    error
}
