//! The plugin `docker compose`, limited to what cai uses: one service at a time. Its behavior was
//! measured with version 2.26.

mod interpolate;
mod load;
mod merge;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::arguments::Arguments;
use super::guest::{Client, Container, ContainerMount, Guest, Made, SOCKET_GROUP, VolumeSocket};
use super::reply::{Call, Reply};
use super::world::World;
use crate::model::digest::sha256;
use load::Project;

const COMPOSE: &str = "docker compose";

/// The command to run.
#[derive(Debug)]
pub(super) enum ComposeAction {
    /// Prints the configuration of the services.
    Print(Reply),
    /// Creates a service.
    Up(Box<Service>),
}

/// The desired state of one service.
#[derive(Debug, Default)]
pub(super) struct Service {
    name: Option<String>,
    project: String,
    made: Made,
    /// The external volumes, which must exist.
    external: Vec<String>,
    /// The parts that are not simulated.
    skipped: Vec<String>,
}

/// Parses `[-p PROJECT] -f FILE…` and a command: `config` or `up`.
///
/// # Errors
/// The plugin's message if it refuses the command.
pub(super) fn read(
    world: &World,
    call: &Call<'_>,
    words: &[String],
) -> Result<ComposeAction, Reply> {
    let flags = [
        "-p=",
        "-f=",
        "--project-directory=",
        "--env-file=",
        "-d",
        "--no-deps",
        "--format=",
        "--volumes",
        "--no-interpolate",
    ];
    let arguments =
        Arguments::parse(words, &flags, false).map_err(|what| Reply::unknown(COMPOSE, &what))?;
    let project = load::load(world, call, &arguments)?;
    match arguments.words.split_first() {
        Some((command, _)) if command == "config" && arguments.has("--volumes") => {
            let volumes = project.document["volumes"].as_mapping().into_iter().flatten();
            let names: Vec<&str> = volumes.filter_map(|(name, _)| name.as_str()).collect();
            Ok(ComposeAction::Print(Reply::line(names.join("\n"))))
        }
        Some((command, services)) if command == "config" => {
            print(&project, services).map(ComposeAction::Print)
        }
        Some((command, [service])) if command == "up" && arguments.has("--no-deps") => {
            Service::of(&project, service).map(Box::new).map(ComposeAction::Up)
        }
        _ => Err(Reply::unknown(COMPOSE, "this command")),
    }
}

/// A service of a project as JSON. If parts of the project were skipped and the service has no
/// mounts, the service mounts the engine's socket.
fn find(project: &Project, service: &str) -> Result<Value, Reply> {
    const SOCKET: &str = "/var/run/docker.sock:/var/run/docker.sock";
    let own = &project.document["services"][service];
    if own.is_null() && project.skipped.is_empty() {
        return Err(Reply::failed(1, format!("no such service: {service}")));
    }
    let mut own = if own.is_null() { json!({}) } else { plain(own) };
    if !project.skipped.is_empty() && own["volumes"].is_null() {
        own["volumes"] = json!([SOCKET]);
    }
    let groups: Vec<String> = own["group_add"].as_array().into_iter().flatten().map(text).collect();
    let is_twice = |(index, group): (usize, &String)| groups[..index].contains(group);
    if groups.iter().enumerate().any(is_twice) {
        let message = format!("services.{service}.group_add array items must be unique");
        return Err(Reply::failed(15, format!("validating {}: {message}", project.files)));
    }
    Ok(own)
}

/// Converts YAML to JSON.
fn plain(value: &serde_yaml::Value) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The output of `config --format json`.
fn print(project: &Project, names: &[String]) -> Result<Reply, Reply> {
    let doubled = |text: &str| text.replace('$', "$$");
    let mut services = serde_json::Map::new();
    let mut used = serde_json::Map::new();
    for name in names {
        let mut own = find(project, name)?;
        let mounts = own["volumes"].as_array().into_iter().flatten().filter_map(mount);
        let mut listed = Vec::new();
        for ContainerMount { source, destination, writable } in mounts {
            let is_path = source.starts_with('/');
            let kind = if is_path { "bind" } else { "volume" };
            if !is_path {
                let (name, external) =
                    volume(project, &source).map_err(|volume| undefined(name, &volume))?;
                used.insert(source.clone(), json!({"name": name, "external": external}));
            }
            listed.push(json!({"type": kind, "source": doubled(&source),
                "target": doubled(&destination), "read_only": !writable}));
        }
        own["volumes"] = listed.into();
        for key in ["container_name", "user"] {
            if !own[key].is_null() {
                own[key] = doubled(&text(&own[key])).into();
            }
        }
        let groups = own["group_add"].as_array().into_iter().flatten();
        own["group_add"] = groups.map(|group| doubled(&text(group))).collect();
        services.insert(name.clone(), own);
    }
    let document = json!({"name": project.name, "services": services, "volumes": used});
    let reply = Reply::line(serde_json::to_string_pretty(&document).unwrap_or_default());
    Ok(Reply { skipped: project.skipped.clone(), ..reply })
}

