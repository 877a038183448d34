//! Requests of the docker client to a daemon, from the guest and from the host.

use serde_json::{Value, json};

use super::api::info;
use super::{Caller, Container, DOCKER, Guest};
use crate::model::daemon_key::is_log_driver;
use crate::simulate::arguments::Arguments;
use crate::simulate::reply::Reply;
use crate::simulate::template;

/// The client's message when no daemon answers.
#[derive(Debug)]
pub(in crate::simulate) struct Unreachable(pub(in crate::simulate) String);

const GUEST_SOCKET: &str = "unix:///var/run/docker.sock";
const NOBODY: &str = "Is the docker daemon running?";

/// `docker` in the guest. Root always has access. Other users need a session with the socket's
/// group (`FACTS.md`, 1 and 2).
pub(super) fn in_guest(guest: &mut Guest, words: &[String], caller: Caller<'_>) -> Reply {
    let words = match words {
        [flag, _, rest @ ..] if flag == "-H" => rest,
        words => words,
    };
    let permitted = caller.root || guest.lets_in(caller.session);
    let reached = if guest.socket.is_some() && !permitted {
        Err(Unreachable(format!(
            "permission denied while trying to connect to the Docker daemon socket at {GUEST_SOCKET}"
        )))
    } else if guest.knock(caller.now) {
        Ok(())
    } else {
        Err(Unreachable(format!("Cannot connect to the Docker daemon at {GUEST_SOCKET}. {NOBODY}")))
    };
    client(words, caller.now, reached.map(|()| guest))
}

/// Runs a command for which it is already known whether a daemon answers.
pub(in crate::simulate) fn client(
    words: &[String],
    now: u64,
    daemon: Result<&mut Guest, Unreachable>,
) -> Reply {
    let Some((command, rest)) = words.split_first() else {
        return Reply::unknown(DOCKER, "a call without a command");
    };
    let asked = |ask: fn(&Guest, &[String]) -> Reply| match &daemon {
        Ok(guest) => ask(guest, rest),
        Err(Unreachable(words)) => Reply::failed(1, words.clone()),
    };
    let known: &[&str] = match command.as_str() {
        "exec" => return asked(Guest::docker_exec),
        "cp" => return asked(Guest::docker_cp),
        "logs" => return asked(Guest::docker_logs),
        "version" | "info" => &["-f --format="],
        "ps" => &["--format=", "-q", "-a --all", "--filter=", "--no-trunc"],
        "run" => &["--name=", "--runtime=", "-d", "--rm", "--restart="],
        "rm" | "stop" => &["-f"],
        "inspect" => &["--type=", "--format="],
        other => return Reply::unknown(DOCKER, &format!("the command `{other}`")),
    };
    let arguments = match Arguments::parse(rest, known, command == "run") {
        Ok(arguments) => arguments,
        Err(what) => return Reply::unknown(DOCKER, &format!("{what} of `{command}`")),
    };
    let guest = match daemon {
        Ok(guest) => guest,
        // With a format, `version` first prints an empty line for the unknown server.
        Err(Unreachable(words)) if command == "version" && arguments.has("--format") => {
            return Reply { stdout: "\n".into(), ..Reply::failed(1, words) };
        }
        Err(Unreachable(words)) => return Reply::failed(1, words),
    };
    match command.as_str() {
        "version" => formatted(&version(guest), &arguments),
        "info" => formatted(&info(guest, now), &arguments),
        "ps" => guest.ps(&arguments),
        "run" => guest.docker_run(&arguments, now),
        "stop" => guest.docker_stop(&arguments),
        "inspect" => guest.docker_inspect(&arguments),
        _ => guest.docker_rm(&arguments),
    }
}

fn formatted(value: &Value, arguments: &Arguments) -> Reply {
    match arguments.value("--format") {
        Some(format) => match template::expand(format, value) {
            Ok(text) => Reply::line(text),
            Err(what) => Reply::unknown(DOCKER, &what),
        },
        None => Reply::line(serde_json::to_string_pretty(value).unwrap_or_default()),
    }
}

/// The daemon's part of `docker version`.
fn version(guest: &Guest) -> Value {
    json!({"Server": {"Version": guest.docker_version()}})
}

impl Guest {
    pub(super) fn runtime_names(&self) -> Vec<String> {
        let mut names = self.runtimes();
        if self.is_old_docker() {
            names.push("io.containerd.runtime.v1.linux".into());
            names.sort();
        }
        names
    }

