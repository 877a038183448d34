//! The docker command on the simulated host: contexts, and requests to a daemon (transcript:
//! docker).

use std::path::Path;

use serde_json::{Value, json};

use super::arguments::Arguments;
use super::compose;
use super::guest::{self, Unreachable};
use super::reply::{Call, Reply};
use super::socket::{self, SocketAnswer};
use super::template;
use super::world::{World, context_directory};

const DOCKER: &str = "docker";
/// The version of the Compose plugin.
const COMPOSE_VERSION: &str = "2.26.1";

/// Runs `docker`.
pub(super) fn run(world: &mut World, call: &Call<'_>) -> Reply {
    match call.args {
        [flag] if flag == "--version" => {
            let version = world.computer.programs.get(DOCKER).map_or("", String::as_str);
            Reply::line(format!("Docker version {version}, build simulated"))
        }
        [first, command, rest @ ..] if first == "context" => context(world, command, rest, call),
        [first, command, ..] if first == "compose" && command == "version" => {
            Reply::line(COMPOSE_VERSION)
        }
        [flag, name, rest @ ..] if flag == "--context" => match host_of(world, name) {
            Ok(host) => ask(world, &host, rest, call),
            Err(why) => Reply::failed(
                1,
                format!("Failed to initialize: unable to resolve docker endpoint: {why}"),
            ),
        },
        rest => {
            let host = call.docker_host.unwrap_or("unix:///var/run/docker.sock").to_owned();
            ask(world, &host, rest, call)
        }
    }
}

/// The `meta.json` of a context.
pub(super) fn metadata(name: &str, description: &str, host: &str) -> Value {
    let metadata =
        if description.is_empty() { json!({}) } else { json!({"Description": description}) };
    json!({
        "Name": name,
        "Metadata": metadata,
        "Endpoints": {"docker": {"Host": host, "SkipTLSVerify": false}},
    })
}

fn read(world: &World, name: &str) -> Option<Value> {
    serde_json::from_str(world.contexts.get(&context_directory(name))?).ok()
}

fn not_found(world: &World, name: &str) -> String {
    let store = world.computer.docker_config.join("contexts/meta");
    let path = store.join(context_directory(name)).join("meta.json");
    format!(
        "context \"{name}\": context not found: open {}: no such file or directory",
        path.display()
    )
}

fn host_of(world: &World, name: &str) -> Result<String, String> {
    if name == "default" {
        return Ok("unix:///var/run/docker.sock".to_owned());
    }
    let meta = read(world, name).ok_or_else(|| not_found(world, name))?;
    Ok(meta["Endpoints"]["docker"]["Host"].as_str().unwrap_or_default().to_owned())
}

/// Sends a command to the daemon at an address. The client cannot tell why a daemon does not
/// answer: every fault in the guest closes the connection (1 and 2).
fn ask(world: &mut World, host: &str, words: &[String], call: &Call<'_>) -> Reply {
    let now = world.clock;
    let service = match words {
        [first, rest @ ..] if first == "compose" => match compose::read(world, call, rest) {
            Ok(compose::ComposeAction::Up(service)) => Some(service),
            Ok(compose::ComposeAction::Print(reply)) | Err(reply) => return reply,
        },
        _ => None,
    };
    let path = host.strip_prefix("unix://").unwrap_or(host).to_owned();
    let why = match socket::connect(world, Path::new(&path)) {
        SocketAnswer::Daemon(name) => {
            let guest = world.instances.get_mut(&name).and_then(|it| it.running_guest());
            let Some(guest) = guest else { return Reply::failed(1, "no guest") };
            let before = guest.clone();
            let reply = match service {
                Some(service) => service.up(guest, now),
                None => guest::client(words, now, Ok(guest)),
            };
            if *guest != before {
                world.pass(2);
            }
            return reply;
        }
        SocketAnswer::Closed => format!(
            "error during connect: Get \"http://{}/v1.50/info\": read unix @->{path}: read: \
             connection reset by peer",
            path.replace('/', "%2F")
        ),
        SocketAnswer::Denied => format!(
            "permission denied while trying to connect to the Docker daemon socket at {host}"
        ),
        SocketAnswer::Missing | SocketAnswer::Refused => {
            format!("Cannot connect to the Docker daemon at {host}. Is the docker daemon running?")
        }
    };
    if service.is_some() {
        return Reply::failed(1, why);
    }
    guest::client(words, now, Err(Unreachable(why)))
}

fn context(world: &mut World, command: &str, rest: &[String], call: &Call<'_>) -> Reply {
    let flags = ["--description=", "--docker=", "-f --format="];
    let arguments = match Arguments::parse(rest, &flags, false) {
        Ok(arguments) => arguments,
        Err(what) => return Reply::unknown(DOCKER, &format!("{what} of `context {command}`")),
    };
    let name = arguments.words.first().map(String::as_str);
    match (command, name) {
        ("ls", None) => list(world, call),
        ("show", None) => Reply::line(current(world)),
        ("inspect", Some(name)) => inspect(world, name, &arguments),
        ("create" | "update", Some(name)) => write(world, name, command == "create", &arguments),
        ("rm", Some(name)) => remove(world, name),
        _ => Reply::unknown(DOCKER, &format!("the command `context {command}`")),
    }
}

