//! What a container needs to use its socket, and how it gets it.

use std::path::{Path, PathBuf};

use crate::config::{MountMode, SocketClient};
use crate::docker::client::{
    self, ClientCode, ClientFacts, ClientVerdict, ComposeFacts, ComposeFile, ComposeProgram,
    MountSeen, Override, Process, Seen, SocketSeen, override_path,
};
use crate::model::{ContextName, ServiceName, VolumeSource};
use crate::plan::ClientProblem;

/// What is to be changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is needed or not, whatever the others are")]
pub(super) struct Need {
    /// It has to be made or started.
    pub(super) start: bool,
    /// Another mode of its mount.
    pub(super) mode: bool,
    /// Another mount, or one at all.
    pub(super) mount: bool,
    /// The socket's group.
    pub(super) group: bool,
    /// Another user, in Docker's words.
    pub(super) user: Option<String>,
}

impl Need {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// How it gets it.
#[derive(Debug)]
pub(super) struct Remedy<'a> {
    pub(super) program: &'a ComposeProgram,
    pub(super) file: PathBuf,
    pub(super) service: &'a ServiceName,
    /// Whether there is an override by `cai` already.
    pub(super) written: bool,
    /// The text of the override, where it changes.
    pub(super) text: Option<String>,
}

/// What a container needs, by what was found.
pub(super) fn needed(
    client: &SocketClient,
    facts: &ClientFacts,
    verdict: &ClientVerdict,
    context: &ContextName,
) -> Result<Need, ClientProblem> {
    let mut need = Need::default();
    let Some(seen) = facts.container.present() else {
        // Nothing is known of its image, and the group harms nothing where it has it already.
        return Ok(Need { start: true, group: client.compose_file.is_some(), ..need });
    };
    let name = || client.container.to_string();
    let mount = seen.inspected.mount_of(&client.socket);
    if let Some(mount) = mount {
        need.mode = mount.writable != (client.mode == MountMode::Rw);
        need.mount = client.volume.as_ref().is_some_and(|volume| !is_mount_of(mount, volume, seen));
    }
    match verdict.code {
        None | Some(ClientCode::MountReadonly | ClientCode::Unhealthy) => {}
        Some(ClientCode::ContainerAbsent) => {
            need.start = true;
            need.group = client::foreseen(client, seen).is_some();
        }
        Some(ClientCode::Restarting) => {
            need.group = client::foreseen(client, seen).is_some();
            if !need.group && !need.mode && !need.mount {
                let why = seen.log.last().cloned().unwrap_or_else(|| verdict.cause.clone());
                return Err(ClientProblem::Ends { container: name(), why });
            }
        }
        Some(ClientCode::SocketMissing) => match (mount, &client.volume) {
            (Some(_), _) if need.mount => {}
            (Some(mount), _) => {
                let (what, at) = (mount.what().to_owned(), mount.destination.clone());
                return Err(ClientProblem::NoSocket { what, at });
            }
            (None, None) => return Err(ClientProblem::NoVolume),
            (None, Some(_)) => need.mount = true,
        },
        Some(ClientCode::ApiDenied) => {
            let socket = seen.inside.as_ref().map(|inside| inside.socket);
            return Err(match socket {
                Some(SocketSeen::Socket { mode, .. }) if mode & 0o020 == 0 => {
                    ClientProblem::SocketMode(format!("{mode:o}"))
                }
                _ => ClientProblem::NoDaemon(verdict.cause.clone()),
            });
        }
        Some(ClientCode::GidMismatch | ClientCode::UserNotInGroup | ClientCode::SessionStale) => {
            if let Some(SocketSeen::Socket { gid, .. }) =
                seen.inside.as_ref().map(|inside| inside.socket)
                && gid != client.gid
            {
                return Err(ClientProblem::SocketGid { socket: gid, file: client.gid });
            }
            need.group = true;
        }
    }
    user(client, seen, &mut need)?;
    if need.group && seen.inspected.group_add.contains(&client.gid.to_string()) {
        let process = seen.inside.as_ref().and_then(|it| it.process(client::uid(client, seen)));
        return Err(ClientProblem::ImageGroup {
            container: name(),
            user: process.map_or_else(|| "USER".into(), |process| user_name(process, seen)),
            group: client.group.to_string(),
            gid: client.gid,
        });
    }
    // The next start reads its groups anew, unless it is made with a group of its own.
    let is_stale = verdict.code == Some(ClientCode::SessionStale);
    let only_group = Need { group: true, ..Need::default() };
    let by_name = !seen.inspected.user.contains(':');
    if is_stale && need == only_group && by_name && client.compose_file.is_none() {
        let command = format!("docker --context {context} restart {}", client.container);
        return Err(ClientProblem::Restart { container: name(), command });
    }
    Ok(need)
}

