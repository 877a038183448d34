//! Starts a temporary container: for `doctor --deep`, and after provisioning changed.

use std::time::Duration;

use super::Terminal;
use super::plan::Planned;
use crate::cli::error::Error;
use crate::doctor::{Attempt, EgressAttempt, Finding};
use crate::host::{CommandError, CommandSpec, Failure, Host};
use crate::model::address::Kind;
use crate::reconcile::apply::{Outcome, Report};
use crate::reconcile::observe::ObserveError;

/// Starts and removes a container, within `limit` if it is given. Returns a finding if it does not
/// start.
///
/// # Errors
/// On an interrupt.
pub(super) fn attempt(
    host: &dyn Host,
    attempt: &Attempt,
    limit: Option<Duration>,
    terminal: &mut Terminal,
) -> Result<Option<Finding>, Error> {
    let command = limited(&attempt.command, limit);
    match host.execute(&command, &|_| {}).and_then(|output| attempt.started(output)) {
        Ok(()) => {
            let runtimes = attempt.runtimes.join(", ");
            terminal.talk(&format!("A container starts with: {runtimes}."));
            Ok(None)
        }
        Err(CommandError { failure: Failure::Interrupted, .. }) => Err(Error::Interrupted),
        Err(error) => Ok(Some(attempt.failed(&error))),
    }
}

/// Tries the egress rules from a container, within `limit` if it is given.
///
/// # Errors
/// On an interrupt, or if the test itself fails.
pub(super) fn connect(
    host: &dyn Host,
    attempt: &EgressAttempt,
    limit: Option<Duration>,
    terminal: &mut Terminal,
) -> Result<Vec<Finding>, Error> {
    let command = limited(&attempt.command, limit);
    match host.execute(&command, &|_| {}).and_then(|output| attempt.judge(output)) {
        Ok((findings, told)) => {
            if findings.is_empty() {
                terminal.talk(&told);
            }
            Ok(findings)
        }
        Err(CommandError { failure: Failure::Interrupted, .. }) => Err(Error::Interrupted),
        Err(error) => Err(ObserveError::from(error).into()),
    }
}

fn limited(command: &CommandSpec, limit: Option<Duration>) -> CommandSpec {
    let command = command.clone();
    match limit {
        Some(limit) => command.timeout(limit),
        None => command,
    }
}

/// The results of the smoke tests.
#[derive(Default)]
pub(super) struct Verified {
    /// One for each engine on which no container starts.
    pub(super) findings: Vec<Finding>,
    /// Whether an interrupt left engines untested.
    pub(super) interrupted: bool,
}

/// Tests the engines whose provisioning an apply changed: dockerd may answer although no container
/// starts.
pub(super) fn verify(
    host: &dyn Host,
    planned: &Planned,
    report: &Report,
    terminal: &mut Terminal,
) -> Verified {
    let changed = |vm: &str| {
        report.results.iter().any(|result| {
            let scope = result.address.scope.as_ref();
            result.address.kind == Kind::PROVISION
                && matches!(result.outcome, Outcome::Applied)
                && scope.is_none_or(|scope| scope.as_str() == vm)
        })
    };
    let engines = planned.files.iter().zip(&planned.facts);
    let engines = engines.filter(|(file, _)| changed(file.config.vm.name.as_str()));
    let tried = engines.filter_map(|(file, facts)| Attempt::new(&file.config, facts));
    let mut verified = Verified::default();
    for tried in tried {
        if host.interrupted() {
            return Verified { interrupted: true, ..verified };
        }
        match attempt(host, &tried, planned.plan.limit, terminal) {
            Ok(finding) => verified.findings.extend(finding),
            Err(_) => return Verified { interrupted: true, ..verified },
        }
    }
    verified
}
