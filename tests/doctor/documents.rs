//! The example in the topic of the doctor is what the doctor says.

use std::path::Path;

use crate::support::sandbox::Sandbox;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![the_example_of_the_topic_is_what_is_shown]
}

fn the_example_of_the_topic_is_what_is_shown() {
    let sandbox = Sandbox::new();
    let topic = sandbox.cai(&["help", "doctor"]);
    let block = topic.success().split("    $ cai doctor\n").nth(1).expect("the example");
    let block = block.split("\nCodes.").next().unwrap();
    let minimal = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/minimal.toml");
    sandbox.write("home/containai.toml", &std::fs::read_to_string(minimal).unwrap());
    sandbox.cai(&["simulate", "reset", "--platform", "linux"]).success();
    sandbox.cai(&["simulate", "break", "group"]).success();
    let ran = sandbox.cai(&["--simulate", "doctor"]);
    ran.fails_with(1);
    let shown = ran.stdout.replace("[simulated] ", "");
    // The command in the topic is for a real host.
    let typed = "do: cai --simulate doctor --fix\n";
    assert!(shown.contains(typed), "{ran}");
    // Its lines have the room that the mark takes here.
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(&shown.replace(typed, "do: cai doctor --fix\n")), words(block));
}
