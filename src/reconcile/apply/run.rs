//! Runs steps. It makes no decisions.

use std::borrow::Cow;
use std::time::Duration;

use super::{ApplyError, wait};
use crate::host::{CommandSpec, Failure, Host};
use crate::model::address::Address;
use crate::plan::{Step, StepAction};
use crate::reconcile::apply::event::{Event, Listener};

/// Runs one step of a resource, or its rescue commands if it fails. A limit replaces the time limit
/// of its command.
pub(super) fn step(
    host: &dyn Host,
    address: &Address,
    step: &Step,
    limit: Option<Duration>,
    notify: Listener<'_>,
) -> Result<(), ApplyError> {
    let heard = |line: &str| notify(&Event::StepSays(address, line));
    let result = operation(host, &step.operation, limit, &heard);
    if let Err(error) = &result
        && !matches!(error, ApplyError::Interrupted)
    {
        for rescue in &step.rescue {
            // A short time limit applies to the step. The commands that repair its failure keep
            // their own.
            let limit = limit.map(|limit| limit.max(rescue.timeout));
            // Only the first error is reported.
            let _ = host.execute(&limited(rescue, limit), &heard);
        }
    }
    result
}

fn operation(
    host: &dyn Host,
    operation: &StepAction,
    limit: Option<Duration>,
    heard: &dyn Fn(&str),
) -> Result<(), ApplyError> {
    match operation {
        StepAction::Run(command) => {
            host.execute(&limited(command, limit), heard)?;
        }
        StepAction::Try(command) => match host.execute(&limited(command, limit), heard) {
            Err(error) if !matches!(error.failure, Failure::Status(_)) => return Err(error.into()),
            _ => {}
        },
        StepAction::RemoveFile(path) => {
            host.remove_file(path)
                .map_err(|source| ApplyError::Remove { path: path.clone(), source })?;
        }
        StepAction::Unpack(archive) => host.install_archive(archive)?,
        StepAction::WriteFile { path, text, mode } => host
            .write_file(path, text, *mode)
            .map_err(|source| ApplyError::Write { path: path.clone(), source })?,
        StepAction::Await(wait) => wait::ready(host, wait, limit)?,
    }
    Ok(())
}

fn limited(command: &CommandSpec, limit: Option<Duration>) -> Cow<'_, CommandSpec> {
    match limit {
        Some(limit) => Cow::Owned(command.clone().timeout(limit)),
        None => Cow::Borrowed(command),
    }
}
