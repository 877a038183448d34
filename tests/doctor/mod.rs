//! `cai doctor`: each code by the evidence for it, each fault of the simulated host by its code, and
//! the command line.

mod advisory;
mod bundle;
mod cases;
mod cli;
mod deep;
mod documents;
mod egress;
mod faults;
mod healthy;
mod table;

use std::collections::BTreeSet;

use containai::doctor::Code;
use libtest_mimic::Trial;

use crate::client;
use crate::support::trials;

pub fn trials() -> Vec<Trial> {
    let own = trials![every_code_has_a_case];
    [
        own,
        advisory::trials(),
        bundle::trials(),
        cases::trials(),
        cli::trials(),
        deep::trials(),
        documents::trials(),
        egress::trials(),
        faults::trials(),
        healthy::trials(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A code without a case would be a word that nobody has seen to be right.
fn every_code_has_a_case() {
    let here = table::CASES.iter().map(|case| case.code).chain(cli::CODES.iter().copied());
    let here = here.chain(faults::CODES.iter().map(|(_, code, _)| *code)).chain(egress::CODES);
    let here = here.chain([advisory::CODE]);
    // Those of containers have real ones.
    let clients = client::codes().filter_map(|code| Code::find(code.code()));
    let tested: BTreeSet<Code> = here.chain(clients).collect();
    let missing: Vec<&str> =
        Code::ALL.iter().filter(|code| !tested.contains(code)).map(|code| code.name()).collect();
    assert!(missing.is_empty(), "no case for {missing:?}");
}
