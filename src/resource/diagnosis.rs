//! Diagnoses an engine kind by kind, from the outside in.

use super::facts::Facts;
use super::{
    Case, context, egress, group_membership, lima_install, provision, restart, socket,
    socket_client, trust, vm,
};
use crate::guest::GuestFacts;
use crate::lima::Agent;
use crate::plan::{Finding, Observation};

/// Finds the faults. Each cause is one finding, with its consequences: if dockerd is down, its silent socket
/// is not another finding. The docker command's messages on the host prove nothing, so the guest is asked
/// (see [`crate::host::Ping`]).
pub fn diagnose(case: &Case<'_>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = lima_install::diagnosis::diagnose(case)
        .chain(context::diagnosis::command(case))
        .chain(vm::diagnosis::socket_path(case))
        .collect();
    let vm = vm::diagnosis::diagnose(case);
    let is_down = vm.is_some() || !case.config.vm.running;
    findings.extend(vm);
    let Facts { guest, agent, .. } = case.facts;
    if let (Observation::Present(guest), false) = (guest, is_down) {
        let inside = in_guest(case, guest);
        findings.extend(match agent {
            Some(Agent::Starting) if !inside.is_empty() => {
                vec![vm::diagnosis::starting(case, &inside)]
            }
            _ => inside,
        });
    }
    findings.extend(context::diagnosis::diagnose(case));
    findings.extend(socket_client::diagnosis::diagnose(case));
    findings
}

/// Finds the faults in the guest. Memberships do not depend on dockerd.
fn in_guest(case: &Case<'_>, guest: &GuestFacts) -> Vec<Finding> {
    let mut findings: Vec<Finding> =
        provision::docker_diagnosis::diagnose(case, guest).into_iter().collect();
    if guest.dockerd_installed {
        let membership = group_membership::diagnosis::diagnose(case, guest);
        findings.extend(membership.or_else(|| restart::diagnosis::session(case, guest)));
    }
    let socket = socket::diagnose(case, guest, &mut findings);
    findings.extend(socket);
    findings.extend(egress::diagnose(case, guest));
    findings.extend(trust::diagnose(case));
    findings.extend(provision::sysbox_diagnosis::diagnose(case, guest));
    findings.extend(restart::diagnosis::left_stopped(case));
    let drift = provision::daemon_diagnosis::drift(case, guest, &findings);
    findings.extend(drift);
    findings.extend(provision::daemon_diagnosis::log_driver(case, guest));
    findings
}
