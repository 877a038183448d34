//! The faults of a client: every code, and whether it is a cause or only drift.

use containai::docker::Environment;
use containai::docker::client::{
    Accounts, Api, ClientCode, ContainerState, ExistingContainer, SocketSeen,
};
use containai::doctor::{Case, diagnose};
use containai::plan::Observation;
use containai::resource::socket_client::{ClientFacts, verdict};

use super::{
    COMPOSE, bent, client, declares, denied, facts, inside, plan, plan_of, planned, seen, written,
};
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![every_code_has_its_evidence, a_read_only_mount_is_a_difference_and_never_the_cause,]
}

fn every_code_has_its_evidence() {
    let other_gid = |seen: &mut ExistingContainer| {
        inside(seen).socket = SocketSeen::Socket { mode: 0o660, uid: 0, gid: 999 };
    };
    let image_gid = |seen: &mut ExistingContainer| {
        seen.accounts = Accounts::parse("mcp:x:1001:1001::/:\n", "docker:x:998:mcp\n");
    };
    let listed = |seen: &mut ExistingContainer| {
        seen.accounts = Accounts::parse("mcp:x:1001:1001::/:\n", "docker:x:2375:mcp\n");
    };
    let restarting = |seen: &mut ExistingContainer| {
        seen.inside = None;
        seen.inspected.state.status = "restarting".into();
        seen.inspected.state.restarts = 7;
        seen.log = vec!["PermissionError(13, 'Permission denied')".into()];
    };
    let exited = |seen: &mut ExistingContainer| {
        seen.inside = None;
        seen.inspected.state =
            ContainerState { status: "exited".into(), exit_code: 3, ..ContainerState::default() };
    };
    let unhealthy =
        |seen: &mut ExistingContainer| seen.inspected.state.health = Some("unhealthy".into());
    let missing = |seen: &mut ExistingContainer| inside(seen).socket = SocketSeen::Missing;
    let silent = |seen: &mut ExistingContainer| inside(seen).api = Api::Silent("curl: (7)".into());
    let readonly = |seen: &mut ExistingContainer| seen.inspected.mounts[0].writable = false;
    // An image without a client: the verdict follows from the measured mode and groups.
    let untested =
        |seen: &mut ExistingContainer| inside(seen).api = Api::Untested("no client".into());
    let host = |seen: &mut ExistingContainer| {
        inside(seen).socket = SocketSeen::NotASocket;
        inside(seen).api = Api::Untested("there is no socket".into());
        let mount = &mut seen.inspected.mounts[0];
        (mount.volume, mount.source) = (None, "/lima/containai-secure/sock".into());
    };
    let cases: [(ExistingContainer, ClientCode, &[&str]); 14] = [
        (bent(seen(), host), ClientCode::HostSocket, &["a socket of this machine", "guest"]),
        (bent(seen(), restarting), ClientCode::Restarting, &["7 times", "PermissionError"]),
        (bent(seen(), exited), ClientCode::ContainerAbsent, &["exit status 3"]),
        (bent(seen(), missing), ClientCode::SocketMissing, &["although dind_sock is mounted"]),
        (bent(denied(), other_gid), ClientCode::GidMismatch, &["group 999", "the file says 2375"]),
        (bent(denied(), image_gid), ClientCode::GidMismatch, &["group 2375", "docker", "998"]),
        (
            bent(denied(), listed),
            ClientCode::SessionStale,
            &["joined group 2375 after the program started", "1001 (mcp)"],
        ),
        (denied(), ClientCode::UserNotInGroup, &["group 2375", "with groups 1001"]),
        (bent(denied(), untested), ClientCode::UserNotInGroup, &["group 2375"]),
        (bent(seen(), silent), ClientCode::ApiDenied, &["no daemon answers", "curl: (7)"]),
        (
            bent(seen(), |seen| inside(seen).api = Api::Denied("EACCES".into())),
            ClientCode::ApiDenied,
            &["permissions allow access", "EACCES"],
        ),
        (
            bent(denied(), |seen| {
                inside(seen).socket = SocketSeen::Socket { mode: 0o600, uid: 0, gid: 2375 };
            }),
            ClientCode::ApiDenied,
            &["mode 600"],
        ),
        (bent(seen(), readonly), ClientCode::MountReadonly, &["answers", "read-only"]),
        (bent(seen(), unhealthy), ClientCode::Unhealthy, &["answers", "unhealthy"]),
    ];
    let config = declares("health = \"container\"\nmode = \"rw\"\ngid = 2375\n");
    let declared = &config.socket_clients[0];
    let mut found = std::collections::BTreeSet::new();
    for (seen, code, words) in cases {
        let verdict = verdict(declared, &client(Observation::Present(seen.clone())));
        assert_eq!(verdict.code, Some(code), "{verdict:?}");
        for word in words {
            assert!(verdict.cause.contains(word), "{word:?} is not in {:?}", verdict.cause);
        }
        assert!(verdict.evidence.iter().any(|(name, _)| *name == "state"), "{verdict:?}");
        let facts = facts(&config, client(Observation::Present(seen.clone())));
        let plan = plan(&config, &facts);
        let environment = &Environment::default();
        let case =
            Case { config: &config, is_declared: true, facts: &facts, environment, plan: &plan };
        let findings: Vec<&str> =
            diagnose(&case).iter().map(|finding| finding.code.name()).collect();
        assert_eq!(findings, [code.code()], "the doctor says the same, and nothing else");
        found.insert(code);
    }
    assert_eq!(found, ClientCode::ALL.into(), "a code has no case");
    let absent = verdict(declared, &client(Observation::Absent));
    assert_eq!(absent.code, Some(ClientCode::ContainerAbsent));
    let sick = ClientFacts {
        health: Some(Err("status 503".into())),
        ..client(Observation::Present(self::seen()))
    };
    let with_url = declares("health = \"http://localhost/health\"\n");
    let verdict = verdict(&with_url.socket_clients[0], &sick);
    assert_eq!(verdict.code, Some(ClientCode::Unhealthy));
    assert!(verdict.cause.contains("status 503"), "{}", verdict.cause);
}

fn a_read_only_mount_is_a_difference_and_never_the_cause() {
    let readonly = |seen: &mut ExistingContainer| seen.inspected.mounts[0].writable = false;
    let rw = &format!("mode = \"rw\"\n{COMPOSE}");
    let config = declares(rw);
    let facts = client(Observation::Present(bent(denied(), readonly)));
    let verdict = verdict(&config.socket_clients[0], &facts);
    assert_eq!(verdict.code, Some(ClientCode::UserNotInGroup));
    assert!(verdict.readonly && !verdict.cause.contains("read-only"), "{verdict:?}");
    // Both are fixed in one step.
    let text = written(&planned(rw, bent(denied(), readonly)));
    assert!(text.contains("sock:/var/run:rw") && text.contains("group_add"), "{text}");
    // The file can declare a read-only mount.
    let lines = format!("mode = \"ro\"\n{COMPOSE}");
    assert!(plan_of(&lines, bent(seen(), readonly)).is_empty());
    let text = written(&planned(&lines, seen()));
    assert!(text.contains("sock:/var/run:ro"), "{text}");
}
