//! The service of `cai watch`.

use std::path::PathBuf;

use crate::host::Probe;
use crate::model::VmName;
use crate::resource::WatchService;

/// The service of a VM, whether it exists or not. `None` without the program that manages
/// services.
pub fn watch_service(probe: &dyn Probe, vm: &VmName) -> Option<WatchService> {
    let os = probe.platform().os;
    let manager = probe.find_program(WatchService::manager(os))?;
    let home = probe.env("HOME").map(PathBuf::from).unwrap_or_default();
    let config = probe.env("XDG_CONFIG_HOME").map(PathBuf::from);
    Some(WatchService::of(vm, os, &home, config, manager))
}

/// The service of a VM, if it is installed.
pub fn installed_watch_service(probe: &dyn Probe, vm: &VmName) -> Option<WatchService> {
    watch_service(probe, vm).filter(|service| probe.canonical(&service.path).is_ok())
}
