//! The diagnosis of a healthy engine, and the builds that its file leaves open.

use serde_json::{Value, json};

use crate::support::fake_world::FakeWorld;
use crate::support::sandbox::Ran;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![a_healthy_engine_is_a_line_and_0, an_open_build_is_no_finding]
}

/// A file in which everything is one build.
const PINNED: &str = "version = 1\n[vm]\ncpus = 2\nmounts = []\n[[vm.images]]\n\
    location = \"https://example.org/a.img\"\n\
    digest = \"sha256:9d6d5484f980d0a17f86c492c1262015c2afb66280bdb97215b79fde6a0261c5\"\n\
    [docker]\nversion = \"29.5.2\"\n[sysbox]\nenabled = false\n";

#[track_caller]
fn document(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran}"))
}

fn a_healthy_engine_is_a_line_and_0() {
    let machine = FakeWorld::converged(PINNED);
    let ran = machine.cai(&["doctor"]);
    assert!(ran.success().starts_with("Healthy. containai-secure: the VM is running, "), "{ran}");
    // A long path of the socket is on a separate line.
    assert!(ran.stdout.lines().count() <= 2 && ran.stderr.is_empty(), "{ran}");
    let document = document(&machine.cai(&["doctor", "--json"]));
    assert_eq!(
        document,
        json!({
            "format_version": 1, "file": "containai.toml", "healthy": true, "findings": [], "unpinned": [],
        })
    );
    // There is nothing to repair.
    assert_eq!(machine.cai(&["doctor", "--fix"]).success(), ran.stdout);
}

fn an_open_build_is_no_finding() {
    let file = PINNED.replace("29.5.2", "29");
    let machine = FakeWorld::converged(&file);
    let ran = machine.cai(&["doctor"]);
    let line = "\nNot pinned: Docker's version (containai.toml:9). To pin them: cai pin\n";
    assert!(ran.success().ends_with(line), "{ran}");
    let found = document(&machine.cai(&["doctor", "--json"]));
    assert_eq!((&found["healthy"], &found["findings"]), (&json!(true), &json!([])));
    let open = json!([
        { "what": "Docker's version", "key": "docker.version", "file": "containai.toml", "line": 9 },
    ]);
    assert_eq!(found["unpinned"], open);
    // It is not shown for a broken engine.
    machine.change(|world| {
        let config = containai::config::parse(&file).unwrap();
        containai::simulate::Fault::find("group").unwrap().strike(world, &config);
    });
    let ran = machine.cai(&["doctor"]);
    ran.fails_with(1);
    assert!(!ran.stdout.contains("Not pinned"), "{ran}");
}
