//! A VM that someone made from Lima's template docker-rootful. `cai` keeps its entries, and finds out
//! before anything stops that Lima would refuse an edit.

use std::path::Path;

use containai::config;
use containai::host::System;
use containai::simulate::{Call, LINUX, SimulatedHost, World, run, store};
use serde_json::Value;

use super::{apply, failures};
use crate::support::sandbox::{Ran, Sandbox};
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        what_is_in_it_stays_and_it_converges,
        an_owner_of_the_socket_lacks_nothing,
        what_lima_refuses_is_a_problem_before_anything_stops,
        what_lima_refuses_of_a_new_vm_is_a_problem_of_the_plan,
        what_lima_warns_of_is_shown_and_done,
        lima_judges_a_vm_that_waits_for_lima_itself,
        validate_asks_lima_where_there_is_one,
    ]
}

/// As Lima 2.2.0 stores its template, with an image that has Docker in it.
pub const ROOTFUL: &str = r#"# A template to use Docker (rootful) instead of containerd & nerdctl
minimumLimaVersion: 2.0.0
images:
- location: /images/docker.img
mounts:
- location: "~"
containerd:
  system: false
  user: false
provision:
- mode: system
  # This script defines the host.docker.internal hostname when hostResolver is disabled.
  script: |
    #!/bin/sh
    sed -i 's/host.lima.internal.*/host.lima.internal host.docker.internal/' /etc/hosts
- mode: yq
  path: /etc/systemd/system/docker.socket.d/override.conf
  format: ini
  expression: .Socket.SocketUser="{{.User}}"
- mode: yq
  path: "/etc/docker/daemon.json"
  expression: |
    .features.cdi = true |
    .features.containerd-snapshotter = {{.Param.containerdSnapshotter}}
probes:
- script: |
    #!/bin/bash
    timeout 30s bash -c "until pgrep dockerd; do sleep 3; done"
  hint: See "/var/log/cloud-init-output.log" in the guest
hostResolver:
  hosts:
    host.docker.internal: host.lima.internal
portForwards:
- guestSocket: "/var/run/docker.sock"
  hostSocket: "{{.Dir}}/sock/docker.sock"
message: |
  docker context use lima-{{.Name}}
param:
  containerdSnapshotter: true
"#;

const FILE: &str = "version = 1\n[vm]\nname = \"vm\"\ncpus = 2\n[docker]\nsource = \"preinstalled\"\n\
                    [sysbox]\nenabled = false\n";

/// A saved world with that VM, running, and a home with this file.
fn adopted(file: &str) -> Sandbox {
    let host = SimulatedHost::new(&System, World::new(LINUX));
    for line in ["limactl create --name=vm -", "limactl start vm"] {
        let words = shlex::split(line).unwrap();
        let call = Call { args: &words[1..], stdin: Some(ROOTFUL.as_bytes()), ..Call::default() };
        let reply = host.change(|world| run(world, &words[0], &call)).unwrap().unwrap();
        assert_eq!(reply.code, 0, "{line}: {reply:?}");
    }
    saved(&host.world(), file)
}

fn saved(world: &World, file: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    store::save(&System, &directory(&sandbox), world).unwrap();
    sandbox.write("home/containai.toml", file);
    sandbox
}

fn directory(sandbox: &Sandbox) -> std::path::PathBuf {
    sandbox.path("home/world")
}

fn world(sandbox: &Sandbox) -> World {
    store::load(&System, &directory(sandbox)).unwrap().unwrap()
}

fn cai(sandbox: &Sandbox, words: &[&str]) -> Ran {
    let simulate = format!("--simulate={}", directory(sandbox).display());
    sandbox.cai(&[&[simulate.as_str()], words].concat())
}

fn yaml(sandbox: &Sandbox) -> Value {
    serde_yaml::from_str(&world(sandbox).instances["vm"].yaml).unwrap()
}

/// The entries of a list that are not `cai`'s.
fn of_others(yaml: &Value, key: &str) -> Vec<Value> {
    let list = yaml[key].as_array().into_iter().flatten();
    list.filter(|entry| !entry.to_string().contains("Written by cai")).cloned().collect()
}

fn what_is_in_it_stays_and_it_converges() {
    let sandbox = adopted(FILE);
    let before: Value = serde_yaml::from_str(ROOTFUL).unwrap();
    let ran = cai(&sandbox, &["apply", "--yes"]);
    ran.success();
    let after = yaml(&sandbox);
    for key in ["provision", "probes", "portForwards"] {
        assert_eq!(of_others(&after, key), of_others(&before, key), "{key}");
    }
    for key in ["mounts", "images", "param", "message", "hostResolver", "minimumLimaVersion"] {
        assert_eq!(after[key], before[key], "{key}");
    }
    assert_eq!(after["cpus"], 2);
    assert_eq!(after["provision"].as_array().unwrap().len(), 4, "cai's own script is there once");
    let again = cai(&sandbox, &["apply", "--yes"]);
    again.success();
    assert!(again.stderr.contains("No changes."), "{again}");
}

