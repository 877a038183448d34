//! What is wrong with an engine, why, and what mends it: a pure function of what was observed and
//! what is planned about it.
//!
//! It judges from the outside in, each family of findings in a file of its own: the tools of the
//! host, the VM, the guest, the socket on the host, Sysbox, the context, containers that use
//! the socket, and what merely differs from the file. One cause is one finding, and what comes of it
//! stands under it: a dead daemon is not also a silent socket. The words of the docker command on the
//! host are no evidence; the guest is asked (see [`crate::host::Ping`]).

mod bundle;
mod case;
mod client;
mod code;
mod container;
mod context;
mod daemon;
mod drift;
mod finding;
mod guest;
mod host;
mod socket;
mod sysbox;
mod treatment;
mod vm;

pub use bundle::Bundle;
pub use case::Case;
pub use code::Code;
pub use container::Attempt;
pub use finding::{Finding, Repair, Severity};
pub use host::{invalid_file, unobservable, unreadable_file};
pub use treatment::treatment;

use crate::lima::Agent;
use crate::plan::Observation;

/// The name of a VM and a context that another installation of ContainAI would remove.
const CONTESTED: &str = "containai-secure";

/// What is wrong, the worst first, and otherwise from the outside in.
pub fn diagnose(case: &Case<'_>) -> Vec<Finding> {
    let mut findings = host::tools(case);
    let vm = vm::judge(case);
    let is_down = vm.is_some();
    findings.extend(vm);
    if let (Observation::Present(guest), false) = (&case.facts.guest, is_down)
        && case.config.vm.running
    {
        let mut inside = guest::judge(case, guest);
        let socket = socket::judge(case, guest, &mut inside);
        inside.extend(socket);
        inside.extend(sysbox::judge(case, guest));
        inside.extend(guest::left_stopped(case));
        inside.extend(daemon::judge(case, guest, &inside));
        inside.extend(Attempt::without_log_driver(case, guest));
        findings.extend(match case.facts.agent {
            Some(Agent::Starting) if !inside.is_empty() => vec![vm::starting(case, &inside)],
            _ => inside,
        });
    }
    findings.extend(context::judge(case));
    findings.extend(client::judge(case));
    findings.extend(drift::judge(case, &findings));
    for finding in &mut findings {
        treatment::classify(case, finding);
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    findings
}

/// Whether nothing was found but what is only worth knowing.
pub fn is_healthy(findings: &[Finding]) -> bool {
    findings.iter().all(|finding| finding.severity == Severity::Notice)
}
