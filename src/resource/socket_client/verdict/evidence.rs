//! The measurements that support a verdict, as text.

use super::{groups, uid};
use crate::config::SocketClient;
use crate::docker::client::{Api, ExistingContainer, SocketSeen};

/// A measurement: its name and its result.
pub type Evidence = (&'static str, String);

pub(super) fn evidence(client: &SocketClient, seen: &ExistingContainer) -> Vec<Evidence> {
    let state = &seen.inspected.state;
    let mut evidence = vec![("state", state.status.clone())];
    if let Some(health) = &state.health {
        evidence.push(("health", health.clone()));
    }
    if let Some(mount) = seen.inspected.mount_of(&client.socket) {
        let mode = if mount.writable { "rw" } else { "ro" };
        evidence.push(("mount", format!("{}:{}:{mode}", mount.what(), mount.destination)));
    }
    if let Some(inside) = &seen.inside {
        let socket = match inside.socket {
            SocketSeen::Missing => "missing".to_owned(),
            SocketSeen::NotASocket => "not a socket".to_owned(),
            SocketSeen::Socket { mode, uid, gid } => {
                format!("mode {mode:o}, owner {uid}, group {gid}")
            }
            SocketSeen::Unknown => "unknown: the image has neither stat nor ls".to_owned(),
        };
        evidence.push(("socket", socket));
        if let Some(process) = inside.process(uid(client, seen)) {
            evidence.push(("uid", process.uid.to_string()));
            evidence.push(("groups", groups(process)));
        }
        evidence.push(("api", api(&inside.api)));
    }
    evidence.extend(seen.log.iter().map(|line| ("log", line.clone())));
    evidence
}

/// The result of the API request, as text.
fn api(api: &Api) -> String {
    match api {
        Api::Answers => "answers".to_owned(),
        Api::Denied(words) => format!("denied ({words})"),
        Api::Silent(words) => format!("no daemon answers ({words})"),
        Api::Untested(why) => format!("not tested: {why}"),
    }
}
