//! Why Docker in the guest does not work: its installation, dockerd, and the socket.

use crate::guest::{DOCKER_SERVICE, GuestFacts};
use crate::lima::GUEST_SOCKET;
use crate::model::UnixName;
use crate::plan::{Code, Finding};
use crate::resource::Case;

/// The number of log lines that are shown as evidence.
const LOG: usize = 20;

/// Finds the first fault, from the installation to the socket.
pub(in crate::resource) fn diagnose(case: &Case<'_>, guest: &GuestFacts) -> Option<Finding> {
    let is_installed = guest.dockerd_installed;
    let works = || daemon(case, guest).or_else(|| socket_group(case, guest));
    provisioning(case, guest).or_else(|| is_installed.then(works).flatten())
}

fn last(lines: &[String]) -> Vec<String> {
    lines[lines.len().saturating_sub(LOG)..].to_vec()
}

fn unit(guest: &GuestFacts, name: &str) -> String {
    guest.units.get(name).map_or_else(|| "not found".to_owned(), |unit| unit.active.clone())
}

fn provisioning(case: &Case<'_>, guest: &GuestFacts) -> Option<Finding> {
    let why = match (&guest.provision_failed, guest.dockerd_installed) {
        (Some(status), _) => {
            format!("the provisioning script failed at this boot with exit status {status}")
        }
        (None, false) => {
            "dockerd is not installed in the guest, although no script failed".to_owned()
        }
        (None, true) => return None,
    };
    let finding = Finding::new(Code::ProvisionFailed, Case::docker())
        .saw("exit_status", guest.provision_failed.clone())
        .saw("dockerd_installed", guest.dockerd_installed)
        .saw(DOCKER_SERVICE, unit(guest, DOCKER_SERVICE))
        .saw("log", last(&guest.provision_log))
        .because(why)
        .repaired_by(
            [Case::daemon(), Case::docker(), Case::sysbox()]
                .into_iter()
                .chain(case.memberships())
                .chain([case.restart(), case.socket()]),
        )
        .by_hand("cai apply");
    let finding = if guest.daemon_log.is_empty() {
        finding
    } else {
        finding.saw("dockerd_log", last(&guest.daemon_log))
    };
    Some(if guest.dockerd_installed {
        finding
    } else {
        finding.so("Docker and everything that needs it are missing in the guest")
    })
}

fn daemon(case: &Case<'_>, guest: &GuestFacts) -> Option<Finding> {
    let runs = guest.docker_runs();
    let finding = |code| {
        let socket = guest.socket.as_ref();
        let finding = Finding::new(code, Case::docker())
            .saw(DOCKER_SERVICE, unit(guest, DOCKER_SERVICE))
            .saw("docker.socket", unit(guest, "docker.socket"))
            .saw("guest_socket", socket.map_or("missing".to_owned(), ToString::to_string))
            .by_hand("cai apply");
        match &guest.docker_as_root {
            Some(answer) if answer.status != 0 => {
                finding.saw("root_got", answer.text.as_str()).saw("exit_status", answer.status)
            }
            _ => finding,
        }
        .saw("log", last(&guest.daemon_log))
    };
    if !runs {
        let state = unit(guest, DOCKER_SERVICE);
        let down = finding(Code::DockerdDown)
            .because(format!("dockerd is not running in the guest: {DOCKER_SERVICE} is {state}"))
            .repaired_by([Case::daemon(), Case::docker(), case.socket()]);
        return Some(match guest.daemon_json.keys() {
            Ok(_) => down,
            Err(why) => down.saw("daemon_json", why.to_string()),
        });
    }
    if guest.docker_answers() {
        return None;
    }
    // The configuration first: with live-restore, containers keep running.
    let repaired = [Case::daemon(), Case::docker(), case.socket()];
    Some(if guest.socket.is_none() {
        finding(Code::GuestSocketMissing)
            .because(format!("dockerd runs in the guest, but {GUEST_SOCKET} does not exist there"))
            .repaired_by(repaired)
    } else {
        finding(Code::DockerdDown)
            .because("dockerd is running in the guest but does not respond even to root")
            .repaired_by(repaired)
    })
}

fn socket_group(case: &Case<'_>, guest: &GuestFacts) -> Option<Finding> {
    let docker = UnixName::docker();
    let (wanted, socket) = (guest.groups.get(docker.as_str())?, guest.socket.as_ref()?);
    if guest.session_reaches_docker() {
        return None;
    }
    let reason = if socket.group != docker.as_str() {
        format!("{GUEST_SOCKET} in the guest belongs to group {}", socket.group)
    } else if socket.is_closed() {
        format!(
            "{GUEST_SOCKET} in the guest has mode {}, which denies access to its group",
            socket.mode
        )
    } else {
        return None;
    };
    let finding = Finding::new(Code::GuestSocketGroup, Case::docker())
        .saw("guest_socket", socket.to_string())
        .saw("docker_gid", wanted.gid)
        .because(reason)
        .repaired_by([Case::docker(), case.socket()]);
    Some(finding.by_hand("cai apply"))
}
