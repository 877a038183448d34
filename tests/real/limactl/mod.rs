//! A stand-in for `limactl` that drives a real guest: a QEMU virtual machine or a systemd container.
//!
//! It has the command line, the messages, the exit codes, the files and the ssh sessions of
//! Lima 2.2.0 as far as `cai` meets them, and what runs behind it is real: a
//! machine with systemd, sshd and, if the tests want it, Docker. It exists because Lima itself
//! comes from hosts that a test machine may not reach.
//!
//! Known differences:
//! - Software emulation only, on Linux and x86_64, with local image files and qemu.
//! - `mounts` are kept in the YAML and not carried into the guest.
//! - No guest agent, so no automatic forwarding of TCP ports.
//! - Digests of images are not verified, `_config/networks.yaml` is not read.
//! - An expression for `edit --set` is assignments of JSON and `del`, no other yq.
//!
//! What it does not know it refuses in its own name, so that a test never takes a guess of the
//! stand-in for Lima's behaviour.
mod command_line;
mod config;
mod create;
mod edit;
mod expression;
mod guest;
mod hostagent;
mod instance;
mod list;
mod log;
mod machine;
mod qemu;
mod quote;
mod shell;
mod ssh;
mod start;
mod stop;
mod template;
mod validate;

use std::process::ExitCode;

use containai::simulate::Arguments;

/// What a command says when it fails; `main` logs it as fatal.
type Result<T> = std::result::Result<T, String>;

type Command = fn(&Arguments) -> Result<ExitCode>;

/// The commands, by their names, with their flags.
const COMMANDS: &[(&[&str], &[&str], Command)] = &[
    (&["list", "ls"], &["--json", "-f --format=", "-q --quiet"], list::list),
    (&["create"], &["--name=", "--set="], create::create),
    (&["start"], &["--timeout="], start::start),
    (&["stop"], &["-f --force"], stop::stop),
    (&["delete", "remove", "rm"], &["-f --force"], stop::delete),
    (&["shell"], &["--workdir=", "--shell=", "--reconnect", "--start"], shell::shell),
    (&["edit"], &["--set=", "--cpus=", "--memory=", "--disk=", "--start"], edit::edit),
    (&["protect"], &[], |arguments| stop::protect(arguments, true)),
    (&["unprotect"], &[], |arguments| stop::protect(arguments, false)),
    (&["validate"], &[], validate::validate),
    (&["hostagent"], &["--pidfile="], hostagent::run),
    (&["machine"], &["--pidfile="], machine::run),
];

/// The release whose behaviour this follows.
const VERSION: &str = "2.2.0";

pub(crate) fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--version") {
        println!("limactl version {VERSION}");
        return ExitCode::SUCCESS;
    }
    if nix::unistd::geteuid().is_root() {
        eprintln!("limactl: must not run as the root user");
        return ExitCode::FAILURE;
    }
    match run(&arguments) {
        Ok(code) => code,
        Err(message) => {
            log::fatal(&message);
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<ExitCode> {
    let (name, arguments) = command_line::split(arguments)?;
    let command = COMMANDS.iter().find(|(names, ..)| names.contains(&name));
    let (_, flags, command) = command.ok_or_else(|| unknown(&format!("the command `{name}`")))?;
    command(&command_line::parse(name, flags, &arguments)?)
}

/// The refusal of something that real `limactl` may well know.
fn unknown(what: &str) -> String {
    format!("the limactl stand-in of cai's tests does not know {what}")
}
