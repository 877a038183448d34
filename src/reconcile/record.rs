//! Updates the record of a VM during an apply.

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

/// The record during an apply. Other processes see it through the file.
pub(super) struct Keeper<'a> {
    host: &'a dyn Host,
    config: &'a Config,
    record: Mutex<Option<Record>>,
}

impl<'a> Keeper<'a> {
    pub(super) fn new(host: &'a dyn Host, config: &'a Config) -> Self {
        Self { host, config, record: Mutex::new(None) }
    }

    /// The facts with the current record. While a VM is being created, its record is only in memory.
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

    /// Records several outcomes from the same facts.
    pub(super) fn finish_all<'r>(
        &self,
        resources: impl Iterator<Item = &'r dyn Resource>,
        facts: &Facts,
    ) -> Result<(), WriteRecordError> {
        let known = resources.filter_map(|it| Some((it.address(), it.recorded(facts)?)));
        let finish = |record: &mut Record| {
            known.for_each(|(address, it)| record.finish(address, Action::NoOp, &it));
        };
        self.change(facts, finish).map(drop)
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
    let files = configs.iter().zip(facts).enumerate();
    files.into_iter().try_for_each(|(file, (config, facts))| {
        Keeper::new(host, config).finish_all(graph.of_file(file), facts)
    })
}