    fn ps(&self, arguments: &Arguments) -> Reply {
        let all = arguments.has("--all");
        let wanted = |container: &Container| {
            let label = |it: &str| container.has_label(it.strip_prefix("label=").unwrap_or(it));
            arguments.all("--filter").all(label)
        };
        let format = arguments.value("--format").unwrap_or("{{.ID}}  {{.Names}}  {{.Status}}");
        let shown = self.containers.iter().filter(|it| (all || it.running) && wanted(it));
        let lines = shown.map(|container| {
            let status = if container.running { "Up 3 hours" } else { "Exited (137) 3 hours ago" };
            let shown = if arguments.has("-q") { "{{.ID}}" } else { format };
            let line = shown
                .replace("{{.ID}}", &container.id)
                .replace("{{.Names}}", &container.name)
                .replace("{{.Status}}", status);
            let labels = container.client.iter().flat_map(|client| &client.made.labels);
            let line = labels.fold(line, |line, (name, value)| {
                line.replace(&format!("{{{{.Label \"com.docker.compose.{name}\"}}}}"), value)
            });
            line + "\n"
        });
        Reply { stdout: lines.collect(), ..Reply::done() }
    }

    /// The containers with these names. A missing container is an error, but the others are still
    /// listed.
    fn docker_inspect(&self, arguments: &Arguments) -> Reply {
        let find = |name: &String| self.containers.iter().find(|container| container.name == *name);
        let found: Vec<Value> =
            arguments.words.iter().filter_map(find).map(Container::inspected).collect();
        match (arguments.value("--format"), found.as_slice()) {
            // The template language here does not support `if`. cai uses only this form.
            (Some(format), [one]) if format.contains("{{if .State.Health}}") => {
                return Reply::line(one["State"]["Health"]["Status"].as_str().unwrap_or("none"));
            }
            (Some(format), _) => return Reply::unknown(DOCKER, &format!("the format `{format}`")),
            (None, _) => {}
        }
        let missing = arguments.words.iter().filter(|name| find(name).is_none());
        let complaints: Vec<String> = missing
            .map(|name| format!("Error response from daemon: No such container: {name}"))
            .collect();
        let stdout = serde_json::to_string_pretty(&found).unwrap_or_default() + "\n";
        if complaints.is_empty() {
            return Reply { stdout, ..Reply::done() };
        }
        Reply { stdout, ..Reply::failed(1, complaints.join("\n")) }
    }

    fn docker_run(&mut self, arguments: &Arguments, now: u64) -> Reply {
        let default = self.default_runtime();
        let runtime = arguments.value("--runtime").unwrap_or(&default).to_owned();
        if !self.runtime_names().contains(&runtime) {
            let message = format!(
                "docker: Error response from daemon: unknown or invalid runtime name: {runtime}"
            );
            return Reply::failed(125, message);
        }
        if let Some(why) = self.unknown_log_driver() {
            return Reply::failed(125, format!("docker: {why}"));
        }
        self.images.extend(arguments.words.first().cloned());
        let id = crate::model::digest::sha256(format!("{now} {}", self.containers.len()));
        if !arguments.has("--rm") {
            self.containers.push(Container {
                name: arguments.value("--name").unwrap_or("agent").to_owned(),
                id: id.clone(),
                runtime,
                started: now,
                running: arguments.has("-d"),
                client: None,
            });
        }
        Reply::line(id)
    }

    /// The error for an unknown log driver. dockerd starts with it, but containers do not
    /// (measured).
    fn unknown_log_driver(&self) -> Option<String> {
        let loaded = self.dockerd.as_ref().map(|daemon| &daemon.loaded);
        let driver = loaded?.get("log-driver")?.as_str()?;
        (!is_log_driver(driver)).then(|| {
            format!(
                "Error response from daemon: failed to create task for container: failed to \
                 initialize logging driver: error looking up logging plugin {driver}: plugin \
                 \"{driver}\" not found."
            )
        })
    }

    /// The result of running a container with each of these runtimes.
    pub(super) fn try_containers(&mut self, runtimes: &[String], now: u64) -> Reply {
        if !self.knock(now) {
            return Reply::failed(1, "docker import: Cannot connect to the Docker daemon");
        }
        if let Some(why) = self.unknown_log_driver() {
            let runtime = runtimes.first().map_or("runc", String::as_str);
            return Reply::failed(1, format!("{runtime}: docker: {why}"));
        }
        let known = self.runtime_names();
        match runtimes.iter().find(|runtime| !known.contains(runtime)) {
            Some(runtime) => Reply::failed(
                1,
                format!(
                    "{runtime}: docker: Error response from daemon: unknown or invalid runtime name: {runtime}"
                ),
            ),
            None => Reply::line(runtimes.join("\n")),
        }
    }

    fn docker_stop(&mut self, arguments: &Arguments) -> Reply {
        for wanted in &arguments.words {
            let named = |it: &&mut Container| it.name == *wanted || it.id == *wanted;
            let Some(container) = self.containers.iter_mut().find(named) else {
                let message = format!("Error response from daemon: No such container: {wanted}");
                return Reply::failed(1, message);
            };
            container.running = false;
        }
        Reply::line(arguments.words.join("\n"))
    }

    fn docker_rm(&mut self, arguments: &Arguments) -> Reply {
        for name in &arguments.words {
            let before = self.containers.len();
            self.containers.retain(|container| container.name != *name);
            if self.containers.len() == before {
                let message = format!("Error response from daemon: No such container: {name}");
                return Reply::failed(1, message);
            }
        }
        Reply::line(arguments.words.join("\n"))
    }
}
