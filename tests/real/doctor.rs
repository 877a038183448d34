//! What `cai doctor` sees of a real engine that is broken, and that it repairs just that.

use serde_json::Value;

use super::engine::{Engine, shared};
use super::repair::renew_master;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        the_whole_story_of_the_group,
        what_breaks_in_a_guest_is_named_and_mended,
        only_a_container_shows_that_none_starts,
    ]
}

/// What doctor says of the engine, and the codes of its findings.
fn findings(engine: &Engine, arguments: &[&str]) -> (Value, Vec<String>) {
    let ran = engine.cai(&[&["doctor", "--json"], arguments].concat());
    let document: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran}"));
    let found = document["findings"].as_array().unwrap();
    let codes = found.iter().map(|finding| finding["code"].as_str().unwrap().to_owned());
    let codes: Vec<String> = codes.collect();
    assert_eq!(document["healthy"], codes.is_empty(), "{ran}");
    assert_eq!(ran.status.code(), Some(i32::from(!codes.is_empty())), "{ran}");
    (document, codes)
}

/// Breaks the engine, and has doctor name it with this code and mend it, with nothing disturbed.
fn is_named_and_mended(engine: &Engine, code: &str, break_it: impl Fn()) -> Value {
    let container = engine.container("keeper");
    let boot = engine.boot();
    break_it();
    let (document, codes) = findings(engine, &[]);
    assert_eq!(codes, [code]);
    let finding = document["findings"][0].clone();
    assert_eq!(finding["fixable"], true, "{finding}");
    let fixed = engine.cai(&["doctor", "--fix", "--yes"]);
    assert!(fixed.success().contains("Healthy."), "{fixed}");
    engine.works();
    assert_eq!(engine.running(), container, "the container did not live on");
    assert_eq!(engine.boot(), boot, "the VM was restarted");
    finding
}

fn the_whole_story_of_the_group() {
    let engine = shared();
    assert_eq!(findings(&engine, &[]).1, [""; 0], "healthy at first");
    let finding = is_named_and_mended(&engine, "group_missing", || {
        engine.guest("sudo gpasswd -d \"$(id -un)\" docker");
        renew_master(&engine);
    });
    let observed = &finding["observed"];
    for groups in ["groups_configured", "groups_of_the_open_session"] {
        assert!(!observed[groups].to_string().contains("docker"), "{finding}");
    }
    assert!(!finding["consequences"].as_array().unwrap().is_empty(), "{finding}");
    assert_eq!(findings(&engine, &[]).1, [""; 0], "healthy in the end");
}

fn what_breaks_in_a_guest_is_named_and_mended() {
    let engine = shared();
    is_named_and_mended(&engine, "session_stale", || {
        engine.guest("sudo gpasswd -d \"$(id -un)\" docker");
        renew_master(&engine);
        engine.guest("sudo usermod -aG docker \"$(id -un)\"");
    });
    let finding = is_named_and_mended(&engine, "dockerd_down", || {
        engine.guest("sudo systemctl stop docker.socket docker.service");
    });
    assert!(finding["observed"].to_string().contains("inactive"), "{finding}");
    is_named_and_mended(&engine, "guest_socket_missing", || {
        engine.guest("sudo rm /var/run/docker.sock");
    });
    is_named_and_mended(&engine, "forward_dead", || {
        engine.ssh(&["-O", "cancel", "-L", &engine.forward()], &[]).success();
    });
    is_named_and_mended(&engine, "provision_failed", || {
        engine.guest("echo 100 | sudo tee /run/cai-provision-failed");
    });
}

fn only_a_container_shows_that_none_starts() {
    let engine = shared();
    assert_eq!(findings(&engine, &["--deep"]).1, [""; 0]);
    engine.guest("sudo chmod a-x \"$(command -v runc || echo /usr/sbin/runc)\"");
    let (document, codes) = findings(&engine, &["--deep"]);
    engine.guest("sudo chmod a+x /usr/sbin/runc");
    assert_eq!(codes, ["container_start_failed"]);
    assert!(document["findings"][0]["observed"].to_string().contains("runc"), "{document}");
    assert_eq!(findings(&engine, &["--deep"]).1, [""; 0]);
    let left = engine.guest("sudo docker ps -aq --filter name=cai- | wc -l");
    assert_eq!(left, "0", "a throw-away container is left");
}
