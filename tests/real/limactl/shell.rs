//! `limactl shell`.
use std::io::IsTerminal as _;
use std::os::unix::process::CommandExt as _;
use std::process::ExitCode;

use containai::simulate::Arguments;

use super::instance::{Instance, Status};
use super::{Result, log, quote, ssh, unknown};

pub(super) fn shell(arguments: &Arguments) -> Result<ExitCode> {
    let Some((name, command)) = arguments.words.split_first() else {
        return Err("requires instance name as first argument".to_owned());
    };
    let command = match command {
        [first, rest @ ..] if first == "--" => rest,
        all => all,
    };
    let shown = quote::name(name);
    let instance = Instance::inspect(name)?.ok_or_else(|| {
        format!(
            "instance {shown} does not exist, run `limactl create {name}` to create a new instance"
        )
    })?;
    if !instance.errors.is_empty() {
        log::line(
            "error",
            &format!("Instance {shown} has configuration errors"),
            &[("error", &instance.errors.join("\n"))],
        );
    }
    let config = instance.config()?;
    if instance.status == Status::Stopped {
        if arguments.has("--start") {
            return Err(unknown("`shell --start`"));
        }
        return Err(format!(
            "instance {shown} is stopped, run `limactl start {name}` to start the instance"
        ));
    }
    if arguments.has("--reconnect") && instance.dir.join("ssh.sock").exists() {
        log::info(&format!("Exiting ssh session for the instance {shown}"));
        if !ssh::control(&instance, &["exit"]) {
            // The socket of a connection that has ended would prevent the next one.
            let _ = std::fs::remove_file(instance.dir.join("ssh.sock"));
        }
    }
    let directory = match arguments.value("--workdir") {
        Some(directory) => format!("cd {} || exit 1", quote::shell(directory)),
        // The current directory is never mounted.
        None => "false".to_owned(),
    };
    let login_shell = arguments.value("--shell").unwrap_or(config.text("/user/shell"));
    let mut script = format!("{directory} ; exec {} -l", quote::shell(login_shell));
    if !command.is_empty() {
        script = format!("{script} -c {}", quote::shell(&words(command)));
    }
    let mut ssh = ssh::ssh(&instance);
    if std::io::stdout().is_terminal() {
        ssh.arg("-t");
    }
    ssh.args(["-o", "LogLevel=ERROR", &instance.hostname(), "--", &script]);
    // ssh replaces this process, so stdin, the streams and the exit code are those of the guest.
    Err(format!("failed to run ssh: {}", ssh.exec()))
}

/// The quoted words of the command. Leading `NAME=value` words stay assignments.
fn words(command: &[String]) -> String {
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let mut assignments = true;
    let quoted: Vec<String> = command
        .iter()
        .map(|word| match word.split_once('=') {
            Some((name, value)) if assignments && is_name(name) => {
                format!("{name}={}", quote::shell(value))
            }
            _ => {
                assignments = false;
                quote::shell(word)
            }
        })
        .collect();
    quoted.join(" ")
}
