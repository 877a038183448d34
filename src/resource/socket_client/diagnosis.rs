//! Why a container that uses a Docker socket does not reach the daemon.

use super::{title, verdict};
use crate::docker::client::ClientCode;
use crate::model::address::{Address, Kind};
use crate::plan::{Code, Finding, Observation, Reason, Severity};
use crate::resource::Case;

/// What is wrong with the declared clients. If their engine does not answer, its own finding says so.
pub(in crate::resource) fn diagnose(case: &Case<'_>) -> Vec<Finding> {
    let clients = case.config.socket_clients.iter();
    let findings = clients.filter_map(|client| {
        let seen = case.facts.clients.get(&client.name())?;
        if let (Observation::Unobservable(reason @ Reason::EngineSilent(_)), Some(_)) =
            (&seen.container, &case.facts.tools.docker)
        {
            let address = Address::new(Kind::SOCKET_CLIENT, client.name());
            let finding = Finding::new(Code::Unobservable, address).because(reason.to_string());
            return Some(
                finding
                    .so("it is unknown whether the container can reach Docker")
                    .by_hand("fix that, then run `cai doctor` again"),
            );
        }
        let verdict = verdict(client, seen);
        let code = verdict.code?;
        let address = Address::new(Kind::SOCKET_CLIENT, client.name());
        let mut finding = Finding::new(named(code), address.clone()).because(verdict.cause);
        for (name, value) in verdict.evidence {
            finding = finding.saw(name, value);
        }
        Some(match code {
            // The socket is not the cause.
            ClientCode::Unhealthy => finding.severity(Severity::Warning).by_hand(format!(
                "see its log: docker --context {} logs {}",
                client.context.as_ref().unwrap_or(&case.config.context.name),
                title(client, seen)
            )),
            // It works anyway.
            ClientCode::MountReadonly => {
                finding.severity(Severity::Warning).repaired_by([address]).by_hand("see `cai plan`")
            }
            _ => finding.repaired_by([address]).by_hand("see `cai plan`"),
        })
    });
    findings.collect()
}

fn named(code: ClientCode) -> Code {
    match code {
        ClientCode::ContainerAbsent => Code::ClientContainerAbsent,
        ClientCode::Restarting => Code::ClientRestarting,
        ClientCode::HostSocket => Code::ClientHostSocket,
        ClientCode::SocketMissing => Code::ClientSocketMissing,
        ClientCode::MountReadonly => Code::ClientMountReadonly,
        ClientCode::GidMismatch => Code::ClientGidMismatch,
        ClientCode::UserNotInGroup => Code::ClientUserNotInGroup,
        ClientCode::SessionStale => Code::ClientSessionStale,
        ClientCode::ApiDenied => Code::ClientApiDenied,
        ClientCode::Unhealthy => Code::ClientUnhealthy,
    }
}
