//! Runs `limactl validate` for a change before it is shown or applied.

use crate::host::parallel::each;
use crate::host::{CommandError, CommandSpec, Probe};
use crate::lima::Verdict;
use crate::plan::{Change, Plan, Problem, Reason};

/// Lima's verdict on a YAML.
///
/// # Errors
/// When the command fails without a message in Lima's format.
pub fn ask_lima(probe: &dyn Probe, command: &CommandSpec) -> Result<Verdict, CommandError> {
    let output = probe.query(command)?;
    match Verdict::read(&output) {
        Some(verdict) => Ok(verdict),
        None => output.successful(command).map(|_| Verdict::default()),
    }
}

/// Adds Lima's verdict to a change: a refusal is a problem, a warning is a reason. A change that
/// does not affect the VM's YAML is not checked.
///
/// # Errors
/// As [`ask_lima`].
pub fn judge(probe: &dyn Probe, change: Change) -> Result<Change, CommandError> {
    let Some(command) = &change.judge else { return Ok(change) };
    let verdict = ask_lima(probe, command)?;
    let change = verdict.warnings.into_iter().map(Reason::LimaWarns).fold(change, Change::because);
    Ok(match verdict.refusal {
        Some(refusal) => change.blocked(Problem::LimaRefuses(refusal)),
        None => change,
    })
}

/// Adds Lima's verdict to each change of a plan.
///
/// # Errors
/// As [`ask_lima`].
pub fn judge_all(probe: &dyn Probe, plan: Plan) -> Result<Plan, CommandError> {
    let changes = each(plan.changes, |change| judge(probe, change));
    Ok(Plan { changes: changes.into_iter().collect::<Result<_, _>>()?, ..plan })
}
