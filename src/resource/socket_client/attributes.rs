//! What a container is, and what it will be, as a plan shows it.

use serde_json::{Value, json};

use super::need::Need;
use crate::config;
use crate::digest::sha256;
use crate::docker::client::{self, Api, Inside, Seen};
use crate::value::Attributes;

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
    if let Some(process) = inside.process(client::uid(client, seen)) {
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

/// By which two texts of a file can be told apart: half of a SHA-256.
pub(super) fn fingerprint(text: &str) -> String {
    let sum = sha256(text.as_bytes());
    format!("sha256:{}", sum.get(..32).unwrap_or_default())
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
pub(super) fn after(client: &config::SocketClient, seen: Option<&Seen>, need: &Need) -> Attributes {
    let mount = seen.and_then(|seen| seen.inspected.mount_of(&client.socket));
    let volume = match (&client.volume, mount) {
        (Some(volume), _) if need.mount => Some(volume.to_string()),
        (_, Some(mount)) => Some(mount.what().to_owned()),
        (volume, None) => volume.as_ref().map(ToString::to_string),
    };
    let mut attributes = Attributes::default().with("running", true);
    if let Some(volume) = volume {
        let as_it_is = mount.filter(|_| !need.mode && !need.mount);
        let mode = match as_it_is {
            Some(mount) if mount.writable => "rw",
            Some(_) => "ro",
            None => client.mode.as_str(),
        };
        attributes = attributes.with("volume", volume).with("mode", mode);
    }
    let inside: Option<&Inside> = seen.and_then(|seen| seen.inside.as_ref());
    if let Some((seen, process)) =
        seen.zip(inside.and_then(|inside| inside.process(client::uid(client, seen?))))
    {
        if let Some(user) = &client.user {
            attributes = attributes.with("user", user.as_str());
        }
        let uid = client::uid(client, seen);
        let mut groups = process.all_groups();
        if need.group && !groups.contains(&client.gid) {
            groups.push(client.gid);
        }
        attributes =
            attributes.with("uid", uid.unwrap_or(process.uid)).with("groups", json!(groups));
    } else if need.group {
        attributes = attributes.with("groups", json!([client.gid]));
    }
    attributes.with("api", "answers")
}
