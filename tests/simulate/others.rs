//! A VM with whatever people have in its YAML: apply changes what the file says, ends with an empty
//! plan, and loses nothing of others.

use containai::config;
use containai::host::System;
use containai::lima::Meaning;
use containai::reconcile::observe::judge_all;
use containai::simulate::{Call, LINUX, SimulatedHost, World, run};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::{Config as Cases, TestRunner};
use serde_json::{Map, Value, json};

use super::{apply, effects, failures, plan};
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![nothing_of_others_is_lost_and_a_second_plan_is_empty]
}

/// The lists that `cai` shares with others.
const SHARED: [&str; 3] = ["provision", "probes", "portForwards"];

/// Other people's entries of a list, as YAML in templates and trackers.
fn entries(key: &str) -> Vec<Value> {
    let Value::Array(entries) = (match key {
        "provision" => json!([
            {"mode": "system", "script": "#!/bin/bash\nset -eux -o pipefail\ncommand -v node || exit 0\n"},
            {"mode": "user", "script": "#!/bin/sh\necho \"PS1='\\u@lima'\" >> ~/.bashrc"},
            {"mode": "boot", "script": "#!/bin/sh\nsysctl -w fs.inotify.max_user_watches=524288"},
            {"mode": "dependency", "script": "#!/bin/sh\ntrue", "skipDefaultDependencyResolution": false},
            {"mode": "data", "path": "/etc/sysctl.d/99.conf", "content": "a=1\nb={{.Param.level}}\n", "permissions": "644"},
            {"mode": "yq", "path": "/etc/docker/daemon.json", "expression": ".features.cdi = true"},
            {"mode": "yq", "path": "/etc/systemd/system/docker.socket.d/override.conf", "format": "ini",
             "expression": ".Socket.SocketUser=\"{{.User}}\""},
        ]),
        "probes" => json!([
            {"script": "#!/bin/bash\ntimeout 30s bash -c 'until pgrep dockerd; do sleep 3; done'", "hint": "See \"/var/log\""},
            {"mode": "readiness", "description": "k3s", "script": "#!/bin/sh\ntrue"},
        ]),
        _ => json!([
            {"guestSocket": "/run/user/501/podman.sock", "hostSocket": "{{.Dir}}/sock/podman.sock"},
            {"guestPort": 6443, "hostIP": "0.0.0.0"},
            {"guestPortRange": [3000, 3010], "hostPortRange": [13000, 13010], "proto": "tcp"},
            {"guestIP": "0.0.0.0", "proto": "udp", "ignore": true},
            {"guestPortRange": [1, 65535], "ignore": true},
        ]),
    }) else {
        return Vec::new();
    };
    entries
}

/// Keys that the file does not set, some of them in a form that Lima normalizes.
fn keys() -> Vec<(&'static str, Value)> {
    vec![
        ("minimumLimaVersion", json!("1.1.0")),
        ("ssh", json!({"localPort": 60022, "forwardAgent": true})),
        ("networks", json!([{"lima": "user-v2"}])),
        ("hostResolver", json!({"hosts": {"host.docker.internal": "host.lima.internal"}})),
        ("message", json!("docker context use lima-{{.Name}}\n")),
        (
            "mounts",
            json!([{"location": "~"}, {"location": "/tmp/lima", "writable": true, "9p": {"cache": "mmap"}}]),
        ),
        ("mountType", json!("9p")),
        ("mountInotify", json!(true)),
        ("additionalDisks", json!(["data", {"name": "cache", "format": false}])),
        ("caCerts", json!({"files": ["/etc/ca.pem"]})),
        ("cpuType", json!({"x86_64": "host"})),
        ("firmware", json!({"legacyBIOS": false})),
        ("video", json!({"display": "none"})),
        ("audio", json!({"device": ""})),
        ("propagateProxyEnv", json!(false)),
        ("timezone", json!("Europe/Berlin")),
        ("upgradePackages", json!(true)),
        ("user", json!({"comment": "Dev", "shell": "/bin/zsh"})),
        ("vmOpts", json!({"qemu": {"minimumVersion": "8.2.1"}})),
        ("copyToHost", json!([{"guest": "/etc/a", "host": "{{.Dir}}/a", "deleteOnStop": true}])),
        (
            "containerd",
            json!({"system": false, "user": false, "archives": [{"location": "/a.tgz"}]}),
        ),
        ("env", json!({"PORT": 8080, "DEBUG": true})),
        ("memory", json!("4096MiB")),
        ("x-team", json!("platform")),
    ]
}

/// A part of some entries, in any order.
fn some(of: Vec<Value>) -> impl Strategy<Value = Vec<Value>> {
    let count = of.len();
    subsequence(of, 0..=count).prop_shuffle()
}

