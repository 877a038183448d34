//! A daemon.json as people have them, whoever wrote it and however it is laid out: what the file
//! declares is set, one apply is enough, and nothing of others is lost.

use containai::config::{self, Config};
use containai::host::System;
use containai::simulate::{Call, LINUX, SimulatedHost, World, run};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::{Config as Cases, TestRunner};
use serde_json::{Map, Value, json};

use super::{apply, effects, failures, plan};
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![a_daemon_json_from_the_field_keeps_what_others_wrote]
}

/// Keys that others have written, as in people's files.
fn field() -> Vec<(&'static str, Value)> {
    let keys = json!({
        "bip": "10.9.0.1/24",
        "builder": {"gc": {"enabled": true, "defaultKeepStorage": "10GB"}},
        "cgroup-parent": "docker.slice",
        "debug": true,
        "default-address-pools": [
            {"base": "10.201.0.0/16", "size": 24}, {"base": "2001:db8::/104", "size": 112},
        ],
        "default-shm-size": "64M",
        "default-ulimits": {"nofile": {"Name": "nofile", "Hard": 64000, "Soft": 64000}},
        "dns": ["192.0.2.1", "192.0.2.2"],
        "dns-opts": ["ndots:1"],
        "dns-search": ["corp.example"],
        "exec-opts": ["native.cgroupdriver=systemd"],
        "experimental": false,
        "features": {"buildkit": true},
        "icc": true,
        "init": true,
        "insecure-registries": ["registry.example:5000"],
        "ip-forward": true,
        "ip-masq": true,
        "iptables": true,
        "labels": ["by=hand", "team=é \u{201c}x\u{201d}"],
        "log-driver": "json-file",
        "log-opts": {"max-size": "10m", "mode": "non-blocking", "max-buffer-size": "4m"},
        "max-concurrent-downloads": 3,
        "max-concurrent-uploads": 5,
        "max-download-attempts": 5,
        "metrics-addr": "127.0.0.1:9323",
        "mtu": 1450,
        "no-new-privileges": false,
        "node-generic-resources": ["gpu=0"],
        "proxies": {"http-proxy": "http://proxy.example:3128"},
        "registry-mirrors": ["https://mirror.example"],
        "runtimes": {"hand": {"path": "/usr/bin/hand"}},
        "shutdown-timeout": 15,
        "storage-driver": "overlay2",
        "userland-proxy": true,
    });
    let keys = keys.as_object().unwrap().clone();
    keys.into_iter().map(|(key, value)| (&*key.leak(), value)).collect()
}

/// Lines of `[docker.daemon]`, each with another value than in [`field`].
const DECLARED: [&str; 10] = [
    "debug = false",
    "dns = [\"198.51.100.1\"]",
    "features = { buildkit = false }",
    "insecure-registries = []",
    "labels = [\"by=cai\"]",
    "log-driver = \"local\"",
    "log-opts = { max-size = \"1m\" }",
    "max-concurrent-downloads = 9",
    "mtu = 1400",
    "runtimes = { mine = { path = \"/usr/bin/mine\" } }",
];

#[derive(Debug, Clone)]
struct Case {
    text: String,
    declared: Vec<&'static str>,
    sysbox: bool,
}

fn case() -> impl Strategy<Value = Case> {
    let layouts = ["  ", "    ", "\t", "", " "];
    let ends = ["", "\n", "\r\n"];
    let others = subsequence(field(), 0..=35).prop_shuffle();
    let declared = subsequence(DECLARED.to_vec(), 0..=DECLARED.len());
    (others, select(layouts.to_vec()), select(ends.to_vec()), declared, any::<bool>()).prop_map(
        |(others, layout, end, declared, sysbox)| {
            let keys = others.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
            let text = written(&Value::Object(keys), layout) + end;
            let text =
                if end == "\r\n" { text.replace("\r\n", "\n").replace('\n', end) } else { text };
            Case { text, declared, sysbox }
        },
    )
}

