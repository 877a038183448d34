//! A stand-in for `limactl` that drives a real guest: a QEMU virtual machine or a systemd
//! container.
//!
//! It has the command line, the messages, the exit codes, the files and the SSH sessions of Lima
//! 2.2.0, as far as `cai` uses them. The machine is real, with systemd, sshd and, if a test needs
//! it, Docker. The stand-in exists because a test machine may not be able to download Lima.
//!
//! Known differences:
//! - Software emulation only, on Linux and x86_64, with local image files and qemu.
//! - `mounts` are kept in the YAML but not mounted in the guest.
//! - No guest agent, so no automatic forwarding of TCP ports.
//! - Digests of images are not verified, and `_config/networks.yaml` is not read.
//! - An expression for `edit --set` can only assign JSON and use `del`.
//!
//! For anything else, it fails with a message that names the stand-in, so that a test never
//! mistakes its guess for Lima's behavior.
mod command_line;
mod config;
mod create;
mod disk;
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

/// An error is the message of a failed command, which `main` logs as fatal.
type Result<T> = std::result::Result<T, String>;

type Command = fn(&Arguments) -> Result<ExitCode>;

/// The commands with their names and flags.
const COMMANDS: &[(&[&str], &[&str], Command)] = &[
    (&["list", "ls"], &["--json", "-f --format=", "-q --quiet"], list::list),
    (&["create"], &["--name=", "--set="], create::create),
    (&["start"], &["--timeout="], start::start),
    (&["stop"], &["-f --force"], stop::stop),
    (&["delete", "remove", "rm"], &["-f --force"], stop::delete),
    (&["shell"], &["--workdir=", "--shell=", "--reconnect", "--start"], shell::shell),
    (&["edit"], &["--set=", "--cpus=", "--memory=", "--disk=", "--start"], edit::edit),
    (&["disk"], &["--json", "--size="], disk::disk),
    (&["protect"], &[], |arguments| stop::protect(arguments, true)),
    (&["unprotect"], &[], |arguments| stop::protect(arguments, false)),
    (&["validate"], &[], validate::validate),
    (&["hostagent"], &["--pidfile="], hostagent::run),
    (&["machine"], &["--pidfile="], machine::run),
];

/// The release whose behavior this follows.
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

/// The error for something that the real `limactl` may support.
fn unknown(what: &str) -> String {
    format!("the limactl stand-in of cai's tests does not support {what}")
}