fn yaml() -> impl Strategy<Value = Map<String, Value>> {
    let lists =
        (some(entries("provision")), some(entries("probes")), some(entries("portForwards")));
    let keys = keys();
    let count = keys.len();
    // The engine's own forward, as Lima's templates have it.
    (lists, subsequence(keys, 0..=count).prop_shuffle(), any::<bool>()).prop_map(
        |((provision, probes, mut forwards), keys, has_engine)| {
            if has_engine {
                forwards.push(
                    json!({"guestSocket": "/var/run/docker.sock", "hostSocket": "docker.sock"}),
                );
            }
            let uses = provision.iter().any(|entry| entry.to_string().contains("Param.level"));
            let mut yaml = Map::new();
            yaml.insert("images".into(), json!([{"location": "/images/docker.img"}]));
            let lists = [("provision", provision), ("probes", probes), ("portForwards", forwards)];
            for (key, list) in lists {
                if !list.is_empty() {
                    yaml.insert(key.into(), list.into());
                }
            }
            if uses {
                yaml.insert("param".into(), json!({"level": 3}));
            }
            yaml.extend(keys.into_iter().map(|(key, value)| (key.to_owned(), value)));
            yaml
        },
    )
}

/// What a file says of the VM, and the keys of the YAML that this determines.
const FILES: [(&str, &[&str]); 5] = [
    ("", &[]),
    ("cpus = 3\nmemory = \"4GiB\"\n", &["cpus"]),
    ("[[vm.port_forwards]]\nguest_port = 80\nhost_port = 8080\n", &[]),
    ("[[vm.mounts]]\nlocation = \"/srv\"\n", &["mounts"]),
    ("[vm.env]\nPORT = \"8080\"\n[vm.lima]\ntimezone = \"UTC\"\n", &["env", "timezone"]),
];

/// The entries that are neither a script of `cai`, nor a forward of the engine or of the file.
fn of_others(yaml: &Map<String, Value>, key: &str) -> Vec<Value> {
    let own = |entry: &&Value| {
        entry.to_string().contains("Written by cai")
            || entry["guestSocket"] == "/var/run/docker.sock"
            || entry["guestPort"] == 80
    };
    let list = yaml.get(key).and_then(Value::as_array).into_iter().flatten();
    list.filter(|entry| !own(entry)).cloned().collect()
}

fn host_with(yaml: &Map<String, Value>) -> SimulatedHost<'static> {
    let host = SimulatedHost::new(&System, World::new(LINUX));
    let text = serde_yaml::to_string(yaml).unwrap();
    for line in [
        "limactl disk create data --size 1GiB",
        "limactl disk create cache --size 1GiB",
        "limactl create --name=vm -",
        "limactl start vm",
    ] {
        let words = shlex::split(line).unwrap();
        let call = Call { args: &words[1..], stdin: Some(text.as_bytes()), ..Call::default() };
        let reply = host.change(|world| run(world, &words[0], &call)).unwrap().unwrap();
        assert_eq!(reply.code, 0, "{line}: {reply:?}\n{text}");
    }
    host
}

fn nothing_of_others_is_lost_and_a_second_plan_is_empty() {
    let cases = Cases { cases: 96, failure_persistence: None, ..Cases::default() };
    let strategy = (yaml(), select(FILES.to_vec()));
    let property = |(before, (file, determined)): (Map<String, Value>, (&str, &[&str]))| {
        let file = format!(
            "version = 1\n[docker]\nsource = \"preinstalled\"\n[sysbox]\nenabled = false\n\
             [vm]\nname = \"vm\"\n{file}"
        );
        let (host, config) = (host_with(&before), config::parse(&file).unwrap());
        let judged = judge_all(&host, plan(&host, &config)).unwrap();
        let problems: Vec<String> = judged.problems().map(|(_, why)| why.to_string()).collect();
        prop_assert_eq!(problems, Vec::<String>::new());
        let report = apply(&host, &config);
        prop_assert!(!report.failed(), "{}", failures(&report));
        let again = plan(&host, &config);
        prop_assert!(again.is_empty(), "{}", effects(&again));
        let text = host.world().instances["vm"].yaml.clone();
        let after: Map<String, Value> = serde_yaml::from_str(&text).unwrap();
        for key in SHARED {
            prop_assert_eq!(of_others(&after, key), of_others(&before, key), "{}", key);
        }
        let directory = host.world().computer.lima_home.join("vm");
        let meaning = Meaning { directory: &directory, home: None, defaults: true };
        for (key, value) in &before {
            if !SHARED.contains(&key.as_str()) && !determined.contains(&key.as_str()) {
                let now = after.get(key).cloned().unwrap_or_default();
                prop_assert_eq!(meaning.of(key, &now), meaning.of(key, value), "{}", key);
            }
        }
        Ok(())
    };
    TestRunner::new(cases).run(&strategy, property).unwrap();
}
