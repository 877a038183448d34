//! Runs commands with limits of time and output.

use std::fs::File;
use std::io;
use std::ops::RangeInclusive;
use std::os::unix::fs::FileExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::time::{Duration, Instant};

use duct::Expression;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::command::Failure;
use super::interrupt::RunningCommand;
use super::tail::Tail;
use super::{CommandError, CommandSpec, ExitStatus, Input, Output};

/// The output limit of each stream of a command in bytes.
pub(super) const OUTPUT_LIMIT: u64 = 8 << 20;
/// How often the output of a running command is checked against the limit: often at first and while
/// it prints much, less often when it is quiet.
const CHECK_EVERY: RangeInclusive<Duration> =
    Duration::from_millis(10)..=Duration::from_millis(200);
/// More output than this between two checks is much, in bytes.
const MUCH: u64 = 64 << 10;
/// The block size of a disk in bytes.
const BLOCK: usize = 4096;
/// The status of a command that an interrupt killed: SIGKILL.
const KILLED: ExitStatus = ExitStatus::Signal(Signal::SIGKILL as i32);
/// Docker's variables, which the tools that `cai` runs must not see: it names every endpoint and
/// context explicitly.
const DOCKER_VARIABLES: [&str; 4] =
    ["DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"];

/// Runs a command and logs it.
pub(super) fn traced(command: &CommandSpec, heard: &dyn Fn(&str)) -> Result<Output, CommandError> {
    tracing::debug!(%command, "running");
    let started = Instant::now();
    let result = run(command, heard)
        .map_err(|failure| CommandError { command: command.clone().into(), failure });
    tracing::debug!(
        %command,
        milliseconds = started.elapsed().as_millis(),
        status = %match &result {
            Ok(output) => output.status.to_string(),
            Err(error) => error.failure.to_string(),
        },
        "finished"
    );
    result
}

/// Runs a command until it ends or exceeds its time limit or its output limit.
///
/// The streams are unlinked files instead of pipes: memory stays bounded, and a grandchild that
/// keeps a stream open (an ssh master, Lima's host agent) cannot block this process.
fn run(command: &CommandSpec, heard: &dyn Fn(&str)) -> Result<Output, Failure> {
    let stdout = tempfile::tempfile().map_err(Failure::NotObserved)?;
    let stderr = tempfile::tempfile().map_err(Failure::NotObserved)?;
    // `limactl edit` leaves a rejected file in its current directory.
    let directory = tempfile::tempdir().map_err(Failure::NotObserved)?;
    let expression = expression(command, directory.path(), [&stdout, &stderr]);
    let expression = expression.map_err(Failure::NotObserved)?;
    let (child, running) = RunningCommand::start(&expression).map_err(Failure::NotStarted)?;
    let deadline = Instant::now() + command.timeout;
    let mut tails = [Tail::default(), Tail::default()];
    let (mut every, mut printed) = (*CHECK_EVERY.start(), 0);
    loop {
        let next = deadline.min(Instant::now() + every);
        let ended = child.wait_deadline(next).map_err(Failure::NotObserved)?;
        let length = length(&stdout).max(length(&stderr));
        if length > OUTPUT_LIMIT {
            end(&child);
            return Err(Failure::TooMuchOutput { limit: OUTPUT_LIMIT });
        }
        let read = |file| read(file).map_err(Failure::NotObserved);
        if let Some(output) = ended {
            let status = match (output.status.code(), output.status.signal()) {
                (Some(code), _) => ExitStatus::Code(code),
                (None, signal) => ExitStatus::Signal(signal.unwrap_or_default()),
            };
            if status == KILLED && running.was_interrupted() {
                return Err(Failure::Interrupted);
            }
            let output = Output { status, stdout: read(&stdout)?, stderr: read(&stderr)? };
            has_room(&stdout, length).map_err(Failure::NotObserved)?;
            return Ok(output);
        }
        if Instant::now() >= deadline {
            end(&child);
            return Err(Failure::TimedOut {
                after: command.timeout,
                stdout: read(&stdout)?,
                stderr: read(&stderr)?,
            });
        }
        let is_much = length.saturating_sub(printed) > MUCH;
        every = if is_much { *CHECK_EVERY.start() } else { (every * 2).min(*CHECK_EVERY.end()) };
        printed = length;
        for (tail, stream) in tails.iter_mut().zip([&stdout, &stderr]) {
            if let Some(line) = tail.newest(stream) {
                heard(&line);
            }
        }
    }
}

/// The process of a command: with only the variables and the input that belong to it.
#[expect(clippy::disallowed_methods, reason = "this is a part of the system host")]
fn expression(
    command: &CommandSpec,
    directory: &Path,
    [stdout, stderr]: [&File; 2],
) -> io::Result<Expression> {
    let mut expression = duct::cmd(&command.program, &command.args)
        .dir(command.directory.as_deref().unwrap_or(directory))
        .stdout_file(stdout.try_clone()?)
        .stderr_file(stderr.try_clone()?)
        .unchecked()
        .before_spawn(|child| {
            // In a separate process group, it can be killed with its children, and Ctrl-C does
            // not reach it.
            child.process_group(0);
            Ok(())
        });
    for name in DOCKER_VARIABLES {
        expression = expression.env_remove(name);
    }
    for (name, value) in &command.variables {
        expression = expression.env(name, value);
    }
    Ok(match &command.stdin {
        Some(Input::Text(text)) => expression.stdin_bytes(text.as_bytes()),
        Some(Input::File(path)) => expression.stdin_path(path),
        None => expression.stdin_null(),
    })
}

/// Fails if the disk is full: the command may have lost output without reporting it.
fn has_room(stream: &File, length: u64) -> io::Result<()> {
    stream.write_all_at(&[0; BLOCK], length.next_multiple_of(BLOCK as u64)).map_err(|error| {
        let place = std::env::temp_dir();
        io::Error::new(
            error.kind(),
            format!("its output did not fit into {}: {error}", place.display()),
        )
    })
}

fn length(stream: &File) -> u64 {
    stream.metadata().map_or(0, |meta| meta.len())
}

fn read(stream: &File) -> io::Result<String> {
    let length = stream.metadata()?.len().min(OUTPUT_LIMIT);
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
    // Read at an offset: the child's writes moved the shared position to the end.
    stream.read_exact_at(&mut bytes, 0)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Kills a command with its process group, and reaps it.
fn end(child: &duct::Handle) {
    for pid in child.pids() {
        if let Ok(group) = i32::try_from(pid) {
            // The command may have ended already.
            let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
        }
    }
    let _ = child.kill();
}