/// The name of the current context.
fn current(world: &World) -> String {
    let config = world.file(&world.computer.docker_config.join("config.json"));
    let config: Option<Value> = config.and_then(|text| serde_json::from_str(&text).ok());
    let name = config.as_ref().and_then(|config| config["currentContext"].as_str());
    name.unwrap_or("default").to_owned()
}

fn list(world: &World, call: &Call<'_>) -> Reply {
    let current = if call.docker_host.is_some() { "default".to_owned() } else { current(world) };
    let default = metadata(
        "default",
        "Current DOCKER_HOST based configuration",
        call.docker_host.unwrap_or("unix:///var/run/docker.sock"),
    );
    let stored = world.contexts.values().filter_map(|text| serde_json::from_str(text).ok());
    let mut all: Vec<Value> = stored.chain([default]).collect();
    all.sort_by_key(|meta: &Value| meta["Name"].as_str().map(str::to_owned));
    let lines: Vec<String> = all
        .iter()
        .map(|meta| {
            let line = json!({
                "Current": meta["Name"] == current.as_str(),
                "Description": meta["Metadata"]["Description"].as_str().unwrap_or_default(),
                "DockerEndpoint": meta["Endpoints"]["docker"]["Host"],
                "Error": "",
                "Name": meta["Name"],
            });
            line.to_string()
        })
        .collect();
    Reply::line(lines.join("\n"))
}

fn inspect(world: &World, name: &str, arguments: &Arguments) -> Reply {
    let format = arguments.value("--format");
    let Some(mut meta) = read(world, name) else {
        let stdout = if format.is_none() { "[]\n".to_owned() } else { "\n".to_owned() };
        return Reply { stdout, ..Reply::failed(1, not_found(world, name)) };
    };
    if let Some(format) = format {
        return match template::expand(
            format,
            &json!({"Name": meta["Name"], "Endpoints": meta["Endpoints"]}),
        ) {
            Ok(text) => Reply::line(text),
            Err(what) => Reply::unknown(DOCKER, &what),
        };
    }
    let store = world.computer.docker_config.join("contexts");
    meta["TLSMaterial"] = json!({});
    meta["Storage"] = json!({
        "MetadataPath": store.join("meta").join(context_directory(name)),
        "TLSPath": store.join("tls").join(context_directory(name)),
    });
    let mut text = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut text, formatter);
    // Serializing a JSON value to memory cannot fail.
    let _ = serde::Serialize::serialize(&json!([meta]), &mut serializer);
    Reply::line(String::from_utf8_lossy(&text))
}

fn write(world: &mut World, name: &str, creates: bool, arguments: &Arguments) -> Reply {
    let present = read(world, name);
    if creates && present.is_some() {
        return Reply::failed(1, format!("context \"{name}\" already exists"));
    }
    if creates && name == "default" {
        return Reply::failed(1, "\"default\" is a reserved context name");
    }
    let Some(mut meta) = present.or_else(|| creates.then(|| metadata(name, "", ""))) else {
        return Reply::failed(1, not_found(world, name));
    };
    if let Some(endpoint) = arguments.value("--docker") {
        let Some(host) = host_in(endpoint) else {
            return Reply::unknown(DOCKER, &format!("the endpoint `{endpoint}`"));
        };
        meta["Endpoints"]["docker"]["Host"] = host.into();
    }
    if let Some(description) = arguments.value("--description") {
        meta["Metadata"]["Description"] = description.into();
    }
    world.contexts.insert(context_directory(name), meta.to_string());
    world.pass(1);
    let done = if creates { "created" } else { "updated" };
    Reply::line(name).saying(&format!("Successfully {done} context \"{name}\""))
}

/// The address in an endpoint such as `"host=unix:///a,b=c"`. docker parses the endpoint as CSV
/// only if it has more than one `=`.
fn host_in(endpoint: &str) -> Option<String> {
    if endpoint.matches('=').count() == 1 {
        return endpoint.trim_matches('"').strip_prefix("host=").map(str::to_owned);
    }
    let quoted = endpoint.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let field = match quoted {
        Some(field) => field.replace("\"\"", "\""),
        None if endpoint.contains(',') => return None,
        None => endpoint.to_owned(),
    };
    field.strip_prefix("host=").map(str::to_owned)
}

fn remove(world: &mut World, name: &str) -> Reply {
    if name == current(world) {
        return Reply::failed(
            1,
            format!("context \"{name}\" is in use, set -f flag to force remove"),
        );
    }
    match world.contexts.remove(&context_directory(name)) {
        Some(_) => {
            world.pass(1);
            Reply::line(name)
        }
        None => Reply::failed(1, format!("context \"{name}\" does not exist")),
    }
}
