//! What a container is, and what it will be, as a plan shows it.

use serde_json::{Value, json};

use super::need::Need;
use super::{ClientFacts, verdict};
use crate::config::{self, MountMode};
use crate::docker::client::{Api, Seen};
use crate::model::value::Attributes;

/// What a container is.
pub(super) fn attributes(client: &config::SocketClient, seen: &Seen) -> Attributes {
    let state = &seen.inspected.state;
    let mut attributes = Attributes::default().with("running", state.runs());
    if let Some(mount) = seen.inspected.mount_of(&client.socket) {
        attributes = attributes
            .with("volume", mount.what())
            .with("mode", if mount.writable { "rw" } else { "ro" });
    }
    let Some(inside) = &seen.inside else { return attributes };
    if let Some(process) = inside.process(verdict::uid(client, seen)) {
        if client.user.is_some() {
            let account = seen.accounts.by_uid(process.uid);
            let name = account.map_or_else(|| process.uid.to_string(), |it| it.name.clone());
            attributes = attributes.with("user", name);
        }
        attributes =
            attributes.with("uid", process.uid).with("groups", json!(process.all_groups()));
    }
    attributes.with("api", spoken(&inside.api))
}

/// In one word where there is one: the words of a client differ from time to time.
fn spoken(api: &Api) -> Value {
    match api {
        Api::Answers => "answers".into(),
        Api::Denied(_) => "denied".into(),
        Api::Silent(_) => "silent".into(),
        Api::Untested(_) => "not tested".into(),
    }
}

/// What it will be.
pub(super) fn after(client: &config::SocketClient, facts: &ClientFacts, need: &Need) -> Attributes {
    let seen = facts.container.present();
    let described = facts.compose.as_ref().and_then(|compose| compose.service.as_ref().ok());
    let described = described.and_then(|service| service.mount_of(&client.socket));
    let gid = verdict::gid(client, facts);
    let mount = seen.and_then(|seen| seen.inspected.mount_of(&client.socket));
    let volume = match (&client.volume, mount) {
        (Some(volume), _) if need.mount => Some(volume.to_string()),
        (_, Some(mount)) => Some(mount.what().to_owned()),
        (Some(volume), None) => Some(volume.to_string()),
        (None, None) => described.map(|mount| mount.source.clone()),
    };
    let mut attributes = Attributes::default().with("running", true);
    if let Some(volume) = volume {
        let writable = mount.map(|mount| mount.writable);
        let writable = writable.or(described.map(|mount| mount.writable));
        let mode = match (client.mode, writable.filter(|_| !need.mount)) {
            (Some(mode), _) => mode,
            (None, Some(false)) => MountMode::Ro,
            (None, _) => MountMode::Rw,
        };
        attributes = attributes.with("volume", volume).with("mode", mode.as_str());
    }
    let program = seen.and_then(|seen| {
        let uid = verdict::uid(client, seen);
        let process = seen.inside.as_ref()?.process(uid)?;
        Some((uid.unwrap_or(process.uid), process.all_groups()))
    });
    let shows_user = program.is_some() || need.user.is_some();
    if let Some(user) = client.user.as_ref().filter(|_| shows_user) {
        attributes = attributes.with("user", user.as_str());
    }
    let (uid, mut groups) = match program {
        Some((uid, groups)) => (Some(uid), groups),
        None => (client.uid.filter(|_| shows_user), Vec::new()),
    };
    if let Some(uid) = uid {
        attributes = attributes.with("uid", uid);
    }
    if need.group && !groups.contains(&gid) {
        groups.push(gid);
    }
    if !groups.is_empty() {
        attributes = attributes.with("groups", json!(groups));
    }
    attributes.with("api", "answers")
}
