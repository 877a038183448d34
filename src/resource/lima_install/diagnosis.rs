//! Why the VM cannot be reached from this machine: Lima or ssh is missing.

use crate::plan::{Code, Finding};
use crate::resource::{Case, LimaInstall};

/// Finds the missing tools.
pub(in crate::resource) fn diagnose(case: &Case<'_>) -> impl Iterator<Item = Finding> {
    lima(case).into_iter().chain(ssh(case))
}

fn lima(case: &Case<'_>) -> Option<Finding> {
    let facts = case.facts;
    let required = &case.config.lima.version;
    let finding = match &facts.tools.limactl {
        None => Finding::new(Code::LimaMissing, Case::lima())
            .because("limactl is neither on PATH nor where cai installs it")
            .so("the state of the VM is unknown"),
        Some((path, version)) if !required.matches(version) => {
            Finding::new(Code::LimaTooOld, Case::lima())
                .saw("limactl", path.display().to_string())
                .saw("version", version.to_string())
                .because(format!("limactl is {version}, but {} requires {required}", case.file()))
        }
        Some(_) => return None,
    };
    let finding = finding.saw("required", required.to_string()).repaired_by_all();
    let remedy = LimaInstall::by_hand(&case.config.lima, facts);
    Some(finding.by_hand(remedy.unwrap_or_else(|problem| problem.hint())))
}

fn ssh(case: &Case<'_>) -> Option<Finding> {
    if case.facts.tools.ssh.is_some() {
        return None;
    }
    let finding = Finding::new(Code::SshMissing, Case::lima());
    Some(
        finding
            .because("ssh is not on PATH")
            .so("neither Lima nor cai can reach the guest")
            .by_hand("install the OpenSSH client"),
    )
}
