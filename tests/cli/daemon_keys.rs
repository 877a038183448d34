//! The table of daemon.json's keys in the README is the one that `cai` goes by.

use std::path::Path;

use containai::model::daemon_key::{DAEMON_KEYS, Effect};

use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![the_readme_says_how_each_key_takes_effect]
}

fn the_readme_says_how_each_key_takes_effect() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    for (effect, words) in [
        (Effect::Reload, "reload; no container stops"),
        (Effect::HidesData, "restart; hides the data of the old store"),
        (Effect::Restart, "restart"),
    ] {
        let names = DAEMON_KEYS.iter().filter(|key| key.effect == effect);
        let mut names: Vec<String> = names.map(|key| format!("`{}`", key.name)).collect();
        if effect == Effect::HidesData {
            names.push("`features.containerd-snapshotter`".into());
        }
        let row = format!("| {words} | {} |", names.join(", "));
        assert!(readme.lines().any(|line| line == row), "README.md lacks the row:\n{row}");
    }
}
