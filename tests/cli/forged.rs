//! No text of a file or of a machine passes for a line of `cai`.

use crate::support::sandbox::{Ran, Sandbox};
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![a_line_break_in_a_key_begins_no_line]
}

/// What only `cai` begins a line with.
const FORGED: &str = "Plan: 99 to add";

#[track_caller]
fn forges_nothing(ran: &Ran) {
    let text = format!("{}{}", ran.stdout, ran.stderr);
    assert!(text.contains(FORGED), "the key is not shown: {ran}");
    for line in text.lines() {
        let words = line.trim_start_matches("[simulated]").trim_start_matches([' ', '\t', '#']);
        assert!(!words.starts_with(FORGED), "{line:?} is forged: {ran}");
    }
}

fn a_line_break_in_a_key_begins_no_line() {
    let sandbox = Sandbox::new();
    let file = |value: &str| {
        let key = format!("\"x\\n\\t{FORGED}, 0 to change\\n  + fake\"");
        let text = format!("version = 1\n[docker.daemon]\n{key} = \"{value}\"\n");
        sandbox.write("home/containai.toml", &text);
    };
    let cai = |words: &[&str]| sandbox.cai(&[&["--simulate=world"], words].concat());
    sandbox.write("home/containai.toml", "version = 1\n");
    cai(&["apply", "--yes"]).success();
    file("1");
    let plan = cai(&["plan"]);
    plan.success();
    forges_nothing(&plan);
    // dockerd refuses a key that it does not know.
    let ran = cai(&["apply", "--yes"]);
    ran.fails_with(1);
    forges_nothing(&ran);
    cai(&["simulate", "break", "daemon-json"]).success();
    forges_nothing(&cai(&["doctor"]));
    forges_nothing(&cai(&["plan"]));
    file("2");
    forges_nothing(&cai(&["doctor"]));
    forges_nothing(&cai(&["apply", "--yes"]));
}
