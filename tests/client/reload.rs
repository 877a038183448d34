//! Compares the table of daemon.json's keys with what a real dockerd loads on `SIGHUP`.

use std::fs;

use containai::model::daemon_key::{DaemonKey, Effect};
use serde_json::{Map, Value, json};

use super::daemon::Daemon;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![a_real_daemon_reloads_what_the_table_says]
}

/// The configuration that dockerd 20.10 reports after a reload.
fn reloaded(daemon: &Daemon, pid: i32, file: &std::path::Path, keys: &Value) -> Map<String, Value> {
    let already = fs::read_to_string(daemon.path("log")).unwrap().len();
    fs::write(file, keys.to_string()).unwrap();
    let pid = nix::unistd::Pid::from_raw(pid);
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGHUP).unwrap();
    loop {
        let log = fs::read_to_string(daemon.path("log")).unwrap();
        // dockerd may still be writing the last line.
        let complete = log[already..].rsplit_once('\n').map_or("", |(complete, _)| complete);
        let said = complete
            .lines()
            .find(|line| line.contains("Reloaded configuration") || line.contains("level=error"));
        if let Some(line) = said {
            let json = line.split_once("Reloaded configuration: ");
            let (_, json) = json.unwrap_or_else(|| panic!("{keys} is refused: {line}"));
            let text: String = serde_json::from_str(&format!("\"{json}")).unwrap();
            return serde_json::from_str(&text).unwrap();
        }
        std::thread::yield_now();
    }
}

fn a_real_daemon_reloads_what_the_table_says() {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), "{}").unwrap();
    let daemon = Daemon::start(&[], &["--config-file", file.path().to_str().unwrap()]);
    let pid: i32 = fs::read_to_string(daemon.path("pid")).unwrap().trim().parse().unwrap();
    for (key, value) in [
        ("allow-nondistributable-artifacts", json!(["a.example"])),
        ("debug", json!(true)),
        ("default-ipc-mode", json!("shareable")),
        ("default-shm-size", json!("32M")),
        ("features", json!({"buildkit": true})),
        ("insecure-registries", json!(["a.example:5000"])),
        ("labels", json!(["a=b"])),
        ("live-restore", json!(true)),
        ("max-concurrent-downloads", json!(7)),
        ("max-concurrent-uploads", json!(8)),
        ("max-download-attempts", json!(9)),
        ("registry-mirrors", json!(["https://a.example"])),
        ("runtimes", json!({"other": {"path": "/usr/bin/env"}})),
        ("shutdown-timeout", json!(16)),
        ("cgroup-parent", json!("a.slice")),
        ("default-address-pools", json!([{"base": "10.201.0.0/16", "size": 24}])),
        ("default-ulimits", json!({"nofile": {"Name": "nofile", "Soft": 1, "Hard": 2}})),
        ("dns", json!(["192.0.2.1"])),
        ("icc", json!(false)),
        ("init", json!(true)),
        ("log-driver", json!("local")),
        ("log-opts", json!({"max-size": "1m"})),
        ("mtu", json!(1400)),
        ("userns-remap", json!("default")),
    ] {
        let empty = reloaded(&daemon, pid, file.path(), &json!({}));
        let now = reloaded(&daemon, pid, file.path(), &json!({ key: value }));
        let is_loaded = now.get(key) != empty.get(key);
        let effect = DaemonKey::find(key).unwrap().effect;
        assert_eq!(
            is_loaded,
            effect == Effect::Reload,
            "{key}: {:?} -> {:?}",
            empty.get(key),
            now.get(key)
        );
    }
}
