//! The state of a container, present and desired.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::need::Need;
use super::{ClientFacts, verdict};
use crate::config::{self, MountMode};
use crate::docker::client::{Api, ExistingContainer, Process, override_path};
use crate::model::value::Known;

/// The state of a container. A field that was not observed, or that the file leaves open, is `None`.
#[derive(Debug, PartialEq, Default, Serialize)]
pub(super) struct State {
    running: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    volume: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uid: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    groups: Option<Vec<u32>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    api: Option<&'static str>,
    /// The text of the override, by its file name. The step has the whole path.
    #[serde(flatten)]
    pub(super) overrides: BTreeMap<String, String>,
    /// A checksum of the rest of Compose's configuration, which is not shown: a change of it is detected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) compose_file: Option<String>,
}

/// The present state.
pub(super) fn actual(client: &config::SocketClient, seen: &ExistingContainer) -> State {
    let mount = seen.inspected.mount_of(&client.socket);
    let state = State {
        running: seen.inspected.state.runs(),
        volume: mount.map(|mount| mount.what().to_owned()),
        mode: mount.map(|mount| if mount.writable { "rw" } else { "ro" }),
        ..State::default()
    };
    let Some(inside) = &seen.inside else { return state };
    let process = inside.process(verdict::uid(client, seen));
    let user = process.filter(|_| client.user.is_some()).map(|process| {
        let account = seen.accounts.by_uid(process.uid);
        account.map_or_else(|| process.uid.to_string(), |it| it.name.clone())
    });
    State {
        user,
        uid: process.map(|process| process.uid),
        groups: process.map(Process::all_groups),
        api: Some(spoken(&inside.api)),
        ..state
    }
}

/// In one word, because the messages of a client differ from time to time.
fn spoken(api: &Api) -> &'static str {
    match api {
        Api::Answers => "answers",
        Api::Denied(_) => "denied",
        Api::Silent(_) => "silent",
        Api::Untested(_) => "not tested",
    }
}

/// The desired state of a container that was not observed: what the file declares, and what is decided
/// once it is observed.
#[derive(Debug, Serialize)]
pub(super) struct Unseen {
    running: bool,
    volume: Known<String>,
    mode: Known<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    uid: Known<u32>,
    groups: Known<()>,
    api: &'static str,
    #[serde(flatten)]
    overrides: BTreeMap<String, Known<()>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    compose_file: Option<Known<()>>,
}

/// The desired state of a container that was not observed.
pub(super) fn unseen(client: &config::SocketClient) -> Unseen {
    fn known<T>(declared: Option<T>) -> Known<T> {
        declared.map_or(Known::Unknown, Known::Known)
    }
    let compose = client.compose().map(|(file, _)| override_path(&file));
    let name = compose.as_deref().and_then(Path::file_name);
    let name = name.map(|name| name.to_string_lossy().into_owned());
    Unseen {
        running: true,
        volume: known(client.volume.as_ref().map(ToString::to_string)),
        mode: known(client.mode.map(MountMode::as_str)),
        user: client.user.as_ref().map(ToString::to_string),
        uid: known(client.uid),
        groups: Known::Unknown,
        api: "answers",
        overrides: name.into_iter().map(|name| (name, Known::Unknown)).collect(),
        compose_file: compose.map(|_| Known::Unknown),
    }
}

/// The desired state.
pub(super) fn desired(client: &config::SocketClient, facts: &ClientFacts, need: &Need) -> State {
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
    let mode = volume.is_some().then(|| {
        let writable = mount.map(|mount| mount.writable);
        let writable = writable.or(described.map(|mount| mount.writable));
        match (client.mode, writable.filter(|_| !need.mount)) {
            (Some(mode), _) => mode,
            (None, Some(false)) => MountMode::Ro,
            (None, _) => MountMode::Rw,
        }
    });
    let program = seen.and_then(|seen| {
        let uid = verdict::uid(client, seen);
        let process = seen.inside.as_ref()?.process(uid)?;
        Some((uid.unwrap_or(process.uid), process.all_groups()))
    });
    let shows_user = program.is_some() || need.user.is_some();
    let user = client.user.as_ref().filter(|_| shows_user);
    let (uid, mut groups) = match program {
        Some((uid, groups)) => (Some(uid), groups),
        None => (client.uid.filter(|_| shows_user), Vec::new()),
    };
    if need.group && !groups.contains(&gid) {
        groups.push(gid);
    }
    State {
        running: true,
        volume,
        mode: mode.map(MountMode::as_str),
        user: user.map(ToString::to_string),
        uid,
        groups: (!groups.is_empty()).then_some(groups),
        api: Some("answers"),
        ..State::default()
    }
}