/// The name of a volume in the daemon, and whether the volume is external.
fn volume(project: &Project, source: &str) -> Result<(String, bool), String> {
    let declared = project.document["volumes"].get(source).ok_or_else(|| source.to_owned())?;
    let is_external = declared["external"] == true;
    let name = match declared["name"].as_str() {
        Some(name) => name.to_owned(),
        None if is_external => source.to_owned(),
        None => format!("{}_{source}", project.name),
    };
    Ok((name, is_external))
}

fn undefined(service: &str, volume: &str) -> Reply {
    let why = format!("service \"{service}\" refers to undefined volume {volume}");
    Reply::failed(15, format!("{why}: invalid compose project"))
}

/// The default name of the project in this directory.
pub(super) fn project_of(directory: &Path) -> String {
    let name = directory.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    name.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).collect()
}

impl Service {
    /// The desired state of a service of the project.
    fn of(project: &Project, service: &str) -> Result<Self, Reply> {
        let own = find(project, service)?;
        let mut made = Made {
            user: (!own["user"].is_null()).then(|| text(&own["user"])),
            group_add: own["group_add"].as_array().into_iter().flatten().map(text).collect(),
            labels: labels(&project.name, service, &project.files, &project.directory),
            ..Made::default()
        };
        let mut external = Vec::new();
        let mounts = own["volumes"].as_array().into_iter().flatten().filter_map(mount);
        for mut mount in mounts {
            if !mount.source.starts_with('/') {
                let (name, is_external) =
                    volume(project, &mount.source).map_err(|volume| undefined(service, &volume))?;
                external.extend(is_external.then(|| name.clone()));
                mount.source = name;
            }
            made.mounts.push(mount);
        }
        let name = own["container_name"].as_str().map(str::to_owned);
        Ok(Self {
            name: Some(name.unwrap_or_else(|| format!("{}-{service}-1", project.name))),
            project: project.name.clone(),
            made,
            external,
            skipped: project.skipped.clone(),
        })
    }
}

fn mount(entry: &Value) -> Option<ContainerMount> {
    let (source, destination, writable) = match entry.as_str() {
        Some(entry) => {
            let mut parts = entry.split(':');
            let (source, destination) = (parts.next()?, parts.next()?);
            (source, destination, !parts.next().unwrap_or_default().split(',').any(|it| it == "ro"))
        }
        None => (entry["source"].as_str()?, entry["target"].as_str()?, entry["read_only"] != true),
    };
    let (source, destination) = (source.to_owned(), destination.to_owned());
    Some(ContainerMount { source, destination, writable })
}

impl Service {
    /// Creates the container, or recreates it if it differs, and starts it.
    pub(super) fn up(self, guest: &mut Guest, now: u64) -> Reply {
        let Self { name, project, made, external, skipped } = self;
        let name = name.unwrap_or_default();
        if let Some(volume) = external.iter().find(|it| !guest.volumes.contains_key(*it)) {
            return Reply::failed(1, format!("external volume \"{volume}\" not found"));
        }
        let sources = made.mounts.iter().map(|it| &it.source);
        for volume in sources.filter(|it| !it.starts_with('/')) {
            let socket = VolumeSocket { gid: SOCKET_GROUP, answers: true };
            guest.volumes.entry(volume.clone()).or_insert(Some(socket));
        }
        let present = guest.containers.iter().position(|it| it.name == name);
        let before = present.map(|index| guest.containers[index].clone());
        let client = before.as_ref().and_then(|it| it.client.clone()).unwrap_or_default();
        if let Some(other) = &before
            && client.made.labels.get("project") != Some(&project)
        {
            let message = format!(
                "Error response from daemon: Conflict. The container name \"/{name}\" is already in \
                 use by container \"{}\". You have to remove (or rename) that container to be able \
                 to reuse that name.",
                other.id
            );
            return Reply::failed(1, message);
        }
        let said = |what: &str| format!(" Container {name}  {what}");
        match before {
            // Other file names alone are not a difference.
            Some(container)
                if made == Made { labels: made.labels.clone(), ..client.made.clone() } =>
            {
                if container.status() == "running" {
                    return Reply::done().saying(&said("Running"));
                }
                guest.start_container(&name, now);
                return Reply { skipped, ..Reply::done() }.saying(&said("Started"));
            }
            Some(_) => guest.containers.retain(|it| it.name != name),
            None => {}
        }
        let id = sha256(format!("{now} {name} {made:?}"));
        let client = Client { image: client.image, made, ..Client::default() };
        let (runtime, running) = (guest.default_runtime(), false);
        let client = Some(client);
        guest.containers.push(Container {
            name: name.clone(),
            id,
            runtime,
            started: now,
            running,
            client,
        });
        guest.start_container(&name, now);
        Reply { skipped, ..Reply::done() }.saying(&said("Started"))
    }
}

/// Compose's labels of a container, without the prefix.
pub(super) fn labels(
    project: &str,
    service: &str,
    files: &str,
    directory: &Path,
) -> BTreeMap<String, String> {
    let directory = directory.to_string_lossy();
    [
        ("project", project),
        ("service", service),
        ("container-number", "1"),
        ("oneoff", "False"),
        ("project.config_files", files),
        ("project.working_dir", &directory),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}