/// Whether its program runs as the user that the file names.
fn user(client: &SocketClient, seen: &Seen, need: &mut Need) -> Result<(), ClientProblem> {
    let container = || client.container.to_string();
    let Some(process) = seen.inside.as_ref().and_then(|it| it.process(client::uid(client, seen)))
    else {
        return Ok(());
    };
    let Some(uid) = client::uid(client, seen) else {
        return match &client.user {
            None => Ok(()),
            Some(user) => {
                let user = user.to_string();
                Err(ClientProblem::NoUser { container: container(), user })
            }
        };
    };
    if process.uid == uid {
        return Ok(());
    }
    let account = seen.accounts.by_uid(uid);
    let word = match account {
        Some(account) => account.name.clone(),
        None => format!("{uid}:{}", client.gid),
    };
    let has = seen.inspected.user.split(':').next().unwrap_or_default();
    if has == uid.to_string() || account.is_some_and(|account| account.name == has) {
        return Err(ClientProblem::ImageUser { container: container(), user: word });
    }
    let is_in_group = account.is_none_or(|account| seen.accounts.lists(account, client.gid));
    need.group |= !is_in_group && !seen.inspected.group_add.contains(&client.gid.to_string());
    need.user = Some(word);
    Ok(())
}

fn user_name(process: &Process, seen: &Seen) -> String {
    let account = seen.accounts.by_uid(process.uid);
    account.map_or_else(|| process.uid.to_string(), |account| account.name.clone())
}

/// Whether a mount is of what the file names. Compose puts its project before a volume's name.
fn is_mount_of(mount: &MountSeen, volume: &VolumeSource, seen: &Seen) -> bool {
    let volume = volume.as_str();
    let project = seen.inspected.compose.as_ref().map(|labels| labels.project.as_str());
    let of_project = || project.map(|project| format!("{project}_{volume}"));
    mount.what() == volume || mount.volume.is_some() && mount.volume == of_project()
}

/// How a container gets what it needs: by its compose file and an override beside it.
pub(super) fn remedy<'a>(
    client: &'a SocketClient,
    facts: &'a ClientFacts,
    need: &Need,
) -> Result<Remedy<'a>, ClientProblem> {
    let container = || client.container.to_string();
    let seen = facts.container.present();
    let (Some((file, service)), Some(compose)) = (client.compose(), &facts.compose) else {
        let options = options(client, seen, need);
        return Err(ClientProblem::NoCompose { container: container(), options });
    };
    let parsed = compose_file(&file, service, compose)?;
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
    let program = compose.program.as_ref().ok_or(ClientProblem::ComposeMissing)?;
    let own = override_path(&file);
    let needed = overriding(client, seen, need, &parsed, program);
    let present = compose.override_text.as_deref();
    let written = present.is_some_and(|text| text.starts_with(client::MARK));
    let text = if needed.is_empty() {
        None
    } else {
        let text = needed.text(&own, present, service).map_err(|why| {
            ClientProblem::ComposeFile { path: own.clone(), why: why.to_string() }
        })?;
        Some(text).filter(|text| Some(text.as_str()) != present)
    };
    Ok(Remedy { program, file, service, written, text })
}

