//! Whether containers start: only starting one shows that.

use std::borrow::Cow;

use crate::config::Config;
use crate::guest::{GuestFacts, Operation};
use crate::host::{CommandError, CommandSpec, Failure, Output};
use crate::lima::Ssh;
use crate::model::daemon_key::SYSBOX_RUNTIME;
use crate::model::shortened;
use crate::plan::{Code, Finding};
use crate::resource::Case;
use crate::resource::facts::Facts;

/// How much output is shown as evidence: lines, and characters of each line.
const LINES: usize = 20;
const LINE: usize = 500;

/// A throw-away container with each declared runtime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The runtimes.
    pub runtimes: Vec<&'static str>,
    /// What starts and removes them.
    pub command: CommandSpec,
}

impl Attempt {
    /// For the engine that a file declares; `None` without an ssh to reach it.
    pub fn new(config: &Config, facts: &Facts) -> Option<Self> {
        Self::of(config, facts, config.sysbox.enabled)
    }

    /// For an observed engine, if dockerd answers. Without a file, Sysbox is tried if dockerd knows it.
    pub fn on(case: &Case<'_>) -> Option<Self> {
        let guest = case.facts.guest.present().filter(|guest| guest.docker_answers())?;
        let is_known =
            |guest: &GuestFacts| guest.runtimes.iter().any(|name| name == SYSBOX_RUNTIME);
        let sysbox = if case.is_declared { case.config.sysbox.enabled } else { is_known(guest) };
        Self::of(case.config, case.facts, sysbox)
    }

    fn of(config: &Config, facts: &Facts, sysbox: bool) -> Option<Self> {
        let ssh = Ssh::new(facts.tools.ssh.clone()?, &facts.directory, &config.vm.name);
        let runtimes = if sysbox { vec!["runc", SYSBOX_RUNTIME] } else { vec!["runc"] };
        let command = Operation::TryContainer(&runtimes).command(&ssh);
        Some(Self { runtimes, command })
    }

    /// Checks that they started. The script prints each runtime: an exit status of 0 alone proves nothing.
    ///
    /// # Errors
    /// When the output does not name each runtime.
    pub fn started(&self, output: Output) -> Result<(), CommandError> {
        let is_named = |runtime: &&str| output.stdout.lines().any(|line| line == *runtime);
        if self.runtimes.iter().all(is_named) {
            return Ok(());
        }
        let why = "expected a line for each runtime that starts a container";
        Err(CommandError::unreadable(&self.command, output, why))
    }

    /// The finding about a failed attempt, with dockerd's message.
    pub fn failed(&self, error: &CommandError) -> Finding {
        let (stdout, stderr) = error.streams().unwrap_or_default();
        let lines = stderr.lines().chain(stdout.lines()).filter(|line| !line.trim().is_empty());
        let words: Vec<_> = lines.map(|line| shortened(line, LINE)).take(LINES).collect();
        let finding = self.finding(error, &words);
        match (words.first(), &error.failure) {
            (Some(first), Failure::Status(_)) => finding
                .because(format!("dockerd answers, but a container did not start: {first}"))
                .so("no container can start, although `docker info` succeeds")
                .by_hand(
                    "fix what dockerd reports in the guest, then run `cai doctor --deep` again",
                ),
            _ => finding
                .because(format!("dockerd answers, but the container test failed: {error}"))
                .so("it is unknown whether containers can start")
                .by_hand(
                    "fix what keeps the command from running, then run `cai doctor --deep` again",
                ),
        }
    }

    fn finding(&self, error: &CommandError, words: &[Cow<'_, str>]) -> Finding {
        Finding::new(Code::ContainerStartFailed, Case::docker())
            .saw("runtimes", self.runtimes.clone())
            .saw("command", error.command.to_string())
            .saw("ended", error.failure.to_string())
            .saw("log", words)
    }
}
