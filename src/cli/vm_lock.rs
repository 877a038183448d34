//! One command at a time changes a VM.

use std::path::{Path, PathBuf};

use super::Limits;
use super::file::File;
use crate::cli::error::Error;
use crate::host::{Host, Lock, Probe};
use crate::model::digest::sha256;
use crate::reconcile::observe::{lima_home, state_directory};

/// The locks of all VMs of these files, until the answer is dropped. `command` is what others are
/// told.
pub(super) fn lock(
    host: &dyn Host,
    files: &[File],
    command: &str,
    limits: &Limits,
) -> Result<Vec<Lock>, Error> {
    let mut vms: Vec<&str> = files.iter().map(|file| file.config.vm.name.as_str()).collect();
    // Two commands that take the same locks in the same order never wait for each other in a ring.
    vms.sort_unstable();
    let directory = state_directory(host)?.join("locks");
    // An instance belongs to one of Lima's directories.
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

/// The path that all spellings of it have in common: two that led to the same instances by other
/// links would each have a lock of its own. What is not there yet cannot be a link, so it keeps its
/// names.
fn one_spelling(probe: &dyn Probe, path: &Path) -> PathBuf {
    for above in path.ancestors() {
        let (Ok(mut real), Ok(below)) = (probe.canonical(above), path.strip_prefix(above)) else {
            continue;
        };
        // To join nothing would add a slash.
        real.extend(below.components());
        return real;
    }
    path.components().collect()
}