/// The compose file, where it can be used.
fn compose_file(
    path: &Path,
    service: &ServiceName,
    compose: &ComposeFacts,
) -> Result<ComposeFile, ClientProblem> {
    let wrong = |why: String| ClientProblem::ComposeFile { path: path.to_owned(), why };
    let text = compose.text.as_deref().ok_or_else(|| wrong("there is no such file".into()))?;
    ComposeFile::parse(text, service).map_err(|why| wrong(why.to_string()))
}

/// What stands in the way of making a container that was not seen, or that something will stop.
pub(super) fn obstacle(client: &SocketClient, facts: &ClientFacts) -> Option<ClientProblem> {
    let ((file, service), compose) = (client.compose()?, facts.compose.as_ref()?);
    match compose_file(&file, service, compose) {
        Err(problem) => Some(problem),
        Ok(_) => compose.program.is_none().then_some(ClientProblem::ComposeMissing),
    }
}

/// What the override has to say.
fn overriding(
    client: &SocketClient,
    seen: Option<&Seen>,
    need: &Need,
    file: &ComposeFile,
    program: &ComposeProgram,
) -> Override {
    let mut needed = Override { user: need.user.clone(), ..Override::default() };
    if need.group {
        let own = client.gid.to_string();
        let mut present = file.groups();
        // Those that it has by `extends`, or by another file.
        let added = seen.into_iter().flat_map(|seen| seen.inspected.group_add.clone());
        present.extend(added.filter(|group| !file.groups().contains(group)));
        let is_new = !present.contains(&own);
        if program.replaces_groups() {
            needed.groups = present;
        }
        needed.groups.extend(is_new.then_some(own));
    }
    if need.mode || need.mount {
        let mount = seen.and_then(|seen| seen.inspected.mount_of(&client.socket));
        let target = mount.map_or_else(|| target(client), |mount| mount.destination.clone());
        let written = file.source_of(&target).filter(|_| !need.mount);
        let (source, is_declared) = match (written, seen.zip(mount).filter(|_| !need.mount)) {
            (Some(source), _) => (Some(source), true),
            // What Compose made for the project is declared, if not in this file.
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
        needed.external = source.clone().filter(|it| !is_declared && !file.declares(it));
        needed.volume = source.map(|source| format!("{source}:{target}:{}", client.mode.as_str()));
    }
    needed
}

/// What a container mounts, as a compose file writes it: without the project before a volume.
fn mounted(seen: &Seen, mount: &MountSeen) -> String {
    let project = seen.inspected.compose.as_ref().map(|labels| format!("{}_", labels.project));
    let short = project.and_then(|project| mount.volume.as_deref()?.strip_prefix(&project));
    short.unwrap_or(mount.what()).to_owned()
}

/// Where to mount what holds the socket: its directory, or itself where that is what is named.
fn target(client: &SocketClient) -> String {
    let socket = Path::new(&client.socket);
    let is_itself = client
        .volume
        .as_ref()
        .is_some_and(|it| it.is_path() && Path::new(it.as_str()).file_name() == socket.file_name());
    let target = if is_itself { Some(socket) } else { socket.parent() };
    target.unwrap_or(socket).to_string_lossy().into_owned()
}

/// The options of `docker run` that have to change.
fn options(client: &SocketClient, seen: Option<&Seen>, need: &Need) -> Vec<String> {
    let mount = seen.and_then(|seen| seen.inspected.mount_of(&client.socket));
    let mut options = Vec::new();
    if need.mode || need.mount || seen.is_none() {
        let declared = client.volume.as_ref().map(ToString::to_string);
        let source = declared.or_else(|| Some(mount?.what().to_owned()));
        let target = mount.map_or_else(|| target(client), |mount| mount.destination.clone());
        let source = source.unwrap_or_else(|| target.clone());
        options.push(format!("-v {source}:{target}:{}", client.mode.as_str()));
    }
    if need.group || seen.is_none() {
        options.push(format!("--group-add {}", client.gid));
    }
    if let Some(user) = &need.user {
        options.push(format!("--user {user}"));
    }
    options
}
