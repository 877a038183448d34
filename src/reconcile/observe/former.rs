//! Remains of earlier applies on this machine, according to the record.

use std::collections::BTreeMap;
use std::path::Path;

use super::ObserveError;
use super::files::{context, current_context};
use crate::config::Config;
use crate::host::Probe;
use crate::lima::Disk;
use crate::model::ContextName;
use crate::model::address::{Address, Kind};
use crate::resource::Resource;
use crate::resource::facts::{Former, FormerVm};
use crate::resource::record::Record;

/// Observes the recorded contexts that the file no longer names.
pub(super) fn former(
    probe: &dyn Probe,
    resources: &[Box<dyn Resource>],
    docker_config: &Path,
) -> Result<Former, ObserveError> {
    let mut former = Former::default();
    for name in resources.iter().filter_map(|resource| resource.docker_context()) {
        let metadata = context(probe, name, docker_config)?;
        former.contexts.extend(metadata.map(|metadata| (name.clone(), metadata)));
    }
    if !former.contexts.is_empty() {
        former.current_context = current_context(probe)?;
    }
    Ok(former)
}

/// The other VMs that this file was applied to.
pub(super) fn former_vms(
    config: &Config,
    records: &BTreeMap<String, Record>,
) -> BTreeMap<String, FormerVm> {
    let of_file = |record: &&Record| config.file.is_some() && record.file == config.file;
    let contexts = |record: &Record| {
        let is_own = |it: &Address| it.kind == Kind::CONTEXT && record.owns(it);
        let contexts = record.addresses().filter(is_own);
        let contexts = contexts.filter(|it| it.name().parse::<ContextName>().is_ok());
        let others = contexts.filter(|address| address.name() != config.context.name.as_str());
        others.map(|address| address.name().to_owned()).collect()
    };
    let disk = |record: &Record| {
        let disk = record.addresses().find(|it| it.kind == Kind::DATA_DISK)?;
        // The VM had this name when the disk was made.
        Some(Disk::name_for(&disk.name().parse().ok()?))
    };
    let records = records.iter().filter(|(_, record)| of_file(record));
    let former = |record| FormerVm { contexts: contexts(record), disk: disk(record) };
    records.map(|(name, record)| (name.clone(), former(record))).collect()
}
