//! The scripts that install Sysbox.

use crate::guest::input;
use crate::simulate::guest::packages::SYSBOX;
use crate::simulate::guest::{Caller, Guest};
use crate::simulate::reply::Reply;

/// `VERSION SHA256`, with the sources on standard input. A package from a URL has the expected
/// checksum, because nothing is downloaded here. A package from a path is the file that was copied
/// there.
pub(super) fn fetch_sysbox(guest: &mut Guest, words: &[String], caller: Caller<'_>) -> Reply {
    let ([_, sha256], Some(source)) = (words, input(caller.script())) else {
        return Reply::unknown("guest", "these arguments of fetch-sysbox");
    };
    if source.starts_with("https://") {
        return Reply::done();
    }
    match guest.files.get(&source).map(|file| &file.sha256) {
        None => Reply::failed(1, format!("cp: cannot stat '{source}': No such file or directory")),
        Some(actual) if actual != sha256 => Reply::failed(
            3,
            format!(
                "cai: the SHA-256 of the package from {source} is {actual}, but should be {sha256}"
            ),
        ),
        Some(_) => Reply::done(),
    }
}

/// Whether the package's scripts see a copy of `daemon.json`.
pub(super) fn is_apart(caller: Caller<'_>) -> bool {
    caller.script().contains("mount --bind")
}

/// `VERSION [VERSION_TO_REMOVE]`
pub(super) fn install_sysbox(guest: &mut Guest, words: &[String], caller: Caller<'_>) -> Reply {
    let [version, replaced] = words else {
        return Reply::unknown("guest", "these arguments of install-sysbox");
    };
    let apart = is_apart(caller);
    // On failure, the package's state is reported below.
    let _ = guest.configure_sysbox(apart, caller.now);
    if guest.packages.get(SYSBOX) == Some(replaced) {
        guest.purge_sysbox(apart, caller.now);
    }
    if guest.packages.contains_key(SYSBOX) && guest.half_configured.is_empty() {
        return guest.systemctl_words(&["start", "sysbox.service"], caller);
    }
    guest.install_sysbox(version, apart, caller.now)
}