/// With this indentation; on one line without one.
fn written(value: &Value, indent: &str) -> String {
    if indent.is_empty() {
        return value.to_string();
    }
    let formatter = serde_json::ser::PrettyFormatter::with_indent(indent.as_bytes());
    let mut text = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut text, formatter);
    serde::Serialize::serialize(value, &mut serializer).unwrap();
    String::from_utf8(text).unwrap()
}

fn config(case: &Case) -> Config {
    let (sysbox, lines) = (case.sysbox, case.declared.join("\n"));
    config::parse(&format!("version = 1\n[sysbox]\nenabled = {sysbox}\n[docker.daemon]\n{lines}\n"))
        .unwrap()
}

/// A world with an engine, before anything is declared of dockerd.
fn engine(sysbox: bool) -> World {
    let host = SimulatedHost::new(&System, World::new(LINUX));
    let case = Case { text: String::new(), declared: vec![], sysbox };
    let report = apply(&host, &config(&case));
    assert!(!report.failed(), "{}", failures(&report));
    host.world()
}

/// Somebody writes the file and restarts dockerd.
fn write_by_hand(world: &mut World, text: &str) {
    let guest = "shell --workdir=/ containai-secure sudo -n";
    for (line, stdin) in [
        (format!("{guest} dd of=/etc/docker/daemon.json"), Some(text)),
        (format!("{guest} systemctl restart docker.service"), None),
    ] {
        let args: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let call = Call { args: &args, stdin: stdin.map(str::as_bytes), ..Call::default() };
        let reply = run(world, "limactl", &call).unwrap();
        assert_eq!(reply.code, 0, "{line}: {reply:?}\n{text}");
    }
}

fn a_daemon_json_from_the_field_keeps_what_others_wrote() {
    let engines = [false, true].map(engine);
    let cases = Cases { cases: 96, failure_persistence: None, ..Cases::default() };
    let property = |case: Case| {
        let host = SimulatedHost::new(&System, engines[usize::from(case.sysbox)].clone());
        host.change(|world| write_by_hand(world, &case.text)).unwrap();
        let config = config(&case);
        let report = apply(&host, &config);
        prop_assert!(!report.failed(), "{}", failures(&report));
        let again = plan(&host, &config);
        prop_assert!(again.is_empty(), "{}", effects(&again));
        let guest = host.world().instances["containai-secure"].guest.clone().unwrap();
        let text = &guest.files["/etc/docker/daemon.json"].text;
        let keys: Map<String, Value> = serde_json::from_str(text).unwrap();
        let before: Map<String, Value> = serde_json::from_str(&case.text).unwrap();
        for (key, value) in &config.docker.daemon {
            if key != "runtimes" {
                prop_assert_eq!(keys.get(key), Some(value), "{}", key);
            }
        }
        let is_others = |key: &&String| !config.docker.daemon.contains_key(*key);
        for key in before.keys().filter(is_others).filter(|key| *key != "runtimes") {
            prop_assert_eq!(keys.get(key), before.get(key), "{}", key);
        }
        if let Some(hand) = before.get("runtimes") {
            prop_assert_eq!(&keys["runtimes"]["hand"], &hand["hand"]);
        }
        let order: Vec<&String> = keys.keys().filter(|key| before.contains_key(*key)).collect();
        prop_assert_eq!(order, before.keys().collect::<Vec<_>>(), "the order changed");
        // A key that stays keeps its line, whatever the indentation and the line breaks are.
        let own_line = |key: &&String| before[*key].is_number() || before[*key].is_boolean();
        for key in before.keys().filter(is_others).filter(own_line) {
            let line = case.text.split('\n').find(|line| line.contains(&format!("\"{key}\"")));
            let line = match line.unwrap() {
                // All keys are on one line.
                line if line.starts_with('{') => format!("\"{key}\":{}", before[key]),
                line => line.trim_end_matches([',', '\r']).to_owned(),
            };
            prop_assert!(text.contains(&line), "{:?} is not in:\n{}", line, text);
        }
        Ok(())
    };
    TestRunner::new(cases).run(&case(), property).unwrap();
}
