//! The responses of dockerd's API.

use serde_json::{Value, json};

use super::{Caller, Guest};
use crate::model::daemon_key::LOG_DRIVERS;
use crate::simulate::log::timestamp;
use crate::simulate::reply::Reply;

/// The output of `docker info`, which is the API's response to `/info`.
pub(super) fn info(guest: &Guest, now: u64) -> Value {
    let runtimes = guest.runtime_names().into_iter().map(|name| {
        let path = if name == "sysbox-runc" { "/usr/bin/sysbox-runc" } else { "runc" };
        (name, json!({"path": path}))
    });
    let place = guest.place.clone().unwrap_or_default();
    let loaded = guest.dockerd.as_ref().map(|daemon| &daemon.loaded);
    let value = |key: &str| loaded.and_then(|keys| keys.get(key)).cloned();
    let is_set = |key: &str| value(key) == Some(Value::Bool(true));
    let status = if place.containerd {
        json!([["driver-type", "io.containerd.snapshotter.v1"]])
    } else {
        json!([["Supports d_type", "true"]])
    };
    let log_drivers: Vec<&str> =
        LOG_DRIVERS.into_iter().filter(|name| !matches!(*name, "none" | "etwlogs")).collect();
    let mirrors = value("registry-mirrors").and_then(|it| it.as_array().cloned());
    let mirrors: Vec<String> = mirrors
        .into_iter()
        .flatten()
        .filter_map(|it| Some(format!("{}/", it.as_str()?.trim_end_matches('/'))))
        .collect();
    json!({
        "Containers": guest.containers.len(),
        "ContainersRunning": guest.running().count(),
        "Images": guest.images.len(),
        "Driver": place.driver,
        "DriverStatus": status,
        "Plugins": {"Log": log_drivers},
        "Debug": is_set("debug"),
        "LoggingDriver": value("log-driver").unwrap_or_else(|| "json-file".into()),
        "RegistryConfig": {"Mirrors": mirrors},
        "DockerRootDir": place.data_root,
        "Labels": value("labels"),
        "SystemTime": timestamp(now),
        "RuncCommit": {"ID": if guest.is_old_docker() { "" } else { "v1.4.0-0-gsimulated" }},
        "ServerVersion": guest.docker_version(),
        "Runtimes": Value::Object(runtimes.collect()),
        "DefaultRuntime": guest.default_runtime(),
        "LiveRestoreEnabled": is_set("live-restore"),
    })
}

/// `perl -e PROGRAM SOCKET` with the program of cai's probe.
pub(super) fn answers(guest: &mut Guest, words: &[String], caller: Caller<'_>) -> Reply {
    let ([_, program, socket], true) = (words, caller.root) else {
        return Reply::unknown("perl", "these arguments");
    };
    if !program.contains("/containers/json") || !program.contains("/info") {
        return Reply::unknown("perl", "this program");
    }
    if !guest.knock(caller.now) {
        let why =
            if guest.socket.is_some() { "Connection refused" } else { "No such file or directory" };
        return Reply::failed(
            1,
            format!("GET /containers/json: cannot connect to {socket}: {why}"),
        );
    }
    let listed: Vec<Value> = guest
        .running()
        .map(|it| json!({"Id": it.id, "Names": [format!("/{}", it.name)]}))
        .collect();
    let inspected = guest.running().map(|it| {
        let document = json!({
            "Id": it.id,
            "Name": format!("/{}", it.name),
            "State": {"StartedAt": timestamp(it.started)},
            "HostConfig": {"Runtime": it.runtime, "AutoRemove": false},
        });
        (format!("/containers/{}/json", it.id), document)
    });
    let list = ("/containers/json".to_owned(), Value::Array(listed));
    let rest = [
        ("/info".to_owned(), info(guest, caller.now)),
        ("volumes".to_owned(), guest.volumes.len().into()),
    ];
    let answers = std::iter::once(list).chain(inspected).chain(rest);
    let lines = answers.map(|(path, document)| format!("{path} {document}\n"));
    Reply { stdout: lines.collect(), ..Reply::done() }
}
