//! The output of `docker inspect` for containers.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer};

/// The daemon's description of a container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inspected {
    /// The full identifier.
    pub id: String,
    /// The name, without the daemon's `/`.
    pub name: String,
    /// Its state.
    pub state: ContainerState,
    /// The mounts.
    pub mounts: Vec<MountSeen>,
    /// The groups from `--group-add`.
    pub group_add: Vec<String>,
    /// The user that it was created with, in Docker's syntax; empty for the image's root.
    pub user: String,
    /// The runtime that it was created with.
    pub runtime: String,
    /// Whether it shares the PID namespace of the machine or of another container.
    pub host_pids: bool,
    /// Compose's labels, if Compose created it.
    pub compose: Option<ComposeLabels>,
}

/// The state of a container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContainerState {
    /// Docker's status: `running`, `restarting`, `exited`, `created`, `paused`, `dead`.
    pub status: String,
    /// The exit code of its main process.
    pub exit_code: i64,
    /// The number of restarts by its restart policy.
    pub restarts: u64,
    /// Why it could not be started.
    pub error: String,
    /// The time of its start, in the daemon's format.
    pub started: String,
    /// `healthy`, `unhealthy` or `starting`; `None` without a health check.
    pub health: Option<String>,
}

impl ContainerState {
    /// Whether it is running, so that `docker exec` works.
    pub fn runs(&self) -> bool {
        self.status == "running"
    }

    /// Whether it exits and is restarted again and again.
    pub fn restarts_in_a_loop(&self) -> bool {
        self.status == "restarting"
    }
}

/// A mount.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MountSeen {
    /// The volume's name; `None` for a bind mount.
    pub volume: Option<String>,
    /// The path on the engine's machine.
    pub source: String,
    /// The path in the container.
    pub destination: String,
    /// Whether it is writable.
    pub writable: bool,
}

impl MountSeen {
    /// The volume or path that is mounted.
    pub fn what(&self) -> &str {
        self.volume.as_deref().unwrap_or(&self.source)
    }
}

/// Compose's labels.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ComposeLabels {
    /// The project.
    pub project: String,
    /// The service.
    pub service: String,
    /// The compose files, in order.
    pub files: Vec<PathBuf>,
    /// The base directory of relative paths.
    pub directory: Option<PathBuf>,
    /// The environment files, if any were given.
    pub env_files: Vec<PathBuf>,
}

impl Inspected {
    /// Reads a list of containers, by name.
    ///
    /// # Errors
    /// When the text is not such a list.
    pub fn parse(text: &str) -> Result<BTreeMap<String, Self>, serde_json::Error> {
        let containers: Vec<InspectDocument> = serde_json::from_str(text)?;
        let named = containers.into_iter().map(|document| {
            let container = document.into_inspected();
            (container.name.clone(), container)
        });
        Ok(named.collect())
    }

    /// The mount that contains a path of the container.
    pub fn mount_of(&self, path: &str) -> Option<&MountSeen> {
        covering(path, &self.mounts, |mount| &mount.destination)
    }
}

/// The innermost mount that contains a path of a container.
pub(crate) fn covering<'a, T>(
    path: &str,
    mounts: &'a [T],
    target: impl Fn(&'a T) -> &'a str,
) -> Option<&'a T> {
    let path = canonical(path);
    let place = |mount: &'a T| canonical(target(mount));
    let covers = |mount: &&'a T| Path::new(&path).starts_with(place(mount));
    mounts.iter().filter(covers).max_by_key(|mount| place(mount).len())
}

/// `/var/run` is a link to `/run` in most images, so a mount at one of them appears at the other.
pub(crate) fn canonical(path: &str) -> String {
    match path.strip_prefix("/var/run") {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("/run{rest}"),
        _ => path.to_owned(),
    }
}

