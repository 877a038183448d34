//! The lock on a VM: only one command at a time changes it.

use std::path::{Path, PathBuf};

use super::Limits;
use super::file::ConfigFile;
use crate::cli::error::Error;
use crate::host::{Host, Lock, Probe};
use crate::model::digest::sha256;
use crate::reconcile::observe::{lima_home, state_directory};

/// Locks all VMs of these files until the returned locks are dropped. Other processes are told that
/// `command` holds them.
pub(super) fn lock(
    host: &dyn Host,
    files: &[ConfigFile],
    command: &str,
    limits: &Limits,
) -> Result<Vec<Lock>, Error> {
    let mut vms: Vec<&str> = files.iter().map(|file| file.config.vm.name.as_str()).collect();
    // Always in the same order, so that two commands cannot deadlock.
    vms.sort_unstable();
    let directory = state_directory(host)?.join("locks");
    // Each LIMA_HOME has its own instances.
    let place = one_spelling(host, &lima_home(host)?);
    let place = sha256(place.as_os_str().as_encoded_bytes());
    let place = place.get(..8).unwrap_or_default();
    let holder = format!("process {} (`{command}`)", std::process::id());
    let timeout = limits.lock_timeout.unwrap_or_default();
    vms.into_iter()
        .map(|vm| {
            let file = directory.join(format!("{vm}-{place}.lock"));
            host.lock(&file, &holder, timeout)
                .map_err(|why| Error::Locked { vm: vm.to_owned(), why })
        })
        .collect()
}

/// The canonical path. Otherwise two paths to the same directory would give two locks. Components
/// that do not exist yet cannot be links and are kept.
fn one_spelling(probe: &dyn Probe, path: &Path) -> PathBuf {
    for above in path.ancestors() {
        let (Ok(mut real), Ok(below)) = (probe.canonical(above), path.strip_prefix(above)) else {
            continue;
        };
        // `join` with an empty path would add a slash.
        real.extend(below.components());
        return real;
    }
    path.components().collect()
}
