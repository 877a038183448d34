//! The plugin `docker compose`: what cai asks of it, which is one service at a time. It behaves as
//! version 2.26 was measured to; variables and `extends` are beyond it, and it says so.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::arguments::Arguments;
use super::guest::{Client, Container, Guest, Made, Mount, SOCKET_GROUP, VolumeSocket};
use super::reply::{Call, Reply};
use super::world::{World, sha256};

const COMPOSE: &str = "docker compose";

/// What one service is to be.
#[derive(Debug, Default)]
pub(super) struct Service {
    name: Option<String>,
    project: String,
    made: Made,
    /// The volumes that are to be there already.
    external: Vec<String>,
}

/// Reads `[-p PROJECT] -f FILE… up -d --no-deps SERVICE`, and its files.
///
/// # Errors
/// What the program says of it, where it refuses.
pub(super) fn read(world: &World, call: &Call<'_>, words: &[String]) -> Result<Service, Reply> {
    let flags = ["-p=", "-f=", "--project-directory=", "--env-file=", "-d", "--no-deps"];
    let arguments =
        Arguments::parse(words, &flags, false).map_err(|what| Reply::unknown(COMPOSE, &what))?;
    let [command, service] = arguments.words.as_slice() else {
        return Err(Reply::unknown(COMPOSE, "this command"));
    };
    if command != "up" || !arguments.has("--no-deps") {
        return Err(Reply::unknown(COMPOSE, "this command"));
    }
    let files: Vec<&str> = arguments.all("-f").collect();
    let documents = files.iter().map(|file| document(world, call, file));
    let documents: Vec<Value> = documents.collect::<Result<_, _>>()?;
    let own: Vec<&Value> = documents
        .iter()
        .map(|it| &it["services"][service.as_str()])
        .filter(|it| !it.is_null())
        .collect();
    if own.is_empty() {
        return Err(Reply::failed(1, format!("no such service: {service}")));
    }
    if own.iter().any(|it| it.to_string().contains('$') || !it["extends"].is_null()) {
        return Err(Reply::unknown(COMPOSE, "variables and `extends`"));
    }
    let directory = files.first().and_then(|file| Path::new(file).parent());
    let directory = arguments.value("--project-directory").map(Path::new).or(directory);
    let given =
        arguments.value("-p").or_else(|| documents.iter().find_map(|it| it["name"].as_str()));
    let project = match (given, directory) {
        (Some(project), _) => project.to_owned(),
        (None, directory) => project_of(directory.unwrap_or(Path::new("/"))),
    };
    let mut read = Service { project, ..Service::default() };
    for document in own {
        read.add(document);
    }
    read.name_volume(&documents).map_err(|volume| {
        let why = format!("service \"{service}\" refers to undefined volume {volume}");
        Reply::failed(15, format!("{why}: invalid compose project"))
    })?;
    let directory = directory.unwrap_or(Path::new("/"));
    read.made.labels = labels(&read.project, service, &files.join(","), directory);
    let container = read.name.take().unwrap_or_else(|| format!("{}-{service}-1", read.project));
    read.name = Some(container);
    Ok(read)
}

/// The name of the project whose directory this is.
pub(super) fn project_of(directory: &Path) -> String {
    let name = directory.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    name.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).collect()
}

fn document(world: &World, call: &Call<'_>, file: &str) -> Result<Value, Reply> {
    let path = Path::new(file);
    let real = || Some(call.files.iter().find(|(other, _)| other == path)?.1.clone());
    let missing = || Reply::failed(14, format!("open {file}: no such file or directory"));
    let text = world.file(path).or_else(real).ok_or_else(missing)?;
    let invalid = |error: serde_yaml::Error| Reply::failed(15, format!("{file}: {error}"));
    let mut document: serde_yaml::Value = serde_yaml::from_str(&text).map_err(invalid)?;
    document.apply_merge().map_err(invalid)?;
    serde_yaml::from_value(document).map_err(invalid)
}

impl Service {
    /// Merges what a file says of it: lists go together, the rest takes the place of what was there.
    fn add(&mut self, service: &Value) {
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        if let Some(name) = service["container_name"].as_str() {
            self.name = Some(name.to_owned());
        }
        if !service["user"].is_null() {
            self.made.user = Some(text(&service["user"]));
        }
        for group in service["group_add"].as_array().into_iter().flatten().map(text) {
            if !self.made.group_add.contains(&group) {
                self.made.group_add.push(group);
            }
        }
        let mut mounts = service["volumes"].as_array().into_iter().flatten().filter_map(mount);
        // What else is mounted does not matter here.
        self.made.mount = mounts.next_back().or_else(|| self.made.mount.take());
    }

    /// Finds the volume's name, as the daemon knows it.
    fn name_volume(&mut self, documents: &[Value]) -> Result<(), String> {
        let Some(mount) = &mut self.made.mount else { return Ok(()) };
        if mount.source.starts_with(['/', '.', '~']) {
            return Ok(());
        }
        let volumes = || documents.iter().map(|document| &document["volumes"]);
        let declared = volumes().filter_map(|it| it.get(&mount.source)).next_back();
        let declared = declared.ok_or_else(|| mount.source.clone())?;
        let is_external = declared["external"] == true;
        mount.source = match declared["name"].as_str() {
            Some(name) => name.to_owned(),
            None if is_external => mount.source.clone(),
            None => format!("{}_{}", self.project, mount.source),
        };
        self.external.extend(is_external.then(|| mount.source.clone()));
        Ok(())
    }
}

/// A mount of a directory with a socket, or of a socket.
fn mount(entry: &Value) -> Option<Mount> {
    let (source, destination, writable) = match entry.as_str() {
        Some(entry) => {
            let mut parts = entry.split(':');
            let (source, destination) = (parts.next()?, parts.next()?);
            (source, destination, !parts.next().unwrap_or_default().split(',').any(|it| it == "ro"))
        }
        None => (entry["source"].as_str()?, entry["target"].as_str()?, entry["read_only"] != true),
    };
    let holds_sockets = destination.ends_with("/run") || destination.ends_with("docker.sock");
    let (source, destination) = (source.to_owned(), destination.to_owned());
    holds_sockets.then_some(Mount { source, destination, writable })
}

impl Service {
    /// Makes its container as it is to be, where it is not, and starts it.
    pub(super) fn up(self, guest: &mut Guest, now: u64) -> Reply {
        let Self { name, project, made, external } = self;
        let name = name.unwrap_or_default();
        if let Some(volume) = external.iter().find(|it| !guest.volumes.contains_key(*it)) {
            return Reply::failed(1, format!("external volume \"{volume}\" not found"));
        }
        let volume = made.mount.iter().map(|it| &it.source).find(|it| !it.starts_with('/'));
        if let Some(volume) = volume {
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
            // By which files it was made is no difference.
            Some(container)
                if made == Made { labels: made.labels.clone(), ..client.made.clone() } =>
            {
                if container.status() == "running" {
                    return Reply::done().saying(&said("Running"));
                }
                guest.start_container(&name, now);
                return Reply::done().saying(&said("Started"));
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
        Reply::done().saying(&said("Started"))
    }
}

/// What Compose writes down about a container, without what begins each name.
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
        ("project.config_files", files),
        ("project.working_dir", &directory),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}
