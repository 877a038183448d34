//! dockerd loads its configuration in the least disruptive way that works, and containers keep
//! running.

use serde_json::{Value, json};

use super::declared::Declared;
use super::engine::{Engine, shared};
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        a_runtime_is_added_by_a_reload_beside_what_others_wrote,
        a_network_key_is_taken_over_by_a_restart_of_dockerd,
        a_seccomp_profile_is_in_force_and_follows_its_file,
        a_broken_daemon_json_is_named_and_left_alone,
    ]
}

const FILE: &str = "/etc/docker/daemon.json";

fn daemon_json(engine: &Engine) -> Value {
    serde_json::from_str(&engine.guest(&format!("cat {FILE}"))).unwrap()
}

fn a_runtime_is_added_by_a_reload_beside_what_others_wrote() {
    let engine = shared();
    let container = engine.container("keeper");
    let dockerd = engine.dockerd();
    // Someone changes the file and reloads dockerd.
    let mut by_hand = daemon_json(&engine);
    by_hand["max-concurrent-downloads"] = json!(7);
    by_hand["runtimes"]["hand"] = json!({"path": "/usr/bin/env"});
    engine.guest(&format!(
        "echo '{by_hand}' | sudo tee {FILE} >/dev/null && sudo systemctl reload docker"
    ));

    let docker = "[docker.daemon.runtimes.second]\npath = \"/usr/sbin/runc\"";
    engine.declare(&Declared { docker, ..Declared::default() });
    engine.plan_says(&[
        "~ provision.daemon",
        "! restart.containai-secure  dockerd reload",
        "dockerd must reload to apply: runtimes",
        "Reloads dockerd. Stops no containers.",
    ]);
    engine.apply_mends();
    assert_eq!(engine.running(), container, "the container did not live on");
    assert_eq!(engine.dockerd(), dockerd, "dockerd was restarted");
    let file = daemon_json(&engine);
    assert_eq!(file["max-concurrent-downloads"], 7, "{file}");
    let runtimes = engine.docker(&["info", "--format", "{{json .Runtimes}}"]);
    for runtime in ["hand", "second"] {
        assert!(runtimes.success().contains(&format!("\"{runtime}\"")), "{runtimes}");
    }
    let run = ["run", "--rm", "--runtime=second", "--network=none", "cai-test", "/bin/sleep", "0"];
    engine.docker(&run).success();
}

fn a_network_key_is_taken_over_by_a_restart_of_dockerd() {
    let engine = shared();
    let container = engine.container("keeper");
    let (dockerd, boot) = (engine.dockerd(), engine.boot());
    let docker =
        "[docker.daemon]\ndefault-address-pools = [{ base = \"10.201.0.0/16\", size = 24 }]";
    engine.declare(&Declared { docker, ..Declared::default() });
    engine.plan_says(&[
        "! restart.containai-secure  dockerd restart",
        "dockerd must be restarted to load: default-address-pools",
        "stops no container",
        "Restarts dockerd.",
    ]);
    engine.apply_mends();
    assert_eq!(engine.running(), container, "the container did not live on");
    assert_ne!(engine.dockerd(), dockerd, "dockerd was not restarted");
    assert_eq!(engine.boot(), boot, "the VM was restarted");
    engine.docker(&["network", "create", "pools"]).success();
    let subnet = "{{(index .IPAM.Config 0).Subnet}}";
    let subnet = engine.docker(&["network", "inspect", "--format", subnet, "pools"]);
    engine.docker(&["network", "rm", "pools"]).success();
    assert!(subnet.success().starts_with("10.201."), "{subnet}");
}

/// A seccomp profile that allows everything except these system calls.
fn profile(calls: &[&str]) -> String {
    json!({
        "defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [{"names": calls, "action": "SCMP_ACT_ERRNO"}],
    })
    .to_string()
}

/// Whether a container can create a directory.
fn may_make_a_directory(engine: &Engine) -> bool {
    let run = ["run", "--rm", "--network=none", "cai-test", "/bin/mkdir", "/new"];
    engine.docker(&run).status.success()
}

fn a_seccomp_profile_is_in_force_and_follows_its_file() {
    let engine = shared();
    let container = engine.container("keeper");
    engine.write("seccomp.json", &profile(&["mkdir", "mkdirat"]));
    let docker = "seccomp_profile = \"./seccomp.json\"";
    engine.declare(&Declared { docker, ..Declared::default() });
    engine.plan_says(&["seccomp-profile", "! restart.containai-secure  dockerd restart"]);
    engine.apply_mends();
    assert!(!may_make_a_directory(&engine), "the profile is not in force");

    // New contents under the same name: dockerd read the old file when it started. This profile is
    // harmless, because it stays loaded after the file no longer declares it.
    engine.write("seccomp.json", &profile(&["acct"]));
    engine.plan_says(&[
        "/etc/docker/cai-seccomp.json",
        "! restart.containai-secure  dockerd restart",
        "stops no container",
    ]);
    engine.apply_mends();
    assert!(may_make_a_directory(&engine), "the old profile is in force");
    assert_eq!(engine.running(), container, "the container did not live on");
}

fn a_broken_daemon_json_is_named_and_left_alone() {
    let engine = shared();
    let container = engine.container("keeper");
    engine.guest(&format!(
        "sudo mv {FILE} {FILE}.good && echo '{{ \"bip\" ' | sudo tee {FILE} >/dev/null"
    ));
    for words in [&["plan"][..], &["apply", "--yes"]] {
        let ran = engine.cai(words);
        let why = ran.fails_with(1);
        assert!(why.contains(&format!("{FILE} in the guest is not a JSON object")), "{ran}");
    }
    assert_eq!(engine.guest(&format!("cat {FILE}")), "{ \"bip\"");
    engine.guest(&format!("sudo mv {FILE}.good {FILE}"));
    engine.apply_mends();
    assert_eq!(engine.running(), container, "the container did not live on");
}
