//! `limactl` 2.2.0 on the simulated host: its commands, messages and exit codes (`FACTS.md`,
//! "States", and its transcripts). For anything else, it fails with a message that starts with "the
//! simulated limactl".

pub(super) mod config;
mod disk;
mod edit;
pub mod expression;
mod lifecycle;
pub(super) mod list;
pub mod rules;
mod shell;
mod validate;
pub mod yaml;

use super::arguments::Arguments;
use super::instance::Instance;
use super::log::Log;
use super::reply::{Call, Reply};
use super::world::{LIMA_VERSION, World};
use crate::lima::Status;
use config::FilledConfig;

/// An error is the last message of a failed command, logged as fatal.
type LimactlResult<T = Reply> = std::result::Result<T, String>;

/// The input and log of a command.
struct Job<'a> {
    world: &'a mut World,
    arguments: &'a Arguments,
    call: &'a Call<'a>,
    log: &'a mut Log,
}

type Subcommand = fn(Job<'_>) -> LimactlResult;

/// The commands with their flags. A flag with a value ends with `=`.
const COMMANDS: &[(&str, &[&str], Subcommand)] = &[
    ("create", &["--name="], lifecycle::create),
    ("delete", &["-f --force"], lifecycle::delete),
    ("disk", &["--json", "--size=", "--format=", "-f --force"], disk::disk),
    ("edit", &["--set=", "--cpus=", "--memory=", "--disk="], edit::edit),
    ("list", &["--json", "-f --format="], list::list),
    ("protect", &[], |job| lifecycle::protect(job, true)),
    ("shell", &["--workdir=", "--reconnect"], shell::shell),
    ("start", &["--timeout="], lifecycle::start),
    ("stop", &["-f --force"], lifecycle::stop),
    ("unprotect", &[], |job| lifecycle::protect(job, false)),
    ("validate", &[], validate::validate),
];

/// Runs `limactl`.
pub(super) fn run(world: &mut World, call: &Call<'_>) -> Reply {
    if call.args == ["--version"] {
        let version = world.computer.programs.get("limactl").map_or(LIMA_VERSION, String::as_str);
        return Reply::line(format!("limactl version {version}"));
    }
    let words: Vec<String> =
        call.args.iter().filter(|it| !it.starts_with("--tty=")).cloned().collect();
    let Some((name, rest)) = words.split_first() else {
        return Reply::unknown("limactl", "a call without a command");
    };
    let Some((_, flags, command)) = COMMANDS.iter().find(|(own, ..)| own == name) else {
        return Reply::unknown("limactl", &format!("the command `{name}`"));
    };
    let arguments = match Arguments::parse(rest, flags, name == "shell") {
        Ok(arguments) => arguments,
        Err(what) => return Reply::unknown("limactl", &format!("{what} of `{name}`")),
    };
    let mut log = Log::at(world.clock);
    let job = Job { world, arguments: &arguments, call, log: &mut log };
    let mut reply = match command(job) {
        Ok(reply) => reply,
        Err(message) => {
            log.fatal(&message);
            Reply { code: 1, ..Reply::done() }
        }
    };
    reply.stderr.insert_str(0, &log.text);
    reply
}

/// An instance that must exist, with its configuration.
fn existing<'a>(world: &'a World, name: &str) -> LimactlResult<(&'a Instance, FilledConfig)> {
    let directory = world.directory(name);
    match world.instances.get(name) {
        Some(instance) => Ok((instance, FilledConfig::fill(world, instance.parsed(), &directory))),
        None => Err(format!(
            "open {}: no such file or directory",
            directory.join("lima.yaml").display()
        )),
    }
}

/// The configuration of an instance, if it exists.
fn config(world: &World, name: &str) -> Option<FilledConfig> {
    let instance = world.instances.get(name)?;
    Some(FilledConfig::fill(world, instance.parsed(), &world.directory(name)))
}

fn expected(status: Status, wanted: &str) -> String {
    format!("expected status `{wanted}`, got `{status}`")
}
