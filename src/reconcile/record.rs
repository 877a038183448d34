//! Keeps the record of one VM while its file is applied.

use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use crate::config::Config;
use crate::host::Host;
use crate::plan::Action;
use crate::reconcile::graph::Graph;
use crate::resource::Resource;
use crate::resource::facts::Facts;
use crate::resource::record::Record;

/// The record could not be written.
#[derive(Debug, thiserror::Error)]
#[error("{} could not be written", path.display())]
pub struct WriteRecordError {
    /// Its path.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

/// The record while it changes. Others see it through the file.
pub(super) struct Keeper<'a> {
    host: &'a dyn Host,
    config: &'a Config,
    record: Mutex<Option<Record>>,
}

impl<'a> Keeper<'a> {
    pub(super) fn new(host: &'a dyn Host, config: &'a Config) -> Self {
        Self { host, config, record: Mutex::new(None) }
    }

    /// The facts with the current record. A VM that is being created has no file for it yet.
    pub(super) fn seen(&self, facts: Facts) -> Facts {
        let own = self.record.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Facts { record: own.or(facts.record), ..facts }
    }

    /// Records the intent before the steps of a resource run.
    pub(super) fn begin(
        &self,
        resource: &dyn Resource,
        action: Action,
        facts: &Facts,
    ) -> Result<(), WriteRecordError> {
        let Some(recorded) = resource.recorded(facts) else { return Ok(()) };
        self.change(facts, |record| record.begin(resource.address(), action, &recorded)).map(drop)
    }

    /// Records the outcome. Returns the record if it changed.
    pub(super) fn finish(
        &self,
        resource: &dyn Resource,
        action: Action,
        facts: &Facts,
    ) -> Result<Option<Record>, WriteRecordError> {
        let Some(recorded) = resource.recorded(facts) else { return Ok(None) };
        self.change(facts, |record| record.finish(resource.address(), action, &recorded))
    }

    fn change(
        &self,
        facts: &Facts,
        change: impl FnOnce(&mut Record),
    ) -> Result<Option<Record>, WriteRecordError> {
        if self.config.ignores_record {
            return Ok(None);
        }
        let mut own = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        let before = own.clone().or_else(|| facts.record.clone());
        let mut record = before.clone().unwrap_or_default();
        if self.config.file.is_some() {
            record.file.clone_from(&self.config.file);
        }
        change(&mut record);
        if before.as_ref() == Some(&record) {
            return Ok(None);
        }
        // Lima refuses to create an instance whose directory exists.
        if facts.vm.present().is_some() {
            let path = Record::path(&facts.directory);
            self.host
                .write_file(&path, &record.text(), 0o600)
                .map_err(|source| WriteRecordError { path, source })?;
        }
        *own = Some(record.clone());
        Ok(Some(record))
    }
}

/// Records the resources of files that need no change. A later plan then knows the former declarations.
///
/// # Errors
/// When a record cannot be written.
pub fn adopt(
    host: &dyn Host,
    configs: &[&Config],
    graph: &Graph,
    facts: &[Facts],
) -> Result<(), WriteRecordError> {
    let keepers: Vec<_> = configs.iter().map(|config| Keeper::new(host, config)).collect();
    for node in graph.ordered() {
        if let (Some(keeper), Some(facts)) = (keepers.get(node.file), facts.get(node.file)) {
            keeper.finish(node.resource.as_ref(), Action::NoOp, facts)?;
        }
    }
    Ok(())
}