fn an_owner_of_the_socket_lacks_nothing() {
    let sandbox = adopted(FILE);
    let found = cai(&sandbox, &["doctor", "--json"]);
    let findings: Value = serde_json::from_str(&found.stdout).unwrap();
    let is_error = |finding: &&Value| finding["severity"] == "error";
    let errors: Vec<_> = findings["findings"].as_array().unwrap().iter().filter(is_error).collect();
    // Lima forwards the socket, and the user opens it as its owner.
    assert!(errors.iter().all(|it| it["address"] == "context.vm"), "{errors:#?}");
    let plan = cai(&sandbox, &["plan"]);
    assert!(plan.success().contains("dev owns the Docker socket"), "{plan}");
    assert!(!plan.stdout.contains("will predate docker"), "{plan}");
    cai(&sandbox, &["apply", "--yes"]).success();
    let healthy = cai(&sandbox, &["doctor"]);
    healthy.success();
}

fn what_lima_refuses_is_a_problem_before_anything_stops() {
    let sandbox = adopted(&format!("{FILE}[vm.lima.param]\nunused = \"x\"\n"));
    let before = world(&sandbox);
    let why = "Lima refuses this VM: field `param` key `unused` is not used in any provision";
    let plan = cai(&sandbox, &["plan"]);
    assert!(plan.fails_with(1).contains(why), "{plan}");
    let ran = cai(&sandbox, &["apply", "--yes"]);
    assert!(ran.fails_with(1).contains(why), "{ran}");
    assert_eq!(world(&sandbox), before, "something was done");
}

fn what_lima_refuses_of_a_new_vm_is_a_problem_of_the_plan() {
    let file = format!("{FILE}[vm.lima.param]\nunused = \"x\"\n");
    let sandbox = saved(&World::new(LINUX), &file);
    let ran = cai(&sandbox, &["apply", "--yes"]);
    assert!(ran.fails_with(1).contains("Lima refuses this VM"), "{ran}");
    assert!(world(&sandbox).instances.is_empty());
}

fn what_lima_warns_of_is_shown_and_done() {
    let sandbox = adopted(&format!("{FILE}[vm.lima]\nmountTyp = \"9p\"\n"));
    let plan = cai(&sandbox, &["plan"]);
    assert!(plan.success().contains("Lima warns: unknown field \"mountTyp\""), "{plan}");
    assert!(plan.stderr.contains("did you mean `mountType`?"), "{plan}");
    cai(&sandbox, &["apply", "--yes"]).success();
    let again = cai(&sandbox, &["plan"]);
    assert!(again.success().contains("No changes."), "{again}");
}

/// If Lima could not check the YAML while planning, `apply` still refuses it.
fn lima_judges_a_vm_that_waits_for_lima_itself() {
    let config = config::parse(&format!("{FILE}[vm.lima.param]\nunused = \"x\"\n")).unwrap();
    let mut world = World::new(LINUX);
    world.computer.programs.remove("limactl");
    let host = SimulatedHost::new(&System, world);
    let report = apply(&host, &config);
    assert!(failures(&report).contains("Lima refuses this VM"), "{}", failures(&report));
    assert!(host.world().instances.is_empty());
}

fn validate_asks_lima_where_there_is_one() {
    let file = format!("{FILE}[vm.lima.param]\nunused = \"x\"\n");
    let sandbox = saved(&World::new(LINUX), &file);
    let ran = cai(&sandbox, &["validate"]);
    assert!(ran.fails_with(3).contains("Lima refuses this VM: field `param`"), "{ran}");
    let json: Value = serde_json::from_str(&cai(&sandbox, &["validate", "--json"]).stdout).unwrap();
    assert_eq!(json["files"][0]["valid"], false, "{json}");
    // Without an accepted version of Lima, nothing is reported.
    let mut world = World::new(LINUX);
    world.computer.programs.remove("limactl");
    let sandbox = saved(&world, &file);
    let ran = cai(&sandbox, &["validate"]);
    assert!(ran.success().contains("is valid"), "{ran}");
    let sandbox = saved(&World::new(LINUX), &format!("{file}[lima]\nversion = \">=3\"\n"));
    cai(&sandbox, &["validate"]).success();
    assert!(Path::new(&directory(&sandbox)).exists());
}
