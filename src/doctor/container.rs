//! Whether containers start, which only starting one shows.

use super::{Case, Code, Finding};
use crate::config::Config;
use crate::facts::Facts;
use crate::guest::{GuestFacts, Operation};
use crate::host::{CommandError, CommandSpec};
use crate::lima::Ssh;

const SYSBOX: &str = "sysbox-runc";

/// A throw-away container with each runtime that should work.
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

    /// For an engine that was looked at, if it could be tried: dockerd has to answer. Without a file,
    /// Sysbox is wanted where it is known.
    pub fn on(case: &Case<'_>) -> Option<Self> {
        let guest = case.facts.guest.present().filter(|guest| guest.docker_answers())?;
        let is_known = |guest: &GuestFacts| guest.runtimes.iter().any(|name| name == SYSBOX);
        let sysbox = if case.is_declared { case.config.sysbox.enabled } else { is_known(guest) };
        Self::of(case.config, case.facts, sysbox)
    }

    fn of(config: &Config, facts: &Facts, sysbox: bool) -> Option<Self> {
        let ssh = Ssh::new(facts.tools.ssh.clone()?, &facts.directory, &config.vm.name);
        let runtimes = if sysbox { vec!["runc", SYSBOX] } else { vec!["runc"] };
        let command = Operation::TryContainer(&runtimes).command(&ssh);
        Some(Self { runtimes, command })
    }

    /// The finding of an attempt that failed, with the daemon's own words.
    pub fn failed(&self, error: &CommandError) -> Finding {
        let (stdout, stderr) = error.streams().unwrap_or_default();
        let words: Vec<&str> =
            stderr.lines().chain(stdout.lines()).filter(|line| !line.trim().is_empty()).collect();
        let first = words.first().copied().unwrap_or("no words");
        Finding::new(Code::ContainerStartFailed, Case::docker())
            .saw("runtimes", self.runtimes.clone())
            .saw("ended", error.failure.to_string())
            .saw("log", words.clone())
            .because(format!("dockerd answers, and a container did not start: {first}"))
            .so("no image can be run, though `docker info` is healthy")
            .by_hand("mend what the daemon says in the guest, then run `cai doctor --deep` again")
    }
}
