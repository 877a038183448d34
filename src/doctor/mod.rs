//! What is wrong with an engine, why, and what repairs it: a pure function of the observed facts and of
//! the plan. Each kind of resource says what is wrong with it (see [`crate::resource::diagnose`]); what merely
//! differs from the file is added here, with the part of the plan that repairs each finding.

mod bundle;
mod container;
mod drift;
mod host;
mod treatment;

pub use crate::plan::{Code, Finding, Repair, Severity};
pub use crate::resource::Case;
pub use bundle::Bundle;
pub use container::Attempt;
pub use host::{invalid_file, unobservable, unreadable_file};
pub use treatment::treatment;

/// What is wrong: the worst first, otherwise from the outside in.
pub fn diagnose(case: &Case<'_>) -> Vec<Finding> {
    let mut findings = crate::resource::diagnose(case);
    findings.extend(drift::judge(case, &findings));
    for finding in &mut findings {
        treatment::classify(case, finding);
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    findings
}

/// Whether there are only notices.
pub fn is_healthy(findings: &[Finding]) -> bool {
    findings.iter().all(|finding| finding.severity == Severity::Notice)
}
