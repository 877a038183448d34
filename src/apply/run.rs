//! The interpreter of steps. It decides nothing.

use super::ApplyError;
use crate::host::{Failure, Host};
use crate::plan::{Operation, Step};

/// Does one step, or what is to be done if it fails.
pub(super) fn step(host: &dyn Host, step: &Step) -> Result<(), ApplyError> {
    let result = operation(host, &step.operation);
    if let (Err(_), Some(rescue)) = (&result, &step.rescue) {
        // The first error is the one to tell.
        let _ = host.execute(rescue);
    }
    result
}

fn operation(host: &dyn Host, operation: &Operation) -> Result<(), ApplyError> {
    match operation {
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
        Operation::Unpack(archive) => host.install_archive(archive)?,
    }
    Ok(())
}
