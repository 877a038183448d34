//! Findings: faults of an engine, their causes, and the part of the plan that repairs them. A pure function
//! of the facts and the plan. Each kind of resource finds its own faults (see [`crate::resource::diagnose`]);
//! this layer adds plain differences from the file and the repairs.

mod advisory;
mod bundle;
mod container;
mod drift;
mod egress;
mod host;
mod repair;
mod unpinned;

pub use crate::plan::{Code, Finding, Repair, Severity};
pub use crate::resource::Case;
pub use advisory::{AdvisoryLevel, known_advisories, reaches, unknown_advisories};
pub use bundle::Bundle;
pub use container::Attempt;
pub use egress::EgressAttempt;
pub use host::{invalid_file, unobservable, unreadable_file};
pub use repair::repair_plan;
pub use unpinned::{Unpinned, UnpinnedPart, unpinned};

/// Finds the faults: the worst first, otherwise from the outside in.
pub fn diagnose(case: &Case<'_>) -> Vec<Finding> {
    let mut findings = crate::resource::diagnose(case);
    findings.extend(drift::judge(case, &findings));
    for finding in &mut findings {
        repair::classify(case, finding);
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    findings
}

/// Whether there are only notices.
pub fn is_healthy(findings: &[Finding]) -> bool {
    findings.iter().all(|finding| finding.severity == Severity::Notice)
}
