//! What the README says of the doctor is what the doctor says.

use std::path::Path;

use containai::doctor::Code;

use crate::support::sandbox::Sandbox;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![the_readme_has_every_code, the_example_of_the_readme_is_what_is_shown]
}

fn readme() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap()
}

fn the_readme_has_every_code() {
    let readme = readme();
    let table = readme.split("| code | means |\n|---|---|\n").nth(1).expect("the table of codes");
    let rows: Vec<&str> = table.lines().take_while(|line| line.starts_with('|')).collect();
    let wanted: Vec<String> =
        Code::ALL.iter().map(|code| format!("| `{code}` | {} |", code.meaning())).collect();
    assert_eq!(rows, wanted);
}

fn the_example_of_the_readme_is_what_is_shown() {
    let readme = readme();
    let block = readme.split("```text\n$ cai doctor\n").nth(1).expect("the example");
    let block = block.split("```").next().unwrap();
    let sandbox = Sandbox::new();
    let minimal = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/minimal.toml");
    sandbox.write("home/containai.toml", &std::fs::read_to_string(minimal).unwrap());
    sandbox.cai(&["simulate", "reset", "--platform", "linux"]).success();
    sandbox.cai(&["simulate", "break", "group"]).success();
    let ran = sandbox.cai(&["--simulate", "doctor"]);
    ran.fails_with(1);
    let shown = ran.stdout.replace("[simulated] ", "");
    // What is to be typed is of the same host; the README's is a real one.
    let typed = "do: cai --simulate doctor --fix\n";
    assert!(shown.contains(typed), "{ran}");
    // Its lines have the room that the mark takes here.
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(&shown.replace(typed, "do: cai doctor --fix\n")), words(block));
}
