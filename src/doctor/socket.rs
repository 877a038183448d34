//! The forwarded socket on the host, where the guest is well.

use super::{Case, Code, Finding};
use crate::guest::GuestFacts;
use crate::host::Ping;

/// What is wrong with it; where something in the guest is, and a dead socket comes of that, the
/// first finding says so instead.
pub(super) fn judge(
    case: &Case<'_>,
    guest: &GuestFacts,
    inside: &mut [Finding],
) -> Option<Finding> {
    let path = case.facts.docker_socket().display().to_string();
    let Some(ping) = &case.facts.socket else {
        let first = inside.first_mut()?;
        first.consequences.insert(0, format!("nobody can use the engine through {path}"));
        first.observed.insert("host_socket".into(), "not asked: that could start dockerd".into());
        return None;
    };
    let code = match ping {
        Ping::Answered { .. } => return None,
        Ping::Denied => Code::HostSocketPermission,
        Ping::Missing => Code::HostSocketMissing,
        Ping::Refused | Ping::Closed | Ping::Failed(_) => Code::ForwardDead,
    };
    // Only that this user may not connect is known whatever is behind it.
    if let (Some(first), true) = (inside.first_mut(), code != Code::HostSocketPermission) {
        first.consequences.insert(0, format!("the socket on this machine, {path}, is {ping}"));
        first.observed.insert("host_socket".into(), ping.to_string().into());
        return None;
    }
    let finding = Finding::new(code, case.socket())
        .saw("path", path.as_str())
        .saw("host_socket", ping.to_string())
        .saw("ssh_master", case.facts.master)
        .saw("guest", if guest.docker_answers() { "dockerd answers root" } else { "not well" })
        .repaired_by([case.socket()])
        .by_hand("cai apply");
    Some(match code {
        Code::HostSocketPermission => finding.because(format!("you may not open {path}")),
        Code::HostSocketMissing => {
            finding.because(format!("dockerd answers in the guest, and {path} is missing"))
        }
        _ => finding.because(format!("dockerd answers in the guest, and {path} is {ping}")),
    })
}
