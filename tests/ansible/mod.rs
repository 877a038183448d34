//! The Ansible collection in `examples/ansible`, run by a real ansible-core: fleets of hosts behind real sshd
//! on loopback ports, each with its own simulated engine.
//!
//! The suite runs if `CAI_TEST_ANSIBLE` names the directory with `ansible-playbook`. Otherwise it is reported
//! as ignored.

mod collection;
mod control;
mod day;
mod fleet;
mod module;
mod playbooks;
mod sshd;
mod summary;
mod team;

use std::path::PathBuf;

use libtest_mimic::Trial;

/// All trials of the suite.
pub fn trials() -> Vec<Trial> {
    let enabled = programs().is_some();
    let all = [
        collection::trials(),
        day::trials(),
        module::trials(),
        playbooks::trials(),
        summary::trials(),
    ];
    all.into_iter().flatten().map(|trial| trial.with_ignored_flag(!enabled)).collect()
}

/// The directory with the programs of ansible-core.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("CAI_TEST_ANSIBLE").filter(|path| !path.is_empty())?;
    Some(path.into())
}
