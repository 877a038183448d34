//! The remediation of a container: its Compose service and an override next to the compose file.

use std::path::{Path, PathBuf};

use super::need::Need;
use super::state::State;
use super::{ClientFacts, ComposeFacts, verdict};
use crate::config::{MountMode, SocketClient};
use crate::docker::client::{
    self, ComposeProject, ComposeService, ExistingContainer, MountSeen, Override, override_path,
};
use crate::model::{ServiceName, VolumeSource};
use crate::plan::ClientProblem;

/// A Compose service and its override.
#[derive(Debug)]
pub(super) struct Remedy<'a> {
    pub(super) project: &'a ComposeProject,
    pub(super) described: &'a ComposeService,
    pub(super) file: PathBuf,
    pub(super) service: &'a ServiceName,
    /// Whether an override written by `cai` already exists.
    pub(super) written: bool,
    /// The present text of the override.
    pub(super) before: Option<&'a str>,
    /// The new text of the override, if it changes.
    pub(super) text: Option<String>,
}

impl Remedy<'_> {
    /// Adds this text of the override to a state, if the override changes, and a checksum of the rest.
    pub(super) fn shown(&self, mut state: State, text: Option<&str>) -> State {
        let path = override_path(&self.file);
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = text.filter(|_| self.text.is_some()).map(|text| (name, text.to_owned()));
        state.overrides.extend(text);
        state.compose_file = Some(self.described.fingerprint.clone());
        state
    }
}

/// The service and the override that meet these needs.
pub(super) fn remedy<'a>(
    client: &'a SocketClient,
    facts: &'a ClientFacts,
    need: &Need,
) -> Result<Remedy<'a>, ClientProblem> {
    let container = || verdict::title(client, facts).to_owned();
    let seen = facts.container.present();
    let (Some((file, service)), Some(compose)) = (client.compose(), &facts.compose) else {
        let options = options(client, facts, need);
        return Err(ClientProblem::NoCompose { container: container(), options });
    };
    let (project, described) = usable(&file, compose)?;
    if let Some(seen) = seen {
        let by = match &seen.inspected.compose {
            Some(labels) if labels.service == service.as_str() => None,
            Some(labels) => Some(format!("as the service {}", labels.service)),
            None => Some("without Compose".to_owned()),
        };
        if let Some(by) = by {
            let service = service.to_string();
            return Err(ClientProblem::OtherMaker { container: container(), by, service });
        }
    }
    let own = override_path(&file);
    let needed = overriding(client, facts, need, described, project);
    let present = compose.override_text.as_deref();
    let written = present.is_some_and(|text| text.starts_with(client::MARK));
    let text = if needed.is_needed(present.filter(|_| written), service) {
        let text = needed.text(present, service).map_err(|why| ClientProblem::ComposeFile {
            path: own.clone(),
            why: why.to_string(),
        })?;
        Some(text).filter(|text| Some(text.as_str()) != present)
    } else {
        None
    };
    Ok(Remedy { project, described, file, service, written, before: present, text })
}

/// The project and the service of a compose file, if both can be used.
fn usable<'a>(
    path: &Path,
    compose: &'a ComposeFacts,
) -> Result<(&'a ComposeProject, &'a ComposeService), ClientProblem> {
    let project = compose.project.as_ref().ok_or(ClientProblem::ComposeMissing)?;
    let wrong = |why: &client::ComposeError| ClientProblem::ComposeFile {
        path: path.to_owned(),
        why: why.to_string(),
    };
    Ok((project, compose.service.as_ref().map_err(wrong)?))
}

/// The problem that prevents creating a container that was not observed or that something will stop.
pub(super) fn obstacle(client: &SocketClient, facts: &ClientFacts) -> Option<ClientProblem> {
    let ((file, _), compose) = (client.compose()?, facts.compose.as_ref()?);
    usable(&file, compose).err()
}

