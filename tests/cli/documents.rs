//! What the documents show holds: the examples, and the blocks of the README.

use std::path::{Path, PathBuf};

use super::fake;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![every_example_is_valid_and_can_be_planned, the_readme_names_what_there_is]
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn examples() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join("examples")).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

fn every_example_is_valid_and_can_be_planned() {
    let sandbox = fake::fresh();
    let examples = examples();
    assert!(examples.len() >= 2, "{examples:?}");
    for example in examples {
        let path = example.to_str().unwrap();
        sandbox.cai(&["--file", path, "validate"]).success();
        let plan = sandbox.cai(&["--file", path, "plan"]);
        assert!(plan.success().contains("+ vm.containai-secure"), "{plan}");
    }
}

fn the_readme_names_what_there_is() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let help = fake::fresh().cai(&["--help"]).stdout;
    let commands: Vec<&str> = readme
        .split("```sh\n")
        .skip(1)
        .filter_map(|block| block.split("```").next())
        .flat_map(str::lines)
        .filter_map(|line| line.strip_prefix("cai "))
        .flat_map(|line| line.split('#').next().unwrap().split_whitespace())
        .collect();
    assert!(commands.contains(&"plan") && commands.contains(&"apply"), "{commands:?}");
    for word in commands {
        let known = help.contains(word) || root().join(word).exists();
        assert!(known, "{word:?} of the README is neither in the help nor a file");
    }
}
