//! One command at a time changes a VM.

use super::Limits;
use super::file::File;
use crate::digest::sha256;
use crate::error::Error;
use crate::host::{Host, Lock};
use crate::observe::{lima_home, state_directory};

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
    let place = sha256(lima_home(host)?.as_os_str().as_encoded_bytes());
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