/// The settings of the override.
fn overriding(
    client: &SocketClient,
    facts: &ClientFacts,
    need: &Need,
    service: &ComposeService,
    project: &ComposeProject,
) -> Override {
    let seen = facts.container.present();
    let mut needed = Override { user: need.user.clone(), ..Override::default() };
    if need.group {
        let own = verdict::gid(client, facts).to_string();
        let is_new = !service.groups.contains(&own);
        if is_new && project.program.replaces_groups() {
            needed.groups.clone_from(&service.groups);
        }
        needed.groups.extend(is_new.then_some(own));
    }
    if !project.program.replaces_groups() {
        needed.inherited.clone_from(&service.groups);
    }
    if need.mode || need.mount {
        let mount = seen.and_then(|seen| seen.inspected.mount_of(&client.socket));
        let described = service.mount_of(&client.socket);
        let target = described.map(|mount| &mount.target);
        let target = target.or(mount.map(|mount| &mount.destination));
        let own = target_of(client);
        // A socket is mounted at its own path, wherever its directory was mounted before.
        let target = target.filter(|_| !(need.mount && own == client.socket));
        let target = target.map_or(own, Clone::clone);
        let written = described.filter(|_| !need.mount).map(|mount| mount.source.clone());
        let (source, is_declared) = match (written, seen.zip(mount).filter(|_| !need.mount)) {
            (Some(source), _) => (Some(source), true),
            // A volume that Compose created for the project is declared, even if no service mounts
            // it.
            (None, Some((seen, mount))) => {
                let source = mounted(seen, mount);
                let is_declared = mount.volume.as_ref() != Some(&source);
                (Some(source), is_declared)
            }
            (None, None) => {
                let volume = client.volume.as_ref();
                (volume.map(ToString::to_string), volume.is_some_and(VolumeSource::is_path))
            }
        };
        let is_declared = |it: &String| is_declared || service.volumes.contains_key(it);
        needed.external = source.clone().filter(|it| !is_declared(it));
        let as_it_is = described.filter(|_| !need.mount).map(|mount| mount.writable);
        let mode = client.mode.unwrap_or(match as_it_is {
            Some(false) => MountMode::Ro,
            _ => MountMode::Rw,
        });
        needed.volume = source.map(|source| format!("{source}:{target}:{}", mode.as_str()));
    }
    needed
}

/// The source of a mount as a compose file writes it: a volume without the project's prefix.
fn mounted(seen: &ExistingContainer, mount: &MountSeen) -> String {
    let project = seen.inspected.compose.as_ref().map(|labels| format!("{}_", labels.project));
    let short = project.and_then(|project| mount.volume.as_deref()?.strip_prefix(&project));
    short.unwrap_or(mount.what()).to_owned()
}

/// The mount point for the declared volume: the socket's directory, or the socket itself if the path
/// names it.
fn target_of(client: &SocketClient) -> String {
    let socket = Path::new(&client.socket);
    let is_itself = client
        .volume
        .as_ref()
        .is_some_and(|it| it.is_path() && Path::new(it.as_str()).file_name() == socket.file_name());
    let target = if is_itself { Some(socket) } else { socket.parent() };
    target.unwrap_or(socket).to_string_lossy().into_owned()
}

/// The options of `docker run` that must change.
fn options(client: &SocketClient, facts: &ClientFacts, need: &Need) -> Vec<String> {
    let seen = facts.container.present();
    let mount = seen.and_then(|seen| seen.inspected.mount_of(&client.socket));
    let mut options = Vec::new();
    if need.mode || need.mount || seen.is_none() {
        let declared = client.volume.as_ref().map(ToString::to_string);
        let source = declared.or_else(|| Some(mount?.what().to_owned()));
        let target = mount.map_or_else(|| target_of(client), |mount| mount.destination.clone());
        let source = source.unwrap_or_else(|| target.clone());
        let mode = client.mode.unwrap_or(MountMode::Rw).as_str();
        options.push(format!("-v {source}:{target}:{mode}"));
    }
    if need.group || seen.is_none() {
        options.push(format!("--group-add {}", verdict::gid(client, facts)));
    }
    if let Some(user) = &need.user {
        options.push(format!("--user {user}"));
    }
    options
}
