//! The interpreter of steps. It decides nothing.

use super::ApplyError;
use crate::host::{Failure, Host};
use crate::plan::{Operation, Step};

/// Does one step.
pub(super) fn step(host: &dyn Host, step: &Step) -> Result<(), ApplyError> {
    match &step.operation {
        Operation::Run(command) => {
            host.execute(command)?;
        }
        Operation::Try(command) => match host.execute(command) {
            Err(error) if !matches!(error.failure, Failure::Status(_)) => return Err(error.into()),
            _ => {}
        },
        Operation::RemoveFile(path) => {
            host.remove_file(path)
                .map_err(|source| ApplyError::Remove { path: path.clone(), source })?;
        }
    }
    Ok(())
}