/// Docker writes `null` for an empty value.
fn nullable<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    from: D,
) -> Result<T, D::Error> {
    Option::<T>::deserialize(from).map(Option::unwrap_or_default)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InspectDocument {
    id: String,
    name: String,
    #[serde(default)]
    restart_count: u64,
    state: State,
    #[serde(default, deserialize_with = "nullable")]
    mounts: Vec<MountPoint>,
    #[serde(default, deserialize_with = "nullable")]
    host_config: HostConfig,
    #[serde(default, deserialize_with = "nullable")]
    config: ContainerConfig,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct State {
    status: String,
    exit_code: i64,
    error: String,
    started_at: String,
    health: Option<Health>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Health {
    status: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct MountPoint {
    #[serde(rename = "Type")]
    kind: String,
    name: String,
    source: String,
    destination: String,
    #[serde(rename = "RW")]
    writable: bool,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct HostConfig {
    #[serde(deserialize_with = "nullable")]
    group_add: Vec<String>,
    pid_mode: String,
    runtime: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct ContainerConfig {
    user: String,
    #[serde(deserialize_with = "nullable")]
    labels: BTreeMap<String, String>,
}

impl InspectDocument {
    fn into_inspected(self) -> Inspected {
        let mounts = self.mounts.into_iter().map(|mount| MountSeen {
            volume: Some(mount.name).filter(|name| mount.kind == "volume" && !name.is_empty()),
            source: mount.source,
            destination: mount.destination,
            writable: mount.writable,
        });
        Inspected {
            id: self.id,
            name: self.name.trim_start_matches('/').to_owned(),
            state: ContainerState {
                status: self.state.status,
                exit_code: self.state.exit_code,
                restarts: self.restart_count,
                error: self.state.error,
                started: self.state.started_at,
                health: self.state.health.map(|health| health.status),
            },
            mounts: mounts.collect(),
            group_add: self.host_config.group_add,
            user: self.config.user,
            runtime: self.host_config.runtime,
            host_pids: !self.host_config.pid_mode.is_empty()
                && self.host_config.pid_mode != "private",
            compose: labels(&self.config.labels),
        }
    }
}

/// The prefix of Compose's labels.
pub(super) const LABEL: &str = "com.docker.compose.";
/// The labels that a [`MadeContainer`] is read from.
pub(super) const LABELS: [&str; 5] =
    ["container-number", "project", "service", "project.config_files", "project.working_dir"];

/// A container that Compose created.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MadeContainer {
    /// Its name.
    pub name: String,
    /// Its number within the service, from 1.
    pub number: u32,
    /// Compose's labels, without the environment files.
    pub labels: ComposeLabels,
}

impl MadeContainer {
    /// Reads what `docker ps` printed: a line for each, with its name and labels between tabs.
    pub fn parse(text: &str) -> Vec<Self> {
        let container = |line: &str| {
            let mut fields = line.split('\t');
            let name = fields.next()?.to_owned();
            let fields = LABELS
                .iter()
                .zip(fields)
                .map(|(label, value)| (format!("{LABEL}{label}"), value.to_owned()));
            let all: BTreeMap<String, String> = fields.collect();
            let number = all.get(&format!("{LABEL}{}", LABELS[0]))?.parse().ok()?;
            Some(Self { name, number, labels: labels(&all)? })
        };
        text.lines().filter_map(container).collect()
    }
}

fn labels(labels: &BTreeMap<String, String>) -> Option<ComposeLabels> {
    let label = |name: &str| labels.get(&format!("{LABEL}{name}"));
    let directory = label("project.working_dir").map(Path::new);
    // Compose 1.29 writes the paths as they were given, possibly relative to its directory.
    let within = |file: &str| directory.map_or(PathBuf::from(file), |it| it.join(file));
    let files = |name: &str| {
        let files = label(name).map_or("", String::as_str).split(',');
        files.filter(|file| !file.is_empty()).map(within).collect()
    };
    Some(ComposeLabels {
        project: label("project")?.clone(),
        service: label("service")?.clone(),
        files: files("project.config_files"),
        directory: directory.map(Path::to_owned),
        env_files: files("project.environment_file"),
    })
}
